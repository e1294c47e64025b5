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

  /// [control] So many levels, each of `channels` signals.
  void prepare(int channels, double rate_hz, int levels = 1) {
    channels_ = channels;
    levels_ = levels;
    pair_ = design_analytic_pair(20, rate_hz);
    const int signals = channels * levels;
    states_.resize(std::size_t(signals + AnalyticState::signals - 1) / AnalyticState::signals);
    in_.resize(std::size_t(signals));
    memory_.assign(std::size_t(signals), std::vector<float>(chunk));
    power_.clear();
    for (auto& m : memory_) power_.push_back(m.data());
    rate_ = rate_hz;
    step_ = float(one_pole(average_ms, rate_hz));
    reset();
  }
  void reset() noexcept { std::fill(states_.begin(), states_.end(), AnalyticState{}); }

  /// [audio] level[l] of in[l * channels + channel]: dB of full scale, of frames from `first` on; a sine reads 3 dB
  /// less than its peak.
  void process(float* const* level, const float* const* in, int first, int frames) noexcept {
    for (int done = 0; done < frames; done += chunk) {
      const int n = std::min(chunk, frames - done);
      for (std::size_t s = 0; s < in_.size(); ++s) in_[s] = in[s] + first + done;
      simd().dynamics.mean_square(power_.data(), states_.data(), pair_, in_.data(), int(in_.size()), step_, n);
      for (int l = 0; l < levels_; ++l) {
        float* const to = level[l] + done;
        const float* const* of = power_.data() + l * channels_;
        std::copy_n(of[0], n, to);
        for (int c = 1; c < channels_; ++c)
          for (int i = 0; i < n; ++i) to[i] = std::max(to[i], of[c][i]);
        simd().power_to_db(to, n);
      }
    }
  }

  void process(float* level, const float* const* in, int first, int frames) noexcept {
    process(&level, in, first, frames);
  }

  /// Steps for ballistics (core/dsp/ballistics.hpp) that take so long in all: what the average takes to see a level
  /// rise or fall is part of the time. True from four averages up; what is shorter comes out a little longer than said.
  double rise(double time_ms) const { return one_pole(std::max(time_ms - 0.6 * average_ms, time_ms / 2), rate_); }
  double fall(double time_ms) const { return one_pole(std::max(time_ms - 1.6 * average_ms, time_ms / 3), rate_); }

private:
  static constexpr int chunk = 256;
  AnalyticPair pair_{};
  int channels_ = 1, levels_ = 1;
  std::vector<AnalyticState> states_;
  std::vector<const float*> in_;
  std::vector<std::vector<float>> memory_;
  std::vector<float*> power_;  // of each signal
  double rate_ = 0;
  float step_ = 1;
};

}  // namespace lacquer
