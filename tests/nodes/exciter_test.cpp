// tests/nodes/exciter_test.cpp — the harmonics of a tone, as lines of its spectrum.

#include "tests/rig.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <numbers>

using namespace lacquer;

namespace {
double line_db(const std::vector<float>& x, double freq) {  // whole cycles in the second half
  double s = 0, c = 0;
  const std::size_t half = x.size() / 2;
  for (std::size_t i = half; i < x.size(); ++i) {
    s += double(x[i]) * std::sin(2 * std::numbers::pi * freq / 48000 * double(i));
    c += double(x[i]) * std::cos(2 * std::numbers::pi * freq / 48000 * double(i));
  }
  return 20 * std::log10(std::hypot(s, c) * 2 / double(x.size() - half) + 1e-12);
}
std::vector<float> excited(const std::string& settings, double freq) {
  Rig rig("exciter: {" + settings + "}", 1);
  return rig.run(sine(-6, freq, 1, 1))[0];
}
}  // namespace

TEST_CASE("exciter: without amount or drive a pure delay", "[exciter]") {
  const std::string how = GENERATE("amount: 0 %", "drive: 0 dB");
  Rig rig("exciter: {" + how + "}");
  const Signal in = noise(-6, 0.3);
  const Signal out = rig.run(in);
  const auto late = std::size_t(rig.latency());
  for (std::size_t i = late; i < in[0].size(); ++i) REQUIRE(out[0][i] == in[0][i - late]);
}

TEST_CASE("exciter: the treble gets its third harmonic, as much as is asked for", "[exciter]") {
  const double whole = line_db(excited("amount: 100 %, freq: 2 kHz", 5000), 15000);
  CHECK(whole > -35);
  CHECK(line_db(excited("amount: 50 %, freq: 2 kHz", 5000), 15000) == Approx(whole - 6.0206).margin(0.01));
  CHECK(line_db(excited("amount: 100 %, freq: 2 kHz", 5000), 10000) < -100);
  CHECK(line_db(excited("amount: 100 %, freq: 2 kHz, kind: even", 5000), 10000) > -40);
}

TEST_CASE("exciter: the bass is left alone", "[exciter]") {
  const auto out = excited("amount: 100 %, freq: 4 kHz", 100);
  CHECK(line_db(out, 100) == Approx(-6).margin(0.001));
  CHECK(line_db(out, 300) < -110);
}

TEST_CASE("exciter: hardly anything folds back", "[exciter]") {
  const auto out = excited("amount: 100 %, freq: 2 kHz", 7000);  // 5 x 7 = 35 kHz would fold to 13, 7 x 7 = 49 to 1
  CHECK(line_db(out, 13000) < -100);
  CHECK(line_db(out, 1000) < -100);
}
