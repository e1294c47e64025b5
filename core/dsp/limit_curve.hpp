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
#include <cmath>
#include <cstddef>
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
    const int first = int(0.58 * total + 0.5);
    boxes_[0].ring.assign(std::size_t(first), one);
    boxes_[1].ring.assign(std::size_t(total - first), double(first) * one);
    scale_ = 1.0 / (one * double(first) * double(total - first));
    rest_after_ = look + 2 + 2 * guard + total;
    reset();
  }
  void reset() noexcept {
    smallest_.reset();
    double sum = one;
    for (Box& b : boxes_) {
      std::fill(b.ring.begin(), b.ring.end(), sum);
      b.sum = sum *= double(b.ring.size());
      b.at = 0;
    }
    now_ = average_ = deepest_ = 0;
    resting_ = rest_after_;
  }
  /// Frames by which the gain is later than the requirement.
  static int delay(int look) { return look + guard; }

  /// [audio] io: decibels required per interval [i, i+1), 0 or less, in; decibels wanted out. bass: decibels that were
  /// held by the caller, per frame. Returns false when nothing is wanted nor still on its way back: the gain is 1, and
  /// move is not to be called.
  bool want(float* io, const float* bass, int n) noexcept {
    const bool quiet = smallest_of(io, n) == 0.0f && smallest_of(bass, n) == 0.0f;
    if (quiet && resting_ >= rest_after_) return false;
    smallest_.process(io, n);
    simd().dynamics.smaller(io, bass, n);
    const bool rests = quiet && now_ == 0 && average_ == 0 && smallest_of(io, n) == 0.0f;
    resting_ = rests ? std::min(resting_ + n, rest_after_) : 0;
    return true;
  }
  /// [audio] io: decibels wanted in, gain out. sustained: decibels the slow average listens to; may be io.
  void move(float* io, const float* sustained, const Recovery& r, int n) noexcept {
    recover(io, sustained, r, n);
    simd().to_gain(io, n);
    for (int i = 0; i < n; ++i) {
      // Whole numbers, so that a running sum never drifts; rounded down, so that it never exceeds.
      const double whole = std::floor(double(io[i]) * one);
      io[i] = float(boxes_[1](boxes_[0](whole)) * scale_);
    }
  }
  /// Decibels the signal is turned down, before smoothing.
  double reduction() const { return -now_; }
  double deepest() const { return -deepest_; }  ///< since reset

private:
  static constexpr double one = 1 << 24;

  struct Box {
    std::vector<double> ring;
    double sum = 0;
    std::size_t at = 0;
    double operator()(double x) noexcept {
      sum += x - ring[at];
      ring[at] = x;
      if (++at == ring.size()) at = 0;
      return sum;
    }
  };

  static float smallest_of(const float* x, int n) {
    float m = 0;
    for (int i = 0; i < n; ++i) m = std::min(m, x[i]);
    return m;
  }

  void recover(float* io, const float* sustained, const Recovery& r, int n) noexcept {
    double now = now_, average = average_, deepest = deepest_;
    for (int i = 0; i < n; ++i) {
      const double wanted = double(io[i]), s = double(sustained[i]);
      average += (s < average ? r.settle : r.slow) * (s - average);
      const double limit = r.share * average;
      const double slowly = now + r.slow * (wanted - now);
      const double quickly = now < limit ? now + r.fast * (std::min(wanted, limit) - now) : now;
      now = std::min(wanted, std::max(slowly, quickly));
      if (now > -1e-6) now = wanted == 0 ? 0 : now;
      if (average > -1e-6) average = s == 0 ? 0 : average;
      deepest = std::min(deepest, now);
      io[i] = float(now);
    }
    now_ = now;
    average_ = average;
    deepest_ = deepest;
  }

  SlidingMin smallest_;
  Box boxes_[2];
  double scale_ = 1, now_ = 0, average_ = 0, deepest_ = 0;
  int resting_ = 0, rest_after_ = 0;
};

}  // namespace lacquer
