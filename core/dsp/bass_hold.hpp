// core/dsp/bass_hold.hpp — what the bass alone would require of a limiter, held for longer than half its period.
//
// A limiter that lets go between two crests of a bass note bends the note. The low part of the signal, whose crests are
// far apart, therefore keeps its demand over the gaps between them (the idea is Fons Adriaensen's, zita-dpl1).

#pragma once

#include "core/dsp/sliding.hpp"
#include "core/math.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

namespace lacquer {

/// Works in cells of about a third of a millisecond, counted from the start of the stream.
class BassHold {
public:
  /// [control] hold in frames.
  void prepare(double rate, int channels, double corner, int hold) {
    cell_ = std::max(1, int(rate / 3000 + 0.5));
    // Butterworth, second order, bilinear transform at the rate of the cells
    const SinCos w = sin_cos(std::numbers::pi * corner * cell_ / rate);
    const double k = w.sin / w.cos, a0 = 1 + std::numbers::sqrt2 * k + k * k;
    b0_ = k * k / a0;
    a1_ = 2 * (k * k - 1) / a0;
    a2_ = (1 - std::numbers::sqrt2 * k + k * k) / a0;
    low_.assign(std::size_t(channels), {});
    held_.prepare(hold / cell_ + 2, 0);
    reset();
  }
  void reset() noexcept {
    std::fill(low_.begin(), low_.end(), Low{});
    held_.reset();
    filled_ = 0;
    highest_ = 0;
  }

  /// [audio] x[c]: the newest n frames of channel c, with at least one cell of history before them. level: the held
  /// crest of the low part, per frame.
  void process(const float* const* x, float* level, int n) noexcept {
    for (int i = 0; i < n;) {
      const int take = std::min(cell_ - filled_, n - i);
      std::fill(level + i, level + i + take, highest_);
      i += take;
      filled_ += take;
      if (filled_ < cell_) return;
      filled_ = 0;
      double crest = 0;
      for (std::size_t c = 0; c < low_.size(); ++c) {
        crest = std::max(crest, low_[c](sum(x[c] + i - cell_) / cell_, b0_, a1_, a2_));
      }
      highest_ = -held_(-float(1.03 * crest));  // a little more than the peaks themselves ask for, so that bass rules
    }
  }

private:
  double sum(const float* x) const noexcept {
    double four[4] = {};  // four chains of additions instead of one
    int k = 0;
    for (; k + 4 <= cell_; k += 4)
      for (int j = 0; j < 4; ++j) four[j] += double(x[k + j]);
    for (; k < cell_; ++k) four[0] += double(x[k]);
    return (four[0] + four[1]) + (four[2] + four[3]);
  }

  struct Low {
    double s1 = 0, s2 = 0, before = 0, here = 0;
    /// Height of the crest around the value before the newest one, else that value: exact for a sine.
    double operator()(double x, double b0, double a1, double a2) noexcept {
      const double y = b0 * x + s1;
      s1 = 2 * b0 * x - a1 * y + s2;
      s2 = b0 * x - a2 * y;
      const double b = std::abs(here), m = here < 0 ? -(before + y) / 2 : (before + y) / 2,
                   d = std::abs(y - before) / 2;
      double height = b;
      if (m > 0 && d <= b - m && b > m)
        height = std::min(1.1 * b, std::sqrt(b * b + d * d * b * b / ((b - m) * (b + m))));
      before = here;
      here = y;
      return height;
    }
  };
  std::vector<Low> low_;
  SlidingMin held_;
  int cell_ = 1, filled_ = 0;
  float highest_ = 0;
  double b0_ = 0, a1_ = 0, a2_ = 0;
};

}  // namespace lacquer
