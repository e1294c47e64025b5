// tests/nodes/linear_eq_test.cpp — the analogue curves by their formulae; the phase by symmetry.

#include "tests/rig.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <complex>
#include <numbers>

using namespace lacquer;

namespace {
std::vector<float> impulse_response(const std::string& step, double rate = 48000) {
  Rig rig(step, 1, rate);
  REQUIRE(rig.ready());
  Signal in(1, std::vector<float>(std::size_t(rig.latency() * 3)));
  in[0][0] = 1;
  return rig.run(in)[0];
}
/// RBJ's analogue bell: (s^2 + s A/Q + 1) / (s^2 + s/(A Q) + 1).
double bell_db(double f, double f0, double gain, double q) {
  const double a = std::pow(10, gain / 40);
  const std::complex<double> s(0, f / f0);
  return 20 * std::log10(std::abs((s * s + s * a / q + 1.0) / (s * s + s / (a * q) + 1.0)));
}
}  // namespace

TEST_CASE("linear_eq: flat, not one bit changes but the time", "[linear_eq]") {
  Rig rig("linear_eq: [bell: {gain: 0 dB}, high_shelf: {gain: 0 dB}]");
  const Signal in = noise(-6, 1);
  const Signal out = rig.run(in);
  const auto late = std::size_t(rig.latency());
  for (std::size_t i = late; i < in[0].size(); ++i) REQUIRE(out[1][i] == in[1][i - late]);
}

TEST_CASE("linear_eq: the analogue curve within 0.05 dB from 20 Hz to 20 kHz, whatever the phase", "[linear_eq]") {
  const int phase = GENERATE(100, 50, 0);
  const double rate = GENERATE(44100.0, 96000.0);
  struct Bell {
    double f0, gain, q;
  };
  const Bell b = GENERATE(Bell{16000, 12, 1}, Bell{1000, -6, 4}, Bell{60, 6, 1}, Bell{30, 12, 4}, Bell{100, 12, 10},
                          Bell{1000, 24, 40});
  INFO(b.f0 << " Hz, phase " << phase << " %, at " << rate << " Hz");
  const auto h = impulse_response("linear_eq: {phase: " + std::to_string(phase) +
                                      " %, rows: [bell: {freq: " + std::to_string(b.f0) +
                                      " Hz, gain: " + std::to_string(b.gain) + " dB, q: " + std::to_string(b.q) + "}]}",
                                  rate);
  for (const double f : {20.0, 25.0, 30.0, 40.0, 60.0, 90.0, 100.0, 110.0, 300.0, 900.0, 980.0, 1000.0, 1100.0, 5000.0,
                         12000.0, 16000.0, 20000.0})
    CHECK(response_db(h, f, rate) == Approx(bell_db(f, b.f0, b.gain, b.q)).margin(0.05));
}

TEST_CASE("linear_eq: a steep cut falls as Butterworth says, whatever the phase", "[linear_eq]") {
  const int phase = GENERATE(100, 50, 0);
  INFO(phase << " %");
  const auto h = impulse_response("linear_eq: {phase: " + std::to_string(phase) +
                                  " %, rows: [low_cut: {freq: 30 Hz, slope: 24}]}");
  for (const double f : {20.0, 25.0, 30.0, 40.0, 100.0, 1000.0, 20000.0})
    CHECK(response_db(h, f) == Approx(-10 * std::log10(1 + std::pow(30 / f, 8))).margin(0.05));
}

TEST_CASE("linear_eq: linear phase is symmetry, the least phase begins at the middle", "[linear_eq]") {
  const std::string rows = "rows: [bell: {freq: 500 Hz, gain: 9 dB, q: 2}]";
  Rig rig("linear_eq: {" + rows + "}");
  const int middle = rig.latency();
  const auto even = impulse_response("linear_eq: {" + rows + "}");
  for (int i = 1; i < 4000; ++i)
    REQUIRE(even[std::size_t(middle + i)] == Approx(even[std::size_t(middle - i)]).margin(2e-7));
  const auto least = impulse_response("linear_eq: {phase: 0 %, " + rows + "}");
  double before = 0, after = 0;
  for (int i = 0; i < middle; ++i) before += double(least[std::size_t(i)]) * double(least[std::size_t(i)]);
  for (std::size_t i = std::size_t(middle); i < least.size(); ++i) after += double(least[i]) * double(least[i]);
  CHECK(10 * std::log10(before / after) < -90);
}

TEST_CASE("linear_eq: a change of gain fades in without an edge", "[linear_eq]") {
  Rig rig("linear_eq: [bell: {freq: 1 kHz, gain: 0 dB, q: 1}]", 1);
  const Signal tone = sine(-12, 1000, 1, 1);
  rig.run(tone);
  rig.set("1.gain", "6 dB");
  const Signal out = rig.run(tone);
  CHECK(level(out) == Approx(-6).margin(0.02));
  double bend = 0;  // second difference of a 1 kHz tone at -6 dB: w^2 a
  const double w = 2 * std::numbers::pi / 48;
  for (std::size_t i = 2; i < out[0].size(); ++i)
    bend = std::max(bend, std::abs(double(out[0][i]) - 2 * double(out[0][i - 1]) + double(out[0][i - 2])));
  CHECK(bend < w * w * 0.5012 * 1.02);
}
