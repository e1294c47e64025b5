// core/dsp/limit_curve.hpp — from the gain that each moment requires to a gain that moves smoothly and never exceeds
// it.
//
// The smallest requirement over the look-ahead goes down at once, comes back at two speeds (transients at a fast one,
// what is sustained at a slow one), and is averaged by box filters whose total length is the look-ahead. Each averaged
// value has seen the requirement of the moment it is applied to, so their mean cannot exceed it.

#pragma once

#include "core/dsp/sliding.hpp"
#include "core/math.hpp"
#include "core/simd/simd.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace lacquer {

/// How a limiter comes back. Steps are those of one-poles per frame (one_pole in core/math.hpp).
struct Recovery {
  double fast = 0;     ///< back to `share` times the slow average
  double slow = 0;     ///< the rest of the way
  double settle = 0;   ///< of the slow average, into more reduction
  double share = 1.3;  ///< how far around the sustained reduction the fast recovery ends
};

class LimitCurve {
public:
  static constexpr int guard = 1;  ///< frames on either side of an interval that share its gain

  /// [control] `look` frames of look-ahead, at least 4.
  void prepare(int look) {
    smallest_.prepare(look + 2 + 2 * guard, 0.0f);
    const int total = look + 2;  // two boxes of lengths a and b make look + 1 frames
    first_.assign(std::size_t(int(0.58 * total + 0.5)), 0);
    second_.assign(std::size_t(total) - first_.size(), 0);
    scale_ = 1.0 / (double(one) * double(first_.size()) * double(second_.size()));
    rest_after_ = look + 2 + 2 * guard + total;
    reset();
  }
  void reset() noexcept {
    smallest_.reset();
    std::fill(first_.begin(), first_.end(), one);
    first_sum_ = one * std::int64_t(first_.size());
    std::fill(second_.begin(), second_.end(), first_sum_);
    second_sum_ = first_sum_ * std::int64_t(second_.size());
    first_at_ = second_at_ = 0;
    now_ = average_ = deepest_ = 0;
    resting_ = rest_after_;
  }
  /// Frames by which the gain is later than the requirement.
  static int delay(int look) { return look + guard; }

  /// [audio] io: decibels required per interval [i, i+1), 0 or less, in; decibels wanted out. quiet: all of them are 0.
  /// Returns false when nothing is wanted nor still on its way back: the gain is 1, and move is not to be called.
  bool want(float* io, bool quiet, int n) noexcept {
    if (quiet && resting_ >= rest_after_) return false;
    resting_ = quiet && now_ == 0 && average_ == 0 ? std::min(resting_ + n, rest_after_) : 0;
    smallest_.process(io, n);
    return true;
  }
  /// [audio] io: decibels wanted in, gain out. sustained: decibels the slow average listens to; may be io.
  void move(float* io, const float* sustained, const Recovery& r, int n) noexcept {
    recover(io, sustained, r, n);
    simd().to_gain(io, n);
    for (int i = 0; i < n; ++i) {
      // Whole numbers, so that a running sum never drifts; rounded down, so that it never exceeds.
      const std::int32_t whole = std::int32_t(io[i] * float(one));
      first_sum_ += whole - first_[first_at_];
      first_[first_at_] = whole;
      if (++first_at_ == first_.size()) first_at_ = 0;
      second_sum_ += first_sum_ - second_[second_at_];
      second_[second_at_] = first_sum_;
      if (++second_at_ == second_.size()) second_at_ = 0;
      io[i] = float(double(second_sum_) * scale_);
    }
  }
  /// Decibels the signal is turned down, before smoothing.
  double reduction() const { return -now_; }
  double deepest() const { return -deepest_; }  ///< since reset

private:
  static constexpr std::int32_t one = 1 << 24;

  /// Every step is the lower, or higher, of two straight lines: no branch to mispredict, and the shortest way from one
  /// value to the next. The tiny bias lets it come to rest at 0 instead of for ever approaching it.
  void recover(float* io, const float* sustained, const Recovery& r, int n) noexcept {
    double now = now_, average = average_, deepest = deepest_;
    const double keep_settle = 1 - r.settle, keep_slow = 1 - r.slow, keep_fast = 1 - r.fast, bias = 1e-7;
    for (int i = 0; i < n; ++i) {
      const double wanted = double(io[i]), s = double(sustained[i]);
      average = std::min(
          std::min(keep_settle * average + r.settle * (s + bias), keep_slow * average + r.slow * (s + bias)), 0.0);
      const double limit = std::min(wanted, r.share * average);
      now = std::min(std::max(keep_slow * now + r.slow * (wanted + bias), keep_fast * now + r.fast * limit), wanted);
      deepest = std::min(deepest, now);
      io[i] = float(now);
    }
    now_ = now;
    average_ = average;
    deepest_ = deepest;
  }

  SlidingMin smallest_;
  std::vector<std::int32_t> first_;
  std::vector<std::int64_t> second_;
  std::int64_t first_sum_ = 0, second_sum_ = 0;
  std::size_t first_at_ = 0, second_at_ = 0;
  double scale_ = 1, now_ = 0, average_ = 0, deepest_ = 0;
  int resting_ = 0, rest_after_ = 0;
};

}  // namespace lacquer
