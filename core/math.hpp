// core/math.hpp — exp2, log2, sin and cos that give the same bits on every machine (libm's differ between platforms).
// Double precision, relative error < 1e-15; for control-rate work, the loops of core/simd for whole blocks. [any]

#pragma once

#include <cmath>
#include <numbers>

namespace lacquer {

/// 2^x for |x| < 1000.
inline double exp2_of(double x) {
  const double whole = std::floor(x + 0.5), t = (x - whole) * std::numbers::ln2;
  double term = 1, sum = 1;
  for (int k = 1; k <= 15; ++k) sum += term *= t / k;
  return std::ldexp(sum, int(whole));
}

/// log2 of x > 0.
inline double log2_of(double x) {
  int e = 0;
  double m = std::frexp(x, &e);  // [0.5, 1)
  if (m < std::numbers::sqrt2 / 2) m *= 2, --e;
  const double s = (m - 1) / (m + 1), s2 = s * s;
  double power = s, sum = 0;
  for (int k = 1; k <= 23; k += 2, power *= s2) sum += power / k;
  return double(e) + 2 * sum * std::numbers::log2e;
}

/// a^b for a > 0.
inline double pow_of(double a, double b) { return exp2_of(b * log2_of(a)); }

struct SinCos {
  double sin, cos;
};
/// For |x| < 1e6.
inline SinCos sin_cos(double x) {
  const double quarter = std::floor(x * (2 / std::numbers::pi) + 0.5), r = x - quarter * (std::numbers::pi / 2),
               r2 = r * r;
  double s = r, c = 1, ts = r, tc = 1;
  for (int k = 1; k <= 9; ++k) {
    tc *= -r2 / ((2 * k - 1) * (2 * k));
    ts *= -r2 / ((2 * k) * (2 * k + 1));
    c += tc;
    s += ts;
  }
  switch (((int(quarter) % 4) + 4) % 4) {
    case 0:
      return {s, c};
    case 1:
      return {c, -s};
    case 2:
      return {-s, -c};
    default:
      return {-c, s};
  }
}

inline double db_to_gain(double db) { return exp2_of(db * (std::numbers::ln10 / 20 * std::numbers::log2e)); }
/// Decibels of a gain; -200 for 1e-10 and below, so that it is always finite.
inline double gain_to_db(double gain) {
  return gain > 1e-10 ? log2_of(gain) * (20 * std::numbers::ln2 / std::numbers::ln10) : -200;
}
/// Step of a one-pole that covers 63 % of the way in `time_ms`: y += step * (x - y).
inline double one_pole(double time_ms, double rate) {
  const double x = -1000.0 / (time_ms * rate);
  if (x < -0.01) return 1 - exp2_of(x * std::numbers::log2e);
  return -x * (1 + x / 2 * (1 + x / 3 * (1 + x / 4 * (1 + x / 5 * (1 + x / 6)))));  // no cancellation for long times
}

}  // namespace lacquer
