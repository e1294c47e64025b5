// tests/nodes/image_test.cpp — rotate, balance and width: where things are heard.

#include "tests/rig.hpp"

#include <catch2/catch.hpp>

#include <cmath>

using namespace lacquer;

TEST_CASE("rotate: the middle moves, the power stays", "[rotate]") {
  const int angle = GENERATE(-90, -45, -10, 30, 45, 180);
  Rig r("rotate: {angle: " + std::to_string(angle) + " deg}");
  const Signal in = noise(-6, 0.2);
  const Signal out = r.run(in);
  const double a = angle * 3.14159265358979323846 / 180;
  for (std::size_t i = 0; i < in[0].size(); ++i) {
    REQUIRE(double(out[0][i]) == Approx(std::cos(a) * double(in[0][i]) - std::sin(a) * double(in[1][i])).margin(1e-6));
    REQUIRE(double(out[1][i]) == Approx(std::sin(a) * double(in[0][i]) + std::cos(a) * double(in[1][i])).margin(1e-6));
  }
  Rig right("rotate: {angle: 45 deg}");
  const Signal middle = right.run(steady(-6, 0.1));
  CHECK(std::abs(middle[0].back()) < 1e-6f);
  CHECK(middle[1].back() == Approx(std::sqrt(2.0) * std::pow(10, -6 / 20.0)));
}

TEST_CASE("rotate, balance: at nought not one bit changes", "[rotate][balance]") {
  const Signal in = noise(-6, 0.2);
  CHECK(same_bits(Rig("rotate").run(in), in));
  CHECK(same_bits(Rig("balance").run(in), in));
  CHECK(same_bits(Rig("balance: {law: cut}").run(in), in));
  CHECK_FALSE(Rig("rotate", 1).ready());
  CHECK_FALSE(Rig("balance", 6).ready());
}

TEST_CASE("balance: equal power keeps the power, cut turns only one side down", "[balance]") {
  const int position = GENERATE(-100, -60, 20, 100);
  const Signal in = steady(0, 0.01);
  const Signal even = Rig("balance: {position: " + std::to_string(position) + " %}").run(in);
  CHECK(double(even[0][99]) * double(even[0][99]) + double(even[1][99]) * double(even[1][99]) == Approx(2));
  CHECK(std::atan2(even[1][99], even[0][99]) == Approx((1 + position / 100.0) * 3.14159265358979 / 4).margin(1e-6));
  const Signal cut = Rig("balance: {law: cut, position: " + std::to_string(position) + " %}").run(in);
  CHECK(double(cut[0][99]) == Approx(std::min(1.0, 1 - position / 100.0)).margin(1e-6));
  CHECK(double(cut[1][99]) == Approx(std::min(1.0, 1 + position / 100.0)).margin(1e-6));
}

namespace {
/// A tone of unlike phase on both sides: side and mid are both there.
Signal apart(double freq) {
  Signal s = sine(-20, freq, 1);
  for (std::size_t i = s[1].size() - 1; i > 7; --i) s[1][i] = 0.5f * s[1][i - 7];
  return s;
}
double side_db(const Signal& s, double freq) {
  std::vector<float> side(s[0].size());
  for (std::size_t i = 0; i < side.size(); ++i) side[i] = (s[0][i] - s[1][i]) / 2;
  return tone_level(side, freq);
}
double mid_db(const Signal& s, double freq) {
  std::vector<float> mid(s[0].size());
  for (std::size_t i = 0; i < mid.size(); ++i) mid[i] = (s[0][i] + s[1][i]) / 2;
  return tone_level(mid, freq);
}
const std::string bands =
    "width: [20 Hz: {width: 50 %}, 200 Hz: {width: 100 %}, 2 kHz: {width: 150 %}, 10 kHz: {width: 200 %}]";
}  // namespace

TEST_CASE("width: each band by its own", "[width]") {
  Rig rig(bands);
  REQUIRE(rig.ready());
  const struct { double freq, width; } at[] = {{40, 0.5}, {632, 1}, {4472, 1.5}, {17000, 2}};
  for (const auto& [freq, width] : at) {
    INFO(freq << " Hz");
    const Signal in = apart(freq), out = rig.run(in);
    // what leaks over from a band at twice the distance in width stays below a tenth of a decibel
    CHECK(side_db(out, freq) - side_db(in, freq) == Approx(20 * std::log10(width)).margin(0.15));
    CHECK(mid_db(out, freq) - mid_db(in, freq) == Approx(0).margin(0.001));
  }
}

TEST_CASE("width: bands at 100 % are not there, and one that begins does not click", "[width]") {
  const Signal in = noise(-6, 0.3);
  CHECK(same_bits(Rig("width: [20 Hz: {}, 200 Hz: {}, 5 kHz: {}]").run(in), in));
  CHECK_FALSE(Rig("width: [20 Hz: {}, 5 kHz: {}, 200 Hz: {}]").ready());
  Rig rig("width: [20 Hz: {}, 200 Hz: {}]");
  const Signal tone = apart(1000), before = rig.run(tone);
  rig.set("1.width", "0 %");
  const Signal after = rig.run(tone);
  CHECK(highest_beside((before + after)[0], 1000, 200) < -90);
}
