// tests/nodes/clip_test.cpp — against the curve itself, and the harmonics a clipped sine must have.

#include "tests/rig.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <numbers>

using namespace lacquer;

namespace {
double line(const std::vector<float>& x, double cycles) {  // amplitude; whole cycles in the second half
  double s = 0, c = 0;
  const std::size_t half = x.size() / 2;
  for (std::size_t i = half; i < x.size(); ++i) {
    s += double(x[i]) * std::sin(2 * std::numbers::pi * cycles * double(i));
    c += double(x[i]) * std::cos(2 * std::numbers::pi * cycles * double(i));
  }
  return std::hypot(s, c) * 2 / double(x.size() - half);
}
}  // namespace

TEST_CASE("clip: below the knee a pure delay", "[clip]") {
  const std::string how = GENERATE("clip: {ceiling: -6 dB}", "clip: {ceiling: -3 dB, knee: 3 dB, oversampling: 2}");
  Rig clip(how);
  const Signal in = noise(-18, 0.3);
  const Signal out = clip.run(in);
  const auto late = std::size_t(clip.latency());
  for (std::size_t i = late; i < in[0].size(); ++i) REQUIRE(out[0][i] == in[0][i - late]);
  CHECK(clip.result("clipped") == 0);
}

TEST_CASE("clip: steady levels end on the curve", "[clip]") {
  Rig hard("clip: {ceiling: -6 dB}");
  CHECK(level(hard.run(steady(0, 0.2))) == Approx(-6).margin(0.001));
  // knee: from s to 2 c - s a parabola; halfway there three quarters of what is left to go is used up
  Rig soft("clip: {ceiling: 0 dB, knee: 6.0206 dB}");
  CHECK(level(soft.run(steady(0, 0.2))) == Approx(20 * std::log10(0.5 + 0.5 - 0.125)).margin(0.001));
  CHECK(level(soft.run(steady(6, 0.2))) == Approx(0).margin(0.001));
}

TEST_CASE("clip: a clipped sine has the harmonics Fourier says, and hardly anything folded back", "[clip]") {
  Rig clip("clip: {ceiling: -6.0206 dB}", 1);
  const Signal out = clip.run(sine(0, 1000, 1, 1));
  const double a = std::asin(0.5);  // where the sine meets the ceiling
  const auto harmonic = [&](int n) {
    const int steps = 200000;
    double sum = 0;
    for (int i = 0; i < steps; ++i) {
      const double t = 2 * std::numbers::pi * (i + 0.5) / steps;
      sum += std::clamp(std::sin(t), -std::sin(a), std::sin(a)) * std::sin(n * t) * 2 / steps;
    }
    return std::abs(sum);
  };
  for (const int n : {1, 3, 5, 7, 9})
    CHECK(20 * std::log10(line(out[0], n / 48.0)) == Approx(20 * std::log10(harmonic(n))).margin(0.02));
  Rig high("clip: {ceiling: -6.0206 dB}", 1);
  const Signal folded = high.run(sine(0, 7000, 1, 1));  // 9 x 7 kHz would fold to 15 kHz, 11 x to 19 kHz
  CHECK(20 * std::log10(line(folded[0], 15.0 / 48)) < -65);
  CHECK(20 * std::log10(line(folded[0], 13.0 / 48)) < -60);  // 5 x 7 = 35 kHz folds to 13
}
