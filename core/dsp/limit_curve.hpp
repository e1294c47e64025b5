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
    // Whole numbers, so that a running sum never drifts; rounded down, so that it never exceeds.
    std::int32_t* const first = first_.data();
    std::int64_t* const second = second_.data();
    const int first_size = int(first_.size()), second_size = int(second_.size());
    int at = first_at_, then = second_at_;
    std::int64_t sum = first_sum_, total = second_sum_;
    for (int i = 0; i < n; ++i) {
      const std::int32_t whole = std::int32_t(io[i] * float(one));
      sum += whole - first[at];
      first[at] = whole;
      total += sum - second[then];
      second[then] = sum;
      at = at + 1 == first_size ? 0 : at + 1;
      then = then + 1 == second_size ? 0 : then + 1;
      io[i] = float(double(total) * scale_);
    }
    first_at_ = at, second_at_ = then;
    first_sum_ = sum, second_sum_ = total;
  }
  /// Decibels the signal is turned down, before smoothing.
  double reduction() const { return -now_; }
  double deepest() const { return -deepest_; }  ///< since reset

private:
  static constexpr std::int32_t one = 1 << 24;

  static double lower(double a, double b) { return a < b ? a : b; }  // by value, so that they become one instruction
  static double higher(double a, double b) { return a > b ? a : b; }

  /// Every step is the lower, or higher, of two straight lines: no branch to mispredict, and the shortest way from one
  /// value to the next. The tiny bias lets it come to rest at 0 instead of for ever approaching it.
  void recover(float* io, const float* sustained, const Recovery& r, int n) noexcept {
    double now = now_, average = average_, deepest = deepest_;
    const double keep_settle = 1 - r.settle, keep_slow = 1 - r.slow, keep_fast = 1 - r.fast, bias = 1e-7;
    for (int i = 0; i < n; ++i) {
      const double wanted = double(io[i]), s = double(sustained[i]);
      average =
          lower(lower(keep_settle * average + r.settle * (s + bias), keep_slow * average + r.slow * (s + bias)), 0);
      const double limit = lower(wanted, r.share * average);
      now = lower(higher(keep_slow * now + r.slow * (wanted + bias), keep_fast * now + r.fast * limit), wanted);
      deepest = lower(deepest, now);
      io[i] = float(now);
    }
    now_ = now;
    average_ = average;
    deepest_ = deepest;
  }

  SlidingMins smallest_;
  std::vector<std::int32_t> first_;
  std::vector<std::int64_t> second_;
  std::int64_t first_sum_ = 0, second_sum_ = 0;
  double scale_ = 1, now_ = 0, average_ = 0, deepest_ = 0;
  int first_at_ = 0, second_at_ = 0, resting_ = 0, rest_after_ = 0;
};

}  // namespace lacquer
