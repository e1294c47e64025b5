// tests/nodes/maximizer_test.cpp

#include "tests/rig.hpp"

#include <catch2/catch.hpp>

#include <cmath>

using namespace lacquer;

namespace {
double true_peak(const Signal& s) {
  Rig meter("true_peak", int(s.size()));
  meter.run(s);
  meter.finish();
  return meter.result("true_peak");
}
Signal bass_and_treble() {
  Signal s = sine(-3, 60, 3);
  const Signal high = sine(-18, 5000, 3);
  for (std::size_t c = 0; c < 2; ++c)
    for (std::size_t i = 0; i < s[c].size(); ++i) s[c][i] += high[c][i];
  return s;
}
}  // namespace

TEST_CASE("maximizer: the ceiling holds at any drive, and the louder bands are turned down by themselves") {
  Signal s = noise(-6, 2, 2, 7);
  for (auto& c : s)
    for (std::size_t i = 0; i < c.size(); ++i) c[i] *= float(0.5 + 0.5 * std::sin(double(i) / 3000));
  for (const char* drive : {"3 dB", "9 dB", "18 dB"})
    for (const char* character : {"transparent", "wall"}) {
      // white noise has what meters disagree on, close to Nyquist: that is taken out first
      Rig rig(std::string("maximizer: {drive: ") + drive + ", band_limit: on, character: " + character + "}");
      CHECK(true_peak(rig.run(s)) <= -1 + 0.05);
      CHECK(rig.result("bands_deepest") > 1);
    }
}

TEST_CASE("maximizer: a loud bass costs the treble less than under one limiter") {
  const Signal s = bass_and_treble();
  Rig one("limiter"), drive("gain: 9 dB"), three("maximizer: 9 dB");
  const double single = tone_level(one.run(drive.run(s))[0], 5000), banded = tone_level(three.run(s)[0], 5000);
  INFO("one limiter " << single << ", by bands " << banded << " dBFS");
  CHECK(banded > single + 2);
  CHECK(banded < -9 + 0.1);
}

TEST_CASE("maximizer: below the ceiling it is a gain, flat, and at 0 dB not even that") {
  Rig idle("maximizer");
  const Signal soft = noise(-20, 0.5);
  const Signal out = idle.run(soft);
  const std::size_t late = std::size_t(idle.latency());
  bool same = true;
  for (std::size_t c : {0u, 1u})
    for (std::size_t i = late; i < out[c].size(); ++i) same = same && out[c][i] == soft[c][i - late];
  CHECK(same);

  for (const double freq : {40.0, 150.0, 700.0, 3000.0, 12000.0}) {
    Rig rig("maximizer: 6 dB");
    CHECK(tone_level(rig.run(sine(-30, freq, 1))[0], freq) == Approx(-24).margin(0.01));
  }
}

TEST_CASE("maximizer: begins to drive without a click, and refuses splits that cannot be") {
  const auto beside = [](const char* step, const char* param) {
    Rig rig(step);
    const Signal before = rig.run(sine(-20, 60, 0.5));
    rig.set(param, "6 dB");
    return highest_beside((before + rig.run(sine(-20, 60, 1)))[0], 60, 300);
  };
  CHECK(beside("maximizer", "drive") < beside("gain: 0 dB", "gain") + 1);  // the glide of the gain is all there is
  CHECK(Rig("maximizer: {low_split: 900 Hz, high_split: 600 Hz}").refusal.find("below high_split") !=
        std::string::npos);
  CHECK(!Rig("maximizer: {high_split: 16 kHz}", 2, 32000).ready());
}
