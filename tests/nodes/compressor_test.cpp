// tests/nodes/compressor_test.cpp — steady tones, so that every number here can be worked out by hand.

#include "core/dsp/loudness.hpp"
#include "core/math.hpp"
#include "tests/rig.hpp"

#include <catch2/catch.hpp>

#include <cmath>

using namespace lacquer;

namespace {
/// All but the tone, against the tone; the signal holds whole cycles.
double thd_n(const std::vector<float>& x, double cycles_per_sample) {
  const double w = 2 * std::numbers::pi * cycles_per_sample, n = double(x.size());
  double s = 0, c = 0, rest = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    s += 2 / n * double(x[i]) * std::sin(w * double(i));
    c += 2 / n * double(x[i]) * std::cos(w * double(i));
  }
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double e = double(x[i]) - s * std::sin(w * double(i)) - c * std::cos(w * double(i));
    rest += e * e;
  }
  return 10 * std::log10(rest / n / ((s * s + c * c) / 2));
}
}  // namespace

TEST_CASE("compressor: 12 dB over the threshold at 4:1 comes out 3 dB over", "[compressor]") {
  Rig comp("compressor: {threshold: -18 dB, ratio: 4:1, knee: 0 dB}");
  CHECK(level(comp.run(steady(-6, 1))) == Approx(-15).margin(0.01));
  CHECK(comp.result("reduction") == Approx(9).margin(0.01));
  CHECK(comp.result("deepest") == Approx(9).margin(0.01));
}

TEST_CASE("compressor: a tone is compressed by its peak, whatever its frequency", "[compressor]") {
  const double freq = GENERATE(100.0, 440.0, 1000.0, 7000.0);
  const double over = GENERATE(3.0, 12.0);
  INFO(freq << " Hz, " << over << " dB over");
  Rig comp("compressor: {threshold: -18 dB, ratio: 4:1, knee: 0 dB}");
  comp.run(sine(float(over) - 18, freq, 1.5));
  CHECK(comp.result("reduction") == Approx(over * 0.75).margin(0.1 * 0.75));
}

TEST_CASE("compressor: by power, a sine reads 3 dB less", "[compressor]") {
  const double freq = GENERATE(30.0, 60.0, 1000.0, 15000.0);
  INFO(freq << " Hz");
  Rig comp("compressor: {threshold: -18 dB, ratio: 4:1, knee: 0 dB, detector: rms}");
  comp.run(sine(-3, freq, 1.5));
  CHECK(comp.result("reduction") == Approx((15 - 3.0103) * 0.75).margin(0.02));
}

TEST_CASE("compressor: ratios are true to half a percent", "[compressor]") {
  const int ratio = GENERATE(2, 3, 8, 20);
  const std::string step = "compressor: {threshold: -30 dB, knee: 0 dB, ratio: " + std::to_string(ratio) + ":1}";
  Rig low(step), high(step);
  low.run(steady(-20, 1.5));
  high.run(steady(-10, 1.5));
  const double out = 10 - (high.result("reduction") - low.result("reduction"));
  CHECK(10 / out == Approx(ratio).epsilon(0.005));
}

TEST_CASE("compressor: below the threshold not one bit changes", "[compressor]") {
  const std::string detector = GENERATE("peak", "rms");
  Rig comp("compressor: {threshold: -18 dB, ratio: 20:1, knee: 6 dB, detector: " + detector + "}");
  const Signal quiet = noise(-22, 1);
  CHECK(same_bits(comp.run(quiet), quiet));
  CHECK(comp.result("reduction") == 0);
}

TEST_CASE("compressor: at 1:1 not one bit changes", "[compressor]") {
  Rig comp("compressor: {threshold: -60 dB, ratio: 1:1, auto_makeup: on}");
  const Signal loud = noise(0, 0.5);
  CHECK(same_bits(comp.run(loud), loud));
}

TEST_CASE("compressor: attack and release take the times they say", "[compressor]") {
  struct Case {
    const char* step;
    double attack, release, over;
  };
  const Case c = GENERATE(Case{"attack: 20 ms, release: 200 ms", 20, 200, 12},
                          Case{"attack: 100 ms, release: 500 ms", 100, 500, 20},
                          Case{"attack: 20 ms, release: 200 ms, detector: rms", 20, 200, 15},
                          Case{"attack: 50 ms, release: 400 ms, detector: rms, rms_window: 20 ms", 50, 400, 12});
  INFO(c.step);
  Rig comp(std::string("compressor: {threshold: -30 dB, ratio: 4:1, knee: 0 dB, ") + c.step + "}");
  std::vector<double> down = trace(comp, sine(float(c.over) - 30, 1000, 10 * c.attack / 1000), "reduction");
  down.insert(down.begin(), 0.0);
  CHECK(way_63(down) == Approx(c.attack).epsilon(0.05));
  std::vector<double> back = trace(comp, sine(-70, 1000, 12 * c.release / 1000), "reduction");
  back.insert(back.begin(), down.back());
  CHECK(way_63(back) == Approx(c.release).epsilon(0.05));
}

TEST_CASE("compressor: a bass note is turned down without being bent", "[compressor]") {
  Rig comp("compressor: {threshold: -18 dB, ratio: 4:1, attack: 20 ms, release: 200 ms, detector: rms}", 1);
  const Signal out = comp.run(sine(-3, 60, 3, 1));
  CHECK(thd_n({out[0].end() - 48000, out[0].end()}, 60.0 / 48000) < -75);
}

TEST_CASE("compressor: the knee starts half its width early, and smoothly", "[compressor]") {
  Rig comp("compressor: {threshold: -20 dB, ratio: 2:1, knee: 10 dB}");
  CHECK(level(comp.run(steady(-25, 1))) == Approx(-25).margin(0.001));
  CHECK(level(comp.run(steady(-20, 1))) == Approx(-20.625).margin(0.01));  // (knee/2)^2 / (2 knee) * (1 - 1/ratio)
  CHECK(level(comp.run(steady(-15, 1))) == Approx(-17.5).margin(0.01));
}

TEST_CASE("compressor: the key decides, the signal follows", "[compressor]") {
  Rig comp("compressor: {threshold: -20 dB, ratio: 2:1, knee: 0 dB, key: key}");
  CHECK(level(comp.run(steady(-40, 1), steady(-10, 1))) == Approx(-45).margin(0.01));
}

TEST_CASE("compressor: hold keeps the reduction for the time it says", "[compressor]") {
  Rig comp("compressor: {threshold: -20 dB, ratio: 2:1, knee: 0 dB, attack: 1 ms, release: 20 ms, hold: 100 ms}");
  comp.run(steady(-10, 0.1));
  const std::vector<double> back = trace(comp, steady(-60, 0.2), "reduction");
  CHECK(back[4 * 98] == Approx(5).margin(0.01));
  CHECK(back[4 * 125] < 2.5);
}

TEST_CASE("compressor: the automatic release is faster after a peak than after a passage", "[compressor]") {
  const std::string step =
      "compressor: {threshold: -30 dB, ratio: 4:1, release: 200 ms, attack: 1 ms, auto_release: on}";
  Rig peak(step), passage(step);
  peak.run(steady(-6, 0.02));
  passage.run(steady(-6, 3));
  peak.run(steady(-60, 0.2));
  passage.run(steady(-60, 0.2));
  CHECK(peak.result("reduction") < 5);
  CHECK(passage.result("reduction") > 10);
}

TEST_CASE("compressor: range is the most it turns down", "[compressor]") {
  Rig comp("compressor: {threshold: -40 dB, ratio: 20:1, range: 6 dB}");
  CHECK(level(comp.run(steady(-10, 1))) == Approx(-16).margin(0.001));
}

TEST_CASE("compressor: the look-ahead delays the signal and lets the gain be there first", "[compressor]") {
  Rig comp("compressor: {threshold: -20 dB, ratio: 20:1, attack: 1 ms, lookahead: 5 ms}", 1);
  CHECK(comp.latency() == 240);
  const Signal out = comp.run(steady(-60, 0.1, 1) + steady(0, 0.2, 1));
  CHECK(gain_to_db(double(out[0][4800 + 240])) < -18);
  CHECK(gain_to_db(double(out[0][4800 + 239])) < -60);
}

TEST_CASE("compressor: linked, channels keep their balance; unlinked, each has its own gain", "[compressor]") {
  Signal in = steady(-10, 1);
  for (float& x : in[1]) x *= 0.1f;  // -30 dB
  const double link = GENERATE(0.0, 50.0, 100.0);
  Rig comp("compressor: {threshold: -20 dB, ratio: 2:1, knee: 0 dB, link: " + std::to_string(int(link)) + " %}");
  const Signal out = comp.run(in);
  INFO("link " << link);
  CHECK(gain_to_db(double(out[0].back())) == Approx(-15).margin(0.01));
  // the right one hears -30 dB, -20 dB or -10 dB
  CHECK(gain_to_db(double(out[1].back())) == Approx(link == 100 ? -35 : -30).margin(0.01));
}

TEST_CASE("compressor: makeup is added, and the automatic one is half of what full scale loses", "[compressor]") {
  Rig comp("compressor: {threshold: -20 dB, ratio: 2:1, knee: 0 dB, makeup: 3 dB}");
  CHECK(level(comp.run(steady(-30, 0.2))) == Approx(-27).margin(0.001));
  comp.set("auto_makeup", "on");
  const Signal out = comp.run(steady(-30, 0.2));
  CHECK(level(out) == Approx(-22).margin(0.001));
  float step = 0;
  for (std::size_t i = 1; i < out[0].size(); ++i) step = std::max(step, std::abs(out[0][i] - out[0][i - 1]));
  CHECK(step < 1e-4f);
}

TEST_CASE("compressor: by loudness it hears LUFS, bass less than the ear's range, and channels together") {
  const auto reduction = [](double freq, float db, int channels, const char* more) {
    Rig comp(
        std::string("compressor: {threshold: -24 dB, ratio: 2:1, knee: 0 dB, detector: loudness, rms_window: 50 ms") +
            more + "}",
        channels);
    comp.run(sine(db, freq, 2, channels));
    return comp.result("reduction");
  };
  // a stereo tone of 1 kHz reads its peak in LUFS (EBU Tech 3341); a single channel 3 LU less
  CHECK(reduction(1000, -12, 2, "") == Approx(6).margin(0.05));
  CHECK(reduction(1000, -12, 1, "") == Approx(4.5).margin(0.05));
  CHECK(reduction(1000, -12, 2, ", link: 0 %") == Approx(4.5).margin(0.05));
  // K-weighting, ITU-R BS.1770-5 annex 1: 40 Hz lies far below 1 kHz, 10 kHz above it
  const KWeighting k = k_weighting(48000);
  for (const double freq : {40.0, 100.0, 10000.0}) {
    const double read = -12 + k_weighting_db(k, freq, 48000) - k_weighting_db(k, 1000, 48000);
    CHECK(reduction(freq, -12, 2, "") == Approx(std::max(0.0, (read + 24) / 2)).margin(0.15));
  }
}
