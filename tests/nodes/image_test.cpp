// tests/nodes/image_test.cpp — rotate and balance: where things are heard.

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
