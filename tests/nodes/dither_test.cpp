// tests/nodes/dither_test.cpp — what theory says of triangular dither: an error of 1/4 step^2, whatever the signal.

#include "tests/rig.hpp"

#include <catch2/catch.hpp>

#include <cmath>

using namespace lacquer;

namespace {
double response(const std::vector<double>& x, double cycles) {  // power density, one line
  double re = 0, im = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    re += x[i] * std::cos(2 * std::numbers::pi * cycles * double(i));
    im += x[i] * std::sin(2 * std::numbers::pi * cycles * double(i));
  }
  return (re * re + im * im) / double(x.size());
}
std::vector<double> error(const Signal& in, const Signal& out, double steps) {
  std::vector<double> e;
  for (std::size_t i = 0; i < in[0].size(); ++i) e.push_back((double(out[0][i]) - double(in[0][i])) * steps);
  return e;
}
}  // namespace

TEST_CASE("dither: samples lie on the grid, the error is white, unbiased, and knows nothing of the signal",
          "[dither]") {
  const int bits = GENERATE(8, 16, 20);
  const double steps = std::exp2(bits - 1);
  Rig dither("dither: {bits: " + std::to_string(bits) + "}");
  const Signal in = sine(-20, 997, 2);
  const Signal out = dither.run(in);
  for (const float x : out[0]) REQUIRE(double(x) * steps == std::floor(double(x) * steps));
  const auto e = error(in, out, steps);
  double mean = 0, square = 0, along = 0;
  for (std::size_t i = 0; i < e.size(); ++i) {
    mean += e[i], square += e[i] * e[i];
    along += e[i] * double(in[0][i]) * 10 * std::sqrt(2.0);
  }
  const double n = double(e.size());
  CHECK(mean / n == Approx(0).margin(0.008));  // 4 sigma: 0.5 / sqrt(96000) * 4 = 0.0065
  CHECK(square / n == Approx(0.25).margin(0.008));
  CHECK(along / n == Approx(0).margin(0.008));
}

TEST_CASE("dither: what is on the grid stays", "[dither]") {
  Rig first("dither: {bits: 16}"), again("dither: {bits: 16}"), finer("dither: {bits: 24}");
  const Signal out = first.run(noise(-6, 0.5));
  CHECK(same_bits(again.run(out), out));
  CHECK(same_bits(finer.run(out), out));
  CHECK(same_bits(again.run(Signal(2, std::vector<float>(1000, 0.0f))), Signal(2, std::vector<float>(1000, 0.0f))));
}

TEST_CASE("dither: the shaped error follows the published curve", "[dither]") {
  Rig dither("dither: {bits: 16, noise: shaped}", 1);
  const Signal in = sine(-20, 997, 2, 1);
  const auto e = error(in, dither.run(in), 32768);
  const double c[] = {2.033, -2.165, 1.959, -1.590, 0.6149};
  for (const double f : {0.01, 0.04, 0.09, 0.2, 0.3, 0.45}) {
    double re = 1, im = 0, got = 0;
    for (int k = 0; k < 5; ++k) {
      re -= c[k] * std::cos(2 * std::numbers::pi * f * (k + 1));
      im += c[k] * std::sin(2 * std::numbers::pi * f * (k + 1));
    }
    const int lines = 30;
    for (int l = 0; l < lines; ++l) got += response(e, f + (l - lines / 2) * 3e-5) / lines;
    CHECK(10 * std::log10(got / 0.25) == Approx(10 * std::log10(re * re + im * im)).margin(2.5));
  }
  CHECK_FALSE(Rig("dither: {noise: shaped}", 2, 96000).ready());
}

TEST_CASE("dither: full scale is cut, not wrapped", "[dither]") {
  Rig dither("dither: {bits: 16}");
  const Signal out = dither.run(steady(3, 0.1));
  for (const float x : out[0]) REQUIRE(x == Approx(32767.0 / 32768).margin(1e-9));
}
