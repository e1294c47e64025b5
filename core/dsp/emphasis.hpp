// core/dsp/emphasis.hpp — a shelf of first order and its exact inverse.

#pragma once

#include "core/math.hpp"

#include <algorithm>
#include <numbers>

namespace lacquer {

/// H = (b0 + b1 z^-1) / (1 + a1 z^-1), bilinear; minimum-phase, so that 1 / H is stable, too.
struct Emphasis {
  double b0 = 1, b1 = 0, a1 = 0;

  /// [control] Raises what lies above `freq` Hz by `db`, 0 or more; halfway there at freq.
  static Emphasis high(double db, double freq, double rate) {
    const double root = db_to_gain(db / 2), k = bend(freq, rate);
    // (g s + w sqrt g) / (s + w sqrt g)
    const double g = root * root, w = k * root, a0 = 1 + w;
    return {(g + w) / a0, (w - g) / a0, (w - 1) / a0};
  }
  /// [control] The same for what lies below.
  static Emphasis low(double db, double freq, double rate) {
    const double root = db_to_gain(db / 2), k = bend(freq, rate);
    // (s + w sqrt g) / (s + w / sqrt g)
    const double up = k * root, down = k / root, a0 = 1 + down;
    return {(1 + up) / a0, (up - 1) / a0, (down - 1) / a0};
  }

  struct State {
    double x = 0, y = 0;                                        ///< the last input and output
    double operator()(const Emphasis& e, double in) noexcept {  ///< [audio]
      y = e.b0 * in + e.b1 * x - e.a1 * y;
      x = in;
      return y;
    }
    double undo(const Emphasis& e, double in) noexcept {  ///< [audio] of a State of its own
      y = (in + e.a1 * x - e.b1 * y) / e.b0;
      x = in;
      return y;
    }
  };

private:
  static double bend(double freq, double rate) {
    const SinCos x = sin_cos(std::numbers::pi * std::min(freq / rate, 0.45));
    return x.sin / x.cos;
  }
};

}  // namespace lacquer
