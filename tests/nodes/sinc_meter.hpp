// tests/nodes/sinc_meter.hpp — an independent true-peak meter: 256 taps of a Kaiser-windowed sinc at 32 times the rate,
// from the definition. Slow, and sure.

#pragma once

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

namespace lacquer {

class SincMeter {
public:
  static constexpr int taps = 256, phases = 32;

  SincMeter() : h_(std::size_t(taps * phases)) {
    const double beta = 10, pi = std::numbers::pi;
    for (int p = 0; p < phases; ++p)
      for (int k = 0; k < taps; ++k) {
        const double t = double(p) / phases - double(k - taps / 2 + 1), r = 2 * t / taps;
        const double window =
            std::abs(r) < 1 ? std::cyl_bessel_i(0, beta * std::sqrt(1 - r * r)) / std::cyl_bessel_i(0, beta) : 0;
        h_[std::size_t(p * taps + k)] = float((t == 0 ? 1 : std::sin(pi * t) / (pi * t)) * window);
      }
  }
  /// dB over full scale of the highest value on or between the samples. Places where no sample within four comes within
  /// 9 dB of the highest one are not looked at.
  double operator()(const std::vector<float>& signal) const {
    std::vector<float> x(signal.size() + 2 * taps, 0.0f);
    std::copy(signal.begin(), signal.end(), x.begin() + taps);
    float top = 0;
    for (float s : signal) top = std::max(top, std::abs(s));
    float highest = top;
    for (std::size_t i = taps / 2; i + taps / 2 < x.size(); ++i) {
      float near = 0;
      for (std::size_t k = i - 3; k < i + 5; ++k) near = std::max(near, std::abs(x[k]));
      if (near < 0.35f * top) continue;
      for (int p = 1; p < phases; ++p) highest = std::max(highest, std::abs(at(&x[i - taps / 2 + 1], p)));
    }
    return 20 * std::log10(double(highest));
  }
  double operator()(const std::vector<std::vector<float>>& signal) const {
    double highest = -400;
    for (const auto& c : signal) highest = std::max(highest, (*this)(c));
    return highest;
  }

private:
  float at(const float* x, int phase) const {
    const float* h = &h_[std::size_t(phase * taps)];
    float sum[8] = {};
    for (int k = 0; k < taps; k += 8)
      for (int j = 0; j < 8; ++j) sum[j] += h[k + j] * x[k + j];
    return ((sum[0] + sum[4]) + (sum[1] + sum[5])) + ((sum[2] + sum[6]) + (sum[3] + sum[7]));
  }
  std::vector<float> h_;
};

}  // namespace lacquer
