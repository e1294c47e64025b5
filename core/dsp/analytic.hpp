// core/dsp/analytic.hpp — the level of a tone without its ripple.
//
// Two chains of all-passes give the signal twice, a quarter of a period apart at every frequency between two limits;
// the sum of their squares is twice the mean square of a tone at every moment, not only on average. A detector built on
// it needs no long window to read a bass note steadily.

#pragma once

#include "core/math.hpp"
#include "core/simd/simd.hpp"

#include <cmath>
#include <numbers>

namespace lacquer {

/// From `low` Hz to rate / 2 - low. The elliptic half-band filter as a sum of two all-passes (Valenzuela and
/// Constantinides, IEE Proceedings 130(6), 1983), turned by a quarter of the rate.
inline AnalyticPair design_analytic_pair(double low, double rate) {
  const double pi = std::numbers::pi;
  const SinCos angle = sin_cos((1 - 4 * low / rate) * pi / 4);
  const double modulus = angle.sin * angle.sin / (angle.cos * angle.cos);
  const double root = std::sqrt(std::sqrt(1 - modulus * modulus)), e = 0.5 * (1 - root) / (1 + root),
               e4 = e * e * e * e;
  const double q = e * (1 + e4 * (2 + e4 * (15 + 150 * e4)));  // the nome, by its series
  constexpr int count = 2 * AnalyticPair::poles, order = 2 * count + 1;
  double chain[2][AnalyticPair::poles];
  for (int c = 1; c <= count; ++c) {
    double above = 0, below = 0.5;
    for (int i = 0; i < 40; ++i) {
      const double sign = i % 2 ? -1 : 1;
      above += sign * pow_of(q, double(i * (i + 1))) * sin_cos((2 * i + 1) * c * pi / order).sin;
      if (i) below += sign * pow_of(q, double(i * i)) * sin_cos(2 * i * c * pi / order).cos;
    }
    const double w = pow_of(q, 0.25) * above / below, ww = w * w;
    const double x = std::sqrt((1 - ww * modulus) * (1 - ww / modulus)) / (1 + ww);
    chain[(c - 1) % 2][(c - 1) / 2] = (1 - x) / (1 + x);
  }
  AnalyticPair pair{};
  for (int side = 0; side < 2; ++side) {
    // the product of (a - w) / (1 - a w), w = z^-2, in partial fractions
    const double* a = chain[side];
    double all = 1;
    for (int k = 0; k < AnalyticPair::poles; ++k) {
      const double w = 1 / a[k];
      double residue = a[k] - w;
      for (int j = 0; j < AnalyticPair::poles; ++j)
        if (j != k) residue *= (a[j] - w) / (1 - a[j] * w);
      pair.pole[side][k] = float(a[k]);
      pair.weight[side][k] = float(residue * a[k]);
      all *= a[k];
    }
    pair.direct[side] = float(all);
  }
  return pair;
}

}  // namespace lacquer
