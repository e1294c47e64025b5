// tests/nodes/time_test.cpp — gain, delay, polarity, fade.

#include "core/math.hpp"
#include "tests/rig.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <numbers>

using namespace lacquer;

TEST_CASE("gain: decibels, 0 dB bit for bit") {
  const Signal in = noise(-3, 0.1);
  CHECK(same_bits(Rig("gain: 0 dB").run(in), in));
  CHECK(level(Rig("gain: -6 dB").run(steady(-6, 0.1))) == Approx(-12).margin(1e-4));
  CHECK(level(Rig("gain: 24 dB").run(steady(-30, 0.1))) == Approx(-6).margin(1e-4));
}

TEST_CASE("gain: moves without a step") {
  Rig rig("gain: 0 dB", 1);
  rig.run(steady(0, 0.1, 1));
  rig.set("gain", "-60 dB");
  const Signal out = rig.run(steady(0, 0.1, 1));
  for (std::size_t i = 1; i < out[0].size(); ++i)
    CHECK(std::abs(20 * std::log10(double(out[0][i]) / double(out[0][i - 1]))) < 0.0626);  // 60 dB over 960 frames
  CHECK(level(out) == Approx(-60).margin(1e-3));
}

TEST_CASE("delay: late by the time asked for, and nothing else") {
  for (const char* time : {"0 ms", "0.02 ms", "10 ms", "50 ms"}) {
    Rig rig(std::string("delay: ") + time);
    CHECK(rig.latency() == 0);  // on purpose: not made up for
    const auto late = std::size_t(std::lround(std::stod(time) * 48));
    const Signal in = noise(-3, 0.2), out = rig.run(in);
    for (std::size_t c = 0; c < 2; ++c)
      for (std::size_t i = 0; i < in[0].size(); ++i) REQUIRE(out[c][i] == (i < late ? 0 : in[c][i - late]));
  }
}

TEST_CASE("polarity: turns over what it is told to") {
  const Signal in = noise(-3, 0.02);
  Signal left = in, right = in, both = in;
  for (float& x : left[0]) x = -x;
  for (float& x : right[1]) x = -x;
  both = {left[0], right[1]};
  CHECK(same_bits(Rig("polarity").run(in), both));
  CHECK(same_bits(Rig("polarity: left").run(in), left));
  CHECK(same_bits(Rig("polarity: right").run(in), right));
}

TEST_CASE("fade: the curves, by hand") {
  const auto gain_at = [](const char* step, std::size_t frame) {
    Rig rig(step, 1);
    rig.length = 48000;
    return double(rig.run(steady(0, 1, 1))[0][frame]);
  };
  // 100 ms is 4800 frames; frame 1199 ends and 1200 starts at a quarter
  for (std::size_t frame : {std::size_t(0), std::size_t(1200), std::size_t(2400), std::size_t(4799)}) {
    const double t = (double(frame) + 0.5) / 4800;
    CHECK(gain_at("fade: 100 ms", frame) == Approx(t).epsilon(1e-6));
    CHECK(gain_at("fade: {in: 100 ms, curve: equal_power}", frame) ==
          Approx(std::sin(t * std::numbers::pi / 2)).epsilon(1e-6));
    CHECK(gain_at("fade: {in: 100 ms, curve: s_curve}", frame) ==
          Approx(std::pow(std::sin(t * std::numbers::pi / 2), 2)).epsilon(1e-6));
    CHECK(gain_at("fade: {out: 100 ms}", 47999 - frame) == Approx(t).epsilon(1e-6));
  }
  CHECK(gain_at("fade: {in: 100 ms, out: 100 ms}", 4800) == 1);
  CHECK(gain_at("fade: {in: 100 ms, out: 100 ms}", 43199) == 1);
}

TEST_CASE("fade: neutral by default, and between its fades") {
  const Signal in = noise(-3, 0.5);
  CHECK(same_bits(Rig("fade").run(in), in));
  for (int block : {1, 0}) {
    Rig rig("fade: {in: 100 ms, out: 100 ms, curve: s_curve}");
    rig.length = 24000;
    rig.block = block;
    const Signal out = rig.run(in);
    for (std::size_t i = 4800; i < 19200; ++i) REQUIRE(out[0][i] == in[0][i]);
    CHECK(rig.result("fade_out") == Approx(0.4));
  }
}

TEST_CASE("fade: without an end there is no fade-out, and it says so") {
  Rig rig("fade: {out: 100 ms}");
  const Signal in = noise(-3, 0.5);
  CHECK(same_bits(rig.run(in), in));
  CHECK(std::isnan(rig.result("fade_out")));
}
