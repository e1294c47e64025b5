// tests/nodes/multiband_test.cpp — multiband, dynamic_eq, mono_bass: responses from impulses, gains from steady tones.

#include "tests/rig.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <complex>
#include <numbers>
#include <string>

using namespace lacquer;

namespace {
constexpr float rms = 3.0103f;  // by power a sine reads 3 dB less than its peak

/// All channels alike.
Signal impulse(int channels, std::size_t frames, float height = 1) {
  Signal s;
  for (int c = 0; c < channels; ++c) s.emplace_back(frames);
  for (auto& c : s) c[0] = height;
  return s;
}
double gain_db(Rig& rig, double level, double f) {  // of a steady tone
  const Signal in = sine(float(level), f, 2);
  const Signal out = rig.run(in);
  double a = 0, b = 0;
  for (std::size_t i = in[0].size() - 9600; i < in[0].size(); ++i) {
    a += double(in[0][i]) * double(in[0][i]);
    b += double(out[0][i]) * double(out[0][i]);
  }
  return 10 * std::log10(b / a);
}
const std::string four = "[band: {to: 120 Hz}, band: {to: 1 kHz}, band: {to: 6 kHz}, band: {}]";
}  // namespace

TEST_CASE("multiband: with nothing to do not one bit changes", "[multiband]") {
  Rig rig("multiband: " + four);
  REQUIRE(rig.ready());
  const Signal s = noise(-3, 0.5);
  CHECK(same_bits(rig.run(s), s));
}

TEST_CASE("multiband: bands that leave the signal alone sum flat", "[multiband]") {
  // A ratio above thresholds that are never reached: split, and summed again.
  const std::string bands = GENERATE(
      "[band: {to: 200 Hz, ratio: 2:1, threshold: 0 dB, knee: 0 dB}, band: {}]",
      "[band: {to: 120 Hz, ratio: 2:1, threshold: 0 dB, knee: 0 dB}, band: {to: 1 kHz}, band: {to: 6 kHz}, band: {}]",
      "[band: {to: 60 Hz, ratio: 2:1, threshold: 0 dB, knee: 0 dB}, band: {to: 200 Hz}, band: {to: 700 Hz}, band: {to: "
      "2 kHz}, band: {to: 7 kHz}, band: {}]");
  Rig rig("multiband: " + bands, 1);
  REQUIRE(rig.ready());
  const Signal out = rig.run(impulse(1, 48000, 0.5f));
  for (const double f : {25.0, 60.0, 120.0, 200.0, 450.0, 700.0, 1000.0, 2500.0, 6000.0, 9000.0, 19000.0})
    CHECK(response_db(out[0], f) + 6.0206 == Approx(0).margin(0.001));
}

TEST_CASE("multiband: each band follows its own threshold and ratio", "[multiband]") {
  Rig rig(
      "multiband: [band: {to: 200 Hz, threshold: -30 dB, ratio: 2:1, knee: 0 dB}, band: {to: 4 kHz, threshold: -40 "
      "dB, ratio: 4:1, knee: 0 dB}, band: {threshold: -20 dB, ratio: 3:1, knee: 0 dB}]");
  CHECK(gain_db(rig, -20 + rms, 40) == Approx(-5).margin(0.1));
  rig.reset();
  CHECK(gain_db(rig, -20 + rms, 900) == Approx(-15).margin(0.3));  // its neighbours' slopes are heard, too
  rig.reset();
  CHECK(gain_db(rig, -8 + rms, 15000) == Approx(-8).margin(0.1));
  CHECK(rig.result("deepest") == Approx(8).margin(0.1));
}

TEST_CASE("multiband, dynamic_eq: attack and release take the times they say", "[multiband][dynamic_eq]") {
  Rig bands(
      "multiband: [band: {to: 200 Hz}, band: {to: 6 kHz, threshold: -30 dB, ratio: 4:1, knee: 0 dB, range: 60 dB, "
      "attack: 20 ms, release: 200 ms}, band: {}]");
  bands.run(sine(-60, 1100, 1));
  CHECK(way_63(trace(bands, sine(-15, 1100, 0.3), "reduction")) == Approx(20).epsilon(0.08));
  CHECK(way_63(trace(bands, sine(-60, 1100, 3), "reduction")) == Approx(200).epsilon(0.05));
  Rig eq(
      "dynamic_eq: [bell: {freq: 1 kHz, q: 0.7, threshold: -30 dB, ratio: 4:1, knee: 0 dB, range: 24 dB, attack: 20 "
      "ms, release: 200 ms}]");
  eq.run(sine(-60, 1000, 1));
  CHECK(way_63(trace(eq, sine(-15, 1000, 0.3), "moved")) == Approx(20).epsilon(0.08));
  CHECK(way_63(trace(eq, sine(-60, 1000, 3), "moved")) == Approx(200).epsilon(0.05));
}

TEST_CASE("multiband, mono_bass: what begins to be split does so without a click", "[multiband][mono_bass]") {
  const int quarter =
      GENERATE(0, 100, 200);  // of 800 frames, a cycle of 60 Hz: at a crossing, on the way, at the crest
  const Signal tone = sine(-1, 60, 1);
  Signal head, tail;
  for (const auto& c : tone) {
    head.emplace_back(c.begin(), c.begin() + 24000 + quarter);
    tail.emplace_back(c.begin() + 24000 + quarter, c.end());
  }
  const auto disturbed = [&](Rig& rig, const std::string& param, const std::string& value) {
    Signal out = rig.run(head);
    REQUIRE(same_bits(out, head));
    rig.set(param, value);
    out = out + rig.run(tail);
    return highest_beside(out[0], 60, 290);
  };
  Rig bands("multiband: [band: {to: 120 Hz, threshold: 0 dB}, band: {to: 1 kHz}, band: {to: 6 kHz}, band: {}]");
  CHECK(disturbed(bands, "1.ratio", "2:1") < -90);
  Rig bass("mono_bass: {amount: 0 %}");
  CHECK(disturbed(bass, "amount", "100 %") < -90);
}

TEST_CASE("multiband: solo and mute", "[multiband]") {
  Rig muted("multiband: [band: {to: 500 Hz}, mute: {}]", 1);
  const Signal low = muted.run(impulse(1, 24000));
  CHECK(response_db(low[0], 100) == Approx(0).margin(0.03));
  CHECK(response_db(low[0], 500) == Approx(-6.02).margin(0.02));
  CHECK(response_db(low[0], 2000) < -45);
  Rig alone("multiband: [band: {to: 500 Hz}, solo: {}]", 1);
  CHECK(response_db(alone.run(impulse(1, 24000))[0], 100) < -50);
}

TEST_CASE("multiband: splits that do not rise are refused", "[multiband]") {
  CHECK_FALSE(Rig("multiband: [band: {to: 500 Hz}, band: {to: 400 Hz}, band: {}]").ready());
  CHECK_FALSE(Rig("multiband: [band: {to: 15 kHz}, band: {}]", 2, 22050).ready());
}

TEST_CASE("dynamic_eq: quiet bands leave every bit", "[dynamic_eq]") {
  Rig rig(
      "dynamic_eq: [bell: {threshold: -10 dB}, low_shelf: {freq: 100 Hz, threshold: -10 dB}, high_shelf: {freq: 8 "
      "kHz, threshold: -10 dB}]");
  REQUIRE(rig.ready());
  const Signal s = noise(-25, 0.5);
  CHECK(same_bits(rig.run(s), s));
}

TEST_CASE("dynamic_eq: what a band exceeds moves its gain by the ratio's share", "[dynamic_eq]") {
  struct Case {
    const char* row;
    double freq, level, gain;
  };
  const Case c = GENERATE(
      Case{"bell: {freq: 1 kHz, q: 2, threshold: -40 dB, ratio: 2:1, knee: 0 dB, range: 24 dB}", 1000, -30, -5},
      Case{"bell: {freq: 1 kHz, q: 2, threshold: -40 dB, ratio: 2:1, knee: 0 dB, range: 24 dB, toward: up}", 1000, -30,
           5},
      Case{"bell: {freq: 1 kHz, q: 2, threshold: -40 dB, ratio: 100:1, knee: 0 dB, range: 6 dB}", 1000, -20, -6},
      Case{"bell: {freq: 1 kHz, gain: 3 dB, threshold: -40 dB, ratio: 2:1, knee: 0 dB}", 1000, -30, -2},
      Case{"low_shelf: {freq: 500 Hz, threshold: -40 dB, ratio: 4:1, knee: 0 dB}", 40, -30, -7.5},
      Case{"high_shelf: {freq: 2 kHz, threshold: -40 dB, ratio: 2:1, knee: 0 dB}", 18000, -30, -5});
  INFO(c.row);
  Rig rig(std::string("dynamic_eq: [") + c.row + "]");
  CHECK(gain_db(rig, c.level + double(rms), c.freq) == Approx(c.gain).margin(0.1));
}

TEST_CASE("dynamic_eq: far from the band nothing moves, and the key decides", "[dynamic_eq]") {
  Rig rig("dynamic_eq: {rows: [bell: {freq: 1 kHz, q: 4, threshold: -60 dB, ratio: 100:1, range: 12 dB}], key: key}");
  REQUIRE(rig.ready());
  const Signal far = sine(-20, 60, 2), key = sine(-10, 1000, 2);
  const Signal out = rig.run(far, key);
  CHECK(level(out, 0.1) == Approx(-20).margin(0.05));
  CHECK(rig.result("moved") == Approx(12).margin(0.01));
}

TEST_CASE("mono_bass: the low side goes, the mid keeps its level, and both keep step", "[mono_bass]") {
  Rig mid("mono_bass: {freq: 120 Hz}"), side("mono_bass: {freq: 120 Hz}");
  const Signal middle = mid.run(impulse(2, 48000));
  CHECK(middle[0] == middle[1]);
  for (const double f : {30.0, 120.0, 1000.0, 15000.0}) CHECK(response_db(middle[0], f) == Approx(0).margin(0.001));
  Signal apart = impulse(2, 48000);
  apart[1][0] = -1;
  const Signal sides = side.run(apart);
  CHECK(response_db(sides[0], 120) == Approx(-6.02).margin(0.02));
  CHECK(response_db(sides[0], 30) < -46);
  CHECK(response_db(sides[0], 1000) == Approx(0).margin(0.01));
  // A source on the left alone stays there above the split: mid and side arrive together.
  Rig left("mono_bass: {freq: 120 Hz}");
  Signal only = impulse(2, 48000);
  only[1][0] = 0;
  const Signal one = left.run(only);
  CHECK(response_db(one[1], 2000) < -45);
  CHECK(response_db(one[0], 2000) == Approx(0).margin(0.02));
}

TEST_CASE("mono_bass: at nought not one bit changes", "[mono_bass]") {
  Rig rig("mono_bass: {amount: 0 %}");
  const Signal s = noise(-3, 0.3);
  CHECK(same_bits(rig.run(s), s));
  CHECK_FALSE(Rig("mono_bass", 1).ready());
}

TEST_CASE("multiband: with linear phase the bands add up to the signal, and turn no phase") {
  const std::string bands = "[band: {to: 150 Hz, ratio: 2:1, threshold: 0 dBFS, knee: 0 dB}, band: {to: 2 kHz}, band]";
  const Signal s = noise(-12, 1, 2, 8);
  Rig rig("multiband: {phase: linear, rows: " + bands + "}");
  const Signal out = rig.run(s);
  const std::size_t late = std::size_t(rig.latency());
  REQUIRE(late > 0);
  double off = 0, all = 0;
  for (std::size_t c : {0u, 1u})
    for (std::size_t i = late; i < out[c].size(); ++i) {
      off += std::pow(double(out[c][i]) - double(s[c][i - late]), 2);
      all += std::pow(double(s[c][i - late]), 2);
    }
  CHECK(10 * std::log10(off / all) < -140);

  Rig idle("multiband: {phase: linear, rows: [band: {to: 150 Hz}, band]}");
  const Signal same = idle.run(s);
  bool alike = true;
  for (std::size_t i = std::size_t(idle.latency()); i < s[0].size(); ++i)
    alike = alike && same[0][i] == s[0][i - std::size_t(idle.latency())];
  CHECK(alike);

  // a band alone: symmetric around its latency, 6 dB down at its end
  Rig low("multiband: {phase: linear, rows: [solo: {to: 500 Hz}, band]}", 1);
  Signal impulse(1, std::vector<float>(12000));
  impulse[0][4000] = 1;
  const Signal h = low.run(impulse);
  const std::size_t middle = 4000 + std::size_t(low.latency());
  float worst = 0;
  for (std::size_t i = 1; i < 1500; ++i) worst = std::max(worst, std::abs(h[0][middle + i] - h[0][middle - i]));
  CHECK(worst < 1e-7f);
  CHECK(response_db(h[0], 500) == Approx(-6.02).margin(0.01));
}

TEST_CASE("multiband: the key decides band by band, the signal follows", "[multiband]") {
  const std::string phase = GENERATE("least", "linear");
  Rig rig("multiband: {phase: " + phase +
          ", rows: [band: {to: 400 Hz, ratio: 2:1, threshold: -40 dB, knee: 0 dB}, "
          "band: {ratio: 2:1, threshold: -40 dB, knee: 0 dB}], key: key}");
  REQUIRE(rig.ready());
  // the key's bass stands 20 dB above its threshold; its treble stands at it
  Signal in = sine(-60, 60, 2);
  const Signal high = sine(-60, 6000, 2);
  for (std::size_t c = 0; c < in.size(); ++c)
    for (std::size_t i = 0; i < in[c].size(); ++i) in[c][i] += high[c][i];
  const Signal out = rig.run(in, sine(-20 + rms, 60, 2));
  CHECK(tone_level(out[0], 60) == Approx(-70).margin(0.05));
  CHECK(tone_level(out[0], 6000) == Approx(-60).margin(0.05));
}
