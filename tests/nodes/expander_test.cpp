// tests/nodes/expander_test.cpp — steady tones, so that every number here can be worked out by hand.

#include "tests/rig.hpp"

#include <catch2/catch.hpp>

#include <cmath>

using namespace lacquer;

namespace {
constexpr float rms = 3.0103f;  // by power a sine reads 3 dB less than its peak
}  // namespace

TEST_CASE("expander: below the threshold the ratio's share is taken away", "[expander]") {
  struct Case {
    const char* ratio;
    double reduction;
  };
  const Case c = GENERATE(Case{"1.5:1", 3}, Case{"2:1", 6}, Case{"4:1", 18});
  const double freq = GENERATE(60.0, 1000.0, 12000.0);
  Rig e(std::string("expander: {threshold: -50 dB, knee: 0 dB, range: 60 dB, ratio: ") + c.ratio + "}");
  e.run(sine(-56 + rms, freq, 3));
  CHECK(e.result("reduction") == Approx(c.reduction).margin(0.05));
}

TEST_CASE("expander: the range is its end, and at 1:1 not one bit changes", "[expander]") {
  Rig gate("expander: {threshold: -40 dB, ratio: 100:1, knee: 0 dB, range: 30 dB}");
  gate.run(sine(-70, 1000, 3));
  CHECK(gate.result("reduction") == Approx(30).margin(0.01));
  Rig none("expander: {threshold: 0 dB, ratio: 1:1}");
  const Signal s = noise(-30, 0.5);
  CHECK(same_bits(none.run(s), s));
}

TEST_CASE("expander: times are what they say", "[expander]") {
  Rig e(
      "expander: {threshold: -20 dB, ratio: 2:1, knee: 0 dB, range: 60 dB, attack: 30 ms, hold: 0 ms, release: 300 "
      "ms}");
  e.run(sine(-30, 1000, 3));
  CHECK(way_63(trace(e, sine(-26, 1000, 0.5), "reduction")) == Approx(30).epsilon(0.08));
  CHECK(way_63(trace(e, sine(-30, 1000, 3), "reduction")) == Approx(300).epsilon(0.05));
  Rig hold("expander: {threshold: -20 dB, ratio: 2:1, range: 60 dB, attack: 1 ms, hold: 200 ms, release: 5 ms}");
  hold.run(sine(-6, 1000, 0.5));
  CHECK(way_63(trace(hold, sine(-40, 1000, 1), "reduction")) == Approx(208).margin(8));
}

TEST_CASE("expander: hysteresis keeps an open gate open", "[expander]") {
  const std::string step = "expander: {threshold: -40 dB, ratio: 100:1, knee: 0 dB, range: 40 dB, hysteresis: 6 dB}";
  Rig open(step), shut(step);
  open.run(sine(-30, 1000, 1));
  open.run(sine(-44 + rms, 1000, 2));  // between the two thresholds
  CHECK(open.result("reduction") == Approx(0).margin(0.01));
  shut.run(sine(-80, 1000, 2));
  shut.run(sine(-44 + rms, 1000, 2));
  CHECK(shut.result("reduction") == Approx(40).margin(0.1));
}

TEST_CASE("de_esser: what the treble exceeds comes down by the ratio's share", "[de_esser]") {
  const std::string mode = GENERATE("split", "wide");
  Rig d("de_esser: {freq: 4 kHz, threshold: -40 dB, ratio: 4:1, knee: 0 dB, range: 40 dB, mode: " + mode + "}");
  const Signal out = d.run(sine(-20 + rms, 15000, 1));
  // the detector's two poles of 4 kHz hardly touch 15 kHz in a bilinear filter: (w / sqrt(1 + w^2))^2
  const double w = std::tan(3.14159265358979 * 15 / 48) / std::tan(3.14159265358979 * 4 / 48);
  const double level = -20 + 20 * std::log10(w * w / (1 + w * w));
  CHECK(d.result("reduction") == Approx((level + 40) * 0.75).margin(0.05));
}

TEST_CASE("de_esser: a quiet treble leaves every bit, a loud one leaves the bass in split mode alone", "[de_esser]") {
  Rig d("de_esser: {threshold: -20 dB}");
  const Signal bass = sine(-6, 200, 0.5);
  CHECK(same_bits(d.run(bass), bass));
  const auto bass_left = [&](const char* mode) {
    Rig r(std::string("de_esser: {freq: 5 kHz, threshold: -60 dB, ratio: 100:1, range: 20 dB, mode: ") + mode + "}");
    Signal both = sine(-6, 100, 1);
    const Signal s = sine(-10, 10000, 1);
    for (std::size_t c = 0; c < 2; ++c)
      for (std::size_t i = 0; i < both[c].size(); ++i) both[c][i] += s[c][i];
    const Signal out = r.run(both);
    double re = 0, im = 0, high = 0;
    for (std::size_t i = 24000; i < 48000; ++i) {
      re += double(out[0][i]) * std::sin(2 * 3.14159265358979 * 100 * double(i) / 48000) / 12000;
      im += double(out[0][i]) * std::cos(2 * 3.14159265358979 * 100 * double(i) / 48000) / 12000;
      high += double(out[0][i]) * std::sin(2 * 3.14159265358979 * 10000 * double(i) / 48000) / 12000;
    }
    CHECK(std::abs(high) < 0.08);  // of 0.316
    return 20 * std::log10(std::hypot(re, im)) + 6;
  };
  CHECK(bass_left("split") == Approx(0).margin(0.02));
  CHECK(bass_left("wide") == Approx(-20).margin(0.1));
}

TEST_CASE("expander: short times are as short as they say", "[expander]") {
  Rig rig(
      "expander: {threshold: -20 dB, ratio: 2:1, knee: 0 dB, range: 60 dB, attack: 3 ms, hold: 0 ms, release: 16 ms}");
  rig.run(sine(-30, 5000, 1));
  CHECK(way_63(trace(rig, sine(-24, 5000, 0.2), "reduction")) == Approx(3).margin(0.25));
  CHECK(way_63(trace(rig, sine(-30, 5000, 0.5), "reduction")) == Approx(16).epsilon(0.05));
}
