// tests/nodes/stereo_test.cpp — width, mid_side, left_right and their joins.

#include "core/math.hpp"
#include "tests/rig.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <random>

using namespace lacquer;

namespace {
Signal pcm(int bits, unsigned seed) {
  std::mt19937 random(seed);
  Signal s(2, std::vector<float>(20000));
  const double step = std::ldexp(1.0, 1 - bits);
  for (auto& c : s)
    for (float& x : c) x = float(double(int(random() >> (32 - bits)) - (1 << (bits - 1))) * step);
  const float least = float(std::ldexp(1.0, 1 - bits));
  const float corners[] = {-1, 1 - least, least, 0};
  for (std::size_t i = 0; i < 16; ++i) s[0][i] = corners[i / 4], s[1][i] = corners[i % 4];
  return s;
}
Signal there_and_back(const Signal& in) {
  Rig split("mid_side"), join("join_mid_side");
  auto branches = split.outputs(in);
  return join.run({branches[0][0], branches[1][0]});
}
float ulp(float x) { return std::nextafter(std::abs(x), INFINITY) - std::abs(x); }
}  // namespace

TEST_CASE("mid_side: half the sum and half the difference") {
  Rig rig("mid_side");
  const auto out = rig.outputs({{0.5f, -0.25f, 1}, {0.25f, -0.25f, -1}});
  CHECK(out[0][0] == std::vector<float>{0.375f, -0.25f, 0});
  CHECK(out[1][0] == std::vector<float>{0.125f, 0, 1});
}

TEST_CASE("mid_side: PCM comes back bit for bit") {
  for (int bits : {16, 20, 24}) {
    const Signal in = pcm(bits, unsigned(bits));
    CHECK(same_bits(there_and_back(in), in));
  }
}

TEST_CASE("mid_side: float material comes back within the last place of the louder channel") {
  Signal in = noise(0, 0.2);
  for (float& x : in[1]) x *= 0.37f;
  const Signal out = there_and_back(in);
  float worst = 0;
  for (std::size_t c = 0; c < 2; ++c)
    for (std::size_t i = 0; i < in[0].size(); ++i)
      worst = std::max(worst, std::abs(out[c][i] - in[c][i]) / ulp(std::max(std::abs(in[0][i]), std::abs(in[1][i]))));
  CHECK(worst <= 1);
}

TEST_CASE("left_right: the channels, apart and together again") {
  Rig split("left_right"), join("join_left_right");
  const Signal in = noise(-3, 0.05);
  const auto branches = split.outputs(in);
  CHECK(branches[0][0] == in[0]);
  CHECK(branches[1][0] == in[1]);
  CHECK(same_bits(join.run({branches[0][0], branches[1][0]}), in));
}

TEST_CASE("width: 100 % is bit for bit, 0 % is mono, 200 % doubles the side") {
  const Signal in = noise(-9, 0.1);
  CHECK(same_bits(Rig("width: 100 %").run(in), in));
  const Signal mono = Rig("width: 0 %").run(in), wide = Rig("width: 200 %").run(in);
  CHECK(mono[0] == mono[1]);
  for (std::size_t i = 0; i < in[0].size(); ++i) {
    CHECK(mono[0][i] == Approx((double(in[0][i]) + double(in[1][i])) / 2).margin(1e-7));
    CHECK(double(wide[0][i]) - double(wide[1][i]) == Approx(2 * (double(in[0][i]) - double(in[1][i]))).margin(2e-7));
  }
}

TEST_CASE("width: the mono sum stays within the last place") {
  for (const char* width : {"0 %", "37 %", "160 %", "200 %"}) {
    const Signal in = noise(0, 0.1), out = Rig(std::string("width: ") + width).run(in);
    float worst = 0;
    for (std::size_t i = 0; i < in[0].size(); ++i) {
      const double before = double(in[0][i]) + double(in[1][i]), after = double(out[0][i]) + double(out[1][i]);
      worst =
          std::max(worst, float(std::abs(after - before)) / ulp(std::max({std::abs(out[0][i]), std::abs(out[1][i])})));
    }
    CHECK(worst <= 1);
  }
}

TEST_CASE("width: glides in a straight line") {
  Rig rig("width: 100 %");
  Signal in{std::vector<float>(4800, 0.5f), std::vector<float>(4800, -0.5f)};
  rig.run(in);
  rig.set("width", "0 %");
  const Signal out = rig.run(in);
  float step = 0;
  for (std::size_t i = 1; i < out[0].size(); ++i) step = std::max(step, std::abs(out[0][i] - out[0][i - 1]));
  CHECK(out[0].back() == 0);
  CHECK(step == Approx(0.5 / 960).epsilon(0.01));  // 20 ms at 48 kHz
}

TEST_CASE("stereo nodes refuse what is not stereo") {
  for (const char* step : {"width: 50 %", "mid_side", "left_right", "polarity: left"}) {
    CHECK(Rig(step, 1).refusal.find("needs a stereo signal") != std::string::npos);
    CHECK(Rig(step, 6).refusal.find("needs a stereo signal") != std::string::npos);
  }
}
