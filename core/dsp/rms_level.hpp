// core/dsp/rms_level.hpp — the level that a slow detector compares with a threshold: power over a few milliseconds,
// without the ripple of twice the tone's frequency. Several channels count as the loudest of them.

#pragma once

#include "core/dsp/analytic.hpp"
#include "core/math.hpp"
#include "core/simd/simd.hpp"

#include <algorithm>
#include <vector>

namespace lacquer {

class RmsLevel {
public:
  static constexpr double average_ms = 2.5;  ///< of a one-pole

  void prepare(int channels, double rate_hz) {  ///< [control]
    pair_ = design_analytic_pair(20, rate_hz);
    power_.resize(std::size_t(channels));
    step_ = one_pole(average_ms, rate_hz);
    reset();
  }
  void reset() noexcept { std::fill(power_.begin(), power_.end(), AnalyticState{}); }

  /// [audio] level: dB of full scale; a sine reads 3 dB less than its peak.
  void process(float* level, const float* const* in, int frames) noexcept {
    simd().dynamics.analytic_rms(level, power_.data(), pair_, in, int(power_.size()), step_, frames);
    simd().to_db(level, frames);
  }

  /// What the average takes to see a level come or go is part of a time: what is left of it for the ballistics, ms.
  static double left_of_rise(double time_ms) { return std::max(time_ms - 0.6 * average_ms, time_ms / 2); }
  static double left_of_fall(double time_ms) { return std::max(time_ms - 1.6 * average_ms, time_ms / 3); }

private:
  AnalyticPair pair_{};
  std::vector<AnalyticState> power_;
  double step_ = 1;
};

}  // namespace lacquer
