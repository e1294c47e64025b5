// tests/nodes/upward_test.cpp — steady tones, so that every number here can be worked out by hand.

#include "tests/rig.hpp"

#include <catch2/catch.hpp>

using namespace lacquer;

TEST_CASE("upward: what lacks 12 dB gets the ratio's share of them", "[upward]") {
  struct Case {
    const char* ratio;
    double boost;
  };
  const Case c = GENERATE(Case{"1.5:1", 4}, Case{"2:1", 6}, Case{"4:1", 9});
  const double freq = GENERATE(60.0, 1000.0, 12000.0);
  INFO(c.ratio << " at " << freq << " Hz");
  Rig up(std::string("upward: {threshold: -30 dB, knee: 0 dB, range: 40 dB, floor: -100 dB, ratio: ") + c.ratio + "}");
  up.run(sine(-42 + 3.0103f, freq, 3));  // by power a sine reads 3 dB less than its peak
  CHECK(up.result("boost") == Approx(c.boost).margin(0.03));
}

TEST_CASE("upward: above the threshold, and at 1:1, not one bit changes", "[upward]") {
  const std::string step =
      GENERATE("upward: {threshold: -30 dB, ratio: 4:1, knee: 4 dB, key: key}", "upward: {ratio: 1:1, key: key}");
  Rig up(step);
  const Signal loud = noise(-6, 0.5);
  const Signal key = sine(-20, 1000, 0.5);
  Rig settled(step);
  settled.run(sine(-20, 1000, 4), sine(-20, 1000, 4));
  CHECK(settled.result("boost") < 1e-5);
  const Signal out = settled.run(loud, key);
  CHECK(distance(out, loud) < 1e-6f);
  if (step.find("1:1") != step.npos) CHECK(same_bits(up.run(loud, key), loud));
}

TEST_CASE("upward: no more than the range, and nothing for what lies on the floor", "[upward]") {
  Rig most("upward: {threshold: -20 dB, ratio: 20:1, knee: 0 dB, range: 6 dB, floor: -80 dB}");
  most.run(sine(-60, 1000, 3));
  CHECK(most.result("boost") == Approx(6).margin(0.01));
  CHECK(most.result("highest") == Approx(6).margin(0.01));
  Rig close("upward: {threshold: -20 dB, ratio: 20:1, knee: 0 dB, range: 30 dB, floor: -63 dB}");
  close.run(sine(-60 + 3.0103f, 1000, 3));  // 3 dB above the floor
  CHECK(close.result("boost") == Approx(3).margin(0.03));
  Rig under("upward: {threshold: -20 dB, ratio: 20:1, floor: -60 dB}");
  const Signal hiss = noise(-75, 1);
  CHECK(same_bits(under.run(hiss), hiss));
}

TEST_CASE("upward: attack and release take the times they say", "[upward]") {
  Rig up(
      "upward: {threshold: -20 dB, ratio: 2:1, knee: 0 dB, range: 40 dB, floor: -120 dB, attack: 40 ms, release: 400 "
      "ms}");
  up.run(sine(-30, 1000, 4));
  CHECK(way_63(trace(up, sine(-24, 1000, 0.5), "boost")) == Approx(40).epsilon(0.08));
  CHECK(way_63(trace(up, sine(-34, 1000, 4), "boost")) == Approx(400).epsilon(0.05));
}
