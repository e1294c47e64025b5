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
    average_ms_ = 0;
    suit(longest_ms, longest_ms);
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

  /// [audio] The times that are asked for: the average must be short beside the shortest of them.
  void suit(double attack_ms, double release_ms) noexcept {
    const double average = std::clamp(std::min(attack_ms / 4, release_ms / 8), 0.1, longest_ms);
    if (average == average_ms_) return;
    average_ms_ = average;
    step_ = float(one_pole(average, rate_));
  }
  /// Steps for ballistics (core/dsp/ballistics.hpp) that take so long in all: what the average takes to see a level
  /// rise or fall is part of the time.
  double rise(double time_ms) const { return one_pole(std::max(time_ms - 0.6 * average_ms_, time_ms / 2), rate_); }
  double fall(double time_ms) const { return one_pole(std::max(time_ms - 1.6 * average_ms_, time_ms / 3), rate_); }

private:
  static constexpr int chunk = 256;
  static constexpr double longest_ms = 2.5;  // of the average, a one-pole
  AnalyticPair pair_{};
  int channels_ = 1, levels_ = 1;
  std::vector<AnalyticState> states_;
  std::vector<const float*> in_;
  std::vector<std::vector<float>> memory_;
  std::vector<float*> power_;  // of each signal
  double rate_ = 0, average_ms_ = 0;
  float step_ = 1;
};

}  // namespace lacquer
