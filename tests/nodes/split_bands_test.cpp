// tests/nodes/split_bands_test.cpp

#include "tests/rig.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <complex>
#include <numbers>

using namespace lacquer;

namespace {
std::complex<double> response(const std::vector<float>& h, double f, double rate) {
  std::complex<double> sum = 0, turn = std::polar(1.0, -2 * std::numbers::pi * f / rate), now = 1;
  for (float x : h) sum += double(x) * now, now *= turn;
  return sum;
}
double db(std::complex<double> x) { return 20 * std::log10(std::abs(x)); }
}  // namespace

TEST_CASE("split_bands: flat together, 6 dB down where they meet, 24 dB an octave beyond") {
  for (const double rate : {44100.0, 96000.0}) {
    Rig rig("split_bands: 500 Hz", 1, rate);
    Signal in(1, std::vector<float>(std::size_t(rate / 3)));
    in[0][0] = 1;
    const auto bands = rig.outputs(in);
    REQUIRE(bands.size() == 2);
    for (double f : {30.0, 250.0, 500.0, 2000.0, 18000.0})
      CHECK(db(response(bands[0][0], f, rate) + response(bands[1][0], f, rate)) == Approx(0).margin(0.0005));
    CHECK(db(response(bands[0][0], 500, rate)) == Approx(-6.02).margin(0.02));
    CHECK(db(response(bands[1][0], 500, rate)) == Approx(-6.02).margin(0.02));
    CHECK(db(response(bands[0][0], 2000, rate)) == Approx(-20 * std::log10(1 + 256)).margin(0.3));
    CHECK(db(response(bands[1][0], 125, rate)) == Approx(-20 * std::log10(1 + 256)).margin(0.3));
  }
  CHECK(Rig("split_bands: 15 kHz", 2, 32000).refusal.find("half the sample rate") != std::string::npos);
}
