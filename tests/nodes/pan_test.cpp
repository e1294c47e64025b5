// tests/nodes/pan_test.cpp

#include "tests/rig.hpp"

#include <catch2/catch.hpp>

#include <cmath>

using namespace lacquer;

namespace {
double power(const std::vector<float>& x) {
  double sum = 0;
  for (float v : x) sum += double(v) * double(v);
  return sum;
}
}  // namespace

TEST_CASE("pan: takes from one channel what it gives to the other") {
  const Signal s = noise(-12, 1, 2, 5);
  for (const int position : {-100, -30, 45, 100}) {
    Rig rig("pan: " + std::to_string(position) + " %");
    const Signal out = rig.run(s);
    const double angle = std::abs(position) / 100.0 * 1.5707963267948966;
    const std::size_t from = position > 0 ? 0 : 1, to = 1 - from;
    double worst = 0;
    for (std::size_t i = 0; i < s[0].size(); ++i) {
      worst = std::max(worst, std::abs(double(out[from][i]) - std::cos(angle) * double(s[from][i])));
      worst = std::max(worst, std::abs(double(out[to][i]) - double(s[to][i]) - std::sin(angle) * double(s[from][i])));
    }
    CHECK(worst < 1e-6);
    // unrelated channels keep their power
    CHECK(10 * std::log10((power(out[0]) + power(out[1])) / (power(s[0]) + power(s[1]))) == Approx(0).margin(0.1));
  }
}

TEST_CASE("pan: the middle is bit-exact, moves glide, and it needs two channels") {
  const Signal s = noise(-12, 0.2);
  Rig rig("pan");
  CHECK(same_bits(rig.run(s), s));
  Rig moving("pan");
  const Signal before = moving.run(sine(-20, 60, 0.5));
  moving.set("position", "-80 %");
  const Signal out = before + moving.run(sine(-20, 60, 1));
  CHECK(highest_beside(out[1], 60, 300) < -85);  // of the glide itself
  CHECK(!Rig("pan", 1).ready());
}
