// core/dsp/peak_bank.hpp — the interpolators behind a true peak: a long one that sees what an ideal converter would
// make of the samples, and the short ones of common meters, which read higher on material with energy up to Nyquist.

#pragma once

#include "core/math.hpp"
#include "core/simd/simd.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

namespace lacquer {

/// Modified Bessel function I0, by its power series (Abramowitz and Stegun 9.6.12).
inline double bessel_i0(double x) {
  double term = 1, sum = 1;
  for (int k = 1; term > 1e-18 * sum; ++k) {
    term *= x / 2 / k * (x / 2 / k);
    sum += term;
  }
  return sum;
}
/// Kaiser's window at t within -width/2 .. width/2.
inline double kaiser(double t, double width, double beta) {
  const double r = 2 * t / width;
  return std::abs(r) < 1 ? bessel_i0(beta * std::sqrt(1 - r * r)) / bessel_i0(beta) : 0;
}
inline double sinc(double t) { return t == 0 ? 1 : sin_cos(std::numbers::pi * t).sin / (std::numbers::pi * t); }

/// What an interpolator can read at most: `flat` times the higher of the two samples it lies between, plus `bent` times
/// the largest second difference within its reach. Its weights, the middle two on these samples, are those of a
/// straight line through them, scaled, and weights of second differences: what is left, summed up twice.
struct Highest {
  double flat, bent;
};
template <std::size_t Taps>
Highest highest_read(std::array<double, Taps> c) {
  double total = 0, moment = 0;
  for (std::size_t k = 0; k < Taps; ++k) {
    total += c[k];
    moment += c[k] * (double(k) - double(Taps / 2 - 1));
  }
  c[Taps / 2 - 1] -= total - moment;
  c[Taps / 2] -= moment;
  double once = 0, twice = 0, all = 0;
  for (double w : c) {
    once += w;
    twice += once;
    all += std::abs(twice);
  }
  return {std::abs(total - moment) + std::abs(moment), all};
}

namespace detail {
/// Splits the kernel h(t), t in samples, into the even and odd weights of a quarter and the weights of a half.
template <int Pairs, class Kernel>
void split(float (&even)[Pairs], float (&odd)[Pairs], float (&half)[Pairs], Kernel h) {
  for (int k = 0; k < Pairs; ++k) {
    const double left = h(k + 0.25), right = h(k + 0.75);
    even[k] = float((left + right) / 2);
    odd[k] = float((left - right) / 2);
    half[k] = float(h(k + 0.5));
  }
}

template <int Pairs>
void bound(PeakBank& b, const float (&even)[Pairs], const float (&odd)[Pairs]) {
  std::array<double, 2 * Pairs> c;
  for (std::size_t k = 0; k < Pairs; ++k) {
    c[Pairs - 1 - k] = double(even[k]) + double(odd[k]);
    c[Pairs + k] = double(even[k]) - double(odd[k]);
  }
  const Highest most = highest_read(c);
  // 1.0824: what a fitted crest may add; a little more for the roundings
  b.flat = std::max(b.flat, float(most.flat * 1.0824 * 1.001));
  b.bent = std::max(b.bent, float(most.bent * 1.0824 * 1.001));
}
template <int Pairs>
void bound(PeakBank& b, const float (&half)[Pairs]) {
  const float odd[Pairs] = {};
  bound(b, half, odd);
}
}  // namespace detail

inline PeakBank design_peak_bank() {
  PeakBank b{};
  // Long: 64 taps per phase. The window trades a ripple of 0.01 dB for a pass band up to 0.47 of the rate.
  detail::split(b.far_even, b.far_odd, b.far_half,
                [](double t) { return sinc(t) * kaiser(t, 2 * PeakBank::far, 6.0); });
  // A resampler's default: 32 taps, Kaiser, beta 9 (libswresample, used by ffmpeg's ebur128).
  detail::split(b.middle_even, b.middle_odd, b.middle_half,
                [](double t) { return sinc(t) * kaiser(t, 2 * PeakBank::middle, 9.0); });
  // 49 points of a sinc under a Hann window, in quarters of a sample (libebur128).
  detail::split(b.near_even, b.near_odd, b.near_half,
                [](double t) { return sinc(t) * 0.5 * (1 + sin_cos(std::numbers::pi * (t / 6 + 0.5)).sin); });
  // ITU-R BS.1770-5, annex 2, table of the 48-tap filter: phases 0 and 1; 3 and 2 are their mirror images.
  static constexpr double table[2][12] = {
      {0.0017089843750, 0.0109863281250, -0.0196533203125, 0.0332031250000, -0.0594482421875, 0.1373291015625,
       0.9721679687500, -0.1022949218750, 0.0476074218750, -0.0266113281250, 0.0148925781250, -0.0083007812500},
      {-0.0291748046875, 0.0292968750000, -0.0517578125000, 0.0891113281250, -0.1665039062500, 0.4650878906250,
       0.7797851562500, -0.2003173828125, 0.1015625000000, -0.0582275390625, 0.0330810546875, -0.0189208984375}};
  for (int phase = 0; phase < 2; ++phase) {
    for (int k = 0; k < PeakBank::near; ++k) {
      b.table_even[phase][k] = float((table[phase][6 + k] + table[phase][5 - k]) / 2);
      b.table_odd[phase][k] = float((table[phase][6 + k] - table[phase][5 - k]) / 2);
    }
    detail::bound(b, b.table_even[phase], b.table_odd[phase]);
  }
  detail::bound(b, b.far_even, b.far_odd);
  detail::bound(b, b.far_half);
  detail::bound(b, b.middle_even, b.middle_odd);
  detail::bound(b, b.middle_half);
  detail::bound(b, b.near_even, b.near_odd);
  detail::bound(b, b.near_half);
  return b;
}

/// Right half, middle first, of a low-pass of 2 * half + 1 taps: a sinc cut off at `corner` of the rate, under Kaiser's
/// window. Unity at 0 Hz.
inline std::vector<float> design_low_pass(int half, double corner, double beta) {
  std::vector<double> h;
  double sum = 0;
  for (int k = 0; k <= half; ++k) {
    h.push_back(2 * corner * sinc(2 * corner * k) * kaiser(k, 2 * half + 2, beta));
    sum += k ? 2 * h.back() : h.back();
  }
  std::vector<float> taps;
  for (double x : h) taps.push_back(float(x / sum));
  return taps;
}

}  // namespace lacquer
