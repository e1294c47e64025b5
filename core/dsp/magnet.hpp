// core/dsp/magnet.hpp — magnetisation that lags behind the field: the hysteresis of tape.
//
// With field u and magnetisation z, both of unit saturation, dz = du - |du| z: a small loop around nought follows
// Rayleigh's law (its width grows with the square of the field, so small signals are left alone), a large one saturates
// at +-1, and a field that shrinks as it alternates wipes out what was there before, as bias and eraser do. It is the
// friction of P. R. Dahl, "A Solid Friction Model" (1968). While u moves straight, z = s + (z0 - s) exp(-|u - u0|),
// s = sign(u - u0): exact whatever the step, stable whatever the drive.

#pragma once

#include "core/math.hpp"
#include "core/simd/simd.hpp"

#include <algorithm>
#include <cmath>

namespace lacquer {

class Magnet {
public:
  static constexpr double share = 0.4;  ///< of the magnetisation; the rest follows the curve without a lag

  void prepare(int factor, double rate_hz) {  ///< [control] samples to a frame
    factor_ = factor;
    stay_ = 1 - one_pole(10, rate_hz * factor);
    reset();
  }
  void reset() noexcept { lag_ = 0; }

  /// [audio] bent: what a curve without lag adds to `heard`; with it on return. Sample p of a frame lies p * apart on;
  /// n frames, 128 at most, and before them the last one heard. drive as that of the curve, dB.
  void process(float* bent, const float* heard, int apart, const Ramp& drive, int n) noexcept {
    double k[most];
    const double still = strength(drive.to);
    if (drive.moves())
      for (int i = 0; i < n; ++i) k[i] = strength(drive[i]);
    else
      std::fill_n(k, n, still);
    // lag = z / k - x, from which the field and the drive have dropped out where nothing saturates:
    // exp(-d) as 1 / (1 + d + d^2/2 + d^3/6)
    for (int p = 0; p < factor_; ++p) {
      const float* x = heard + p * apart;
      const float* before = p ? x - apart : heard + (factor_ - 1) * apart - 1;
      double *keep = keep_[p], *add = add_[p];
      for (int i = 0; i < n; ++i) {
        const double from = double(before[i]), step = double(x[i]) - from, d = k[i] * std::abs(step);
        const double decay = 1 / (1 + d * (1 + d * (0.5 + d * (1.0 / 6))));
        keep[i] = decay * stay_;
        add[i] = -decay * d * (from * (1 + d * (0.5 + d * (1.0 / 6))) + step * (0.5 + d * (1.0 / 3 + d * (1.0 / 6))));
      }
    }
    double lag = lag_;
    for (int i = 0; i < n; ++i)
      for (int p = 0; p < factor_; ++p) add_[p][i] = lag = keep_[p][i] * lag + add_[p][i];
    lag_ = lag;
    for (int p = 0; p < factor_; ++p) {
      float* y = bent + p * apart;
      for (int i = 0; i < n; ++i) y[i] = float((1 - share) * double(y[i]) + share * add_[p][i]);
    }
  }

private:
  static constexpr int most = 128, factors = 16;
  static double strength(float drive_db) noexcept {
    const double gain = db_to_gain(double(drive_db));
    return std::sqrt(std::max(0.0, gain * gain - 1));
  }

  int factor_ = 1;
  double lag_ = 0, stay_ = 1;
  double keep_[factors][most], add_[factors][most];
};

}  // namespace lacquer
