#include "core/engine/solve.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

using namespace lacquer;

TEST_CASE("solve: a straight line takes two tries", "[solve]") {
  const Found f = solve([](double x) { return x - 20; }, {-24, 24, 0, -14, 0.05, 1, 24});
  CHECK(f.reached);
  CHECK(f.x == Approx(6));
  CHECK(f.tries == 2);
}
TEST_CASE("solve: a limiter's bend takes a few more", "[solve]") {
  // loudness against drive: 1 LU a dB at first, a quarter at the end
  const auto loudness = [](double x) { return -20 + (x < 4 ? x : 4 + (x - 4) / 4); };
  const Found f = solve(loudness, {-24, 24, 0, -14, 0.01, 1, 24});
  CHECK(f.reached);
  CHECK(std::abs(loudness(f.x) + 14) <= 0.01);
  CHECK(f.tries <= 8);
}
TEST_CASE("solve: what cannot be reached is said, with what came closest", "[solve]") {
  const auto capped = [](double x) { return std::min(-9.0, x - 20); };
  const Found f = solve(capped, {-24, 24, 0, -5, 0.1, 1, 24});
  CHECK_FALSE(f.reached);
  CHECK(f.fx == -9);
  CHECK(f.tries <= 24);
}
TEST_CASE("solve: it need not rise, nor start inside the range", "[solve]") {
  const auto falling = [](double x) { return 10 / (1 + std::exp(x)); };
  const Found f = solve(falling, {-8, 8, 100, 7, 1e-3, 1, 40});
  CHECK(f.reached);
  CHECK(std::abs(falling(f.x) - 7) <= 1e-3);
}
TEST_CASE("solve: a jump is closed in on, then given up", "[solve]") {
  const auto jump = [](double x) { return x < 1.2345 ? -20.0 : -10.0; };
  const Found f = solve(jump, {-24, 24, 0, -14, 0.1, 1, 60});
  CHECK_FALSE(f.reached);
  CHECK(f.fx == -10);
  CHECK(f.tries < 60);
}
TEST_CASE("solve: where there is no value the search ends", "[solve]") {
  const Found f = solve([](double) { return std::numeric_limits<double>::quiet_NaN(); }, {0, 1, 0, 0, 0.1, 1, 24});
  CHECK_FALSE(f.reached);
  CHECK(f.tries == 1);
}
TEST_CASE("solve: an infinity on the way does not end it", "[solve]") {
  // silence until something opens
  const auto gate = [](double x) { return x < 2 ? -std::numeric_limits<double>::infinity() : x - 30; };
  const Found f = solve(gate, {-24, 24, 10, -25, 0.01, 0.1, 24});
  CHECK(f.reached);
  CHECK(f.x == Approx(5).margin(0.02));
}
