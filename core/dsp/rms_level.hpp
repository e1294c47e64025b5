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
    in_.resize(std::size_t(channels));
    rate_ = rate_hz;
    step_ = one_pole(average_ms, rate_hz);
    reset();
  }
  void reset() noexcept { std::fill(power_.begin(), power_.end(), AnalyticState{}); }

  /// [audio] level: dB of full scale, of frames from `first` on; a sine reads 3 dB less than its peak.
  void process(float* level, const float* const* in, int first, int frames) noexcept {
    for (std::size_t c = 0; c < in_.size(); ++c) in_[c] = in[c] + first;
    simd().dynamics.analytic_rms(level, power_.data(), pair_, in_.data(), int(in_.size()), step_, frames);
    simd().to_db(level, frames);
  }

  /// Steps for ballistics (core/dsp/ballistics.hpp) that take so long in all: what the average takes to see a level
  /// rise or fall is part of the time. True from four averages up; what is shorter comes out a little longer than said.
  double rise(double time_ms) const { return one_pole(std::max(time_ms - 0.6 * average_ms, time_ms / 2), rate_); }
  double fall(double time_ms) const { return one_pole(std::max(time_ms - 1.6 * average_ms, time_ms / 3), rate_); }

private:
  AnalyticPair pair_{};
  std::vector<AnalyticState> power_;
  std::vector<const float*> in_;
  double rate_ = 0, step_ = 1;
};

}  // namespace lacquer
