// tests/nodes/dynamics_test.cpp — numbers one can work out by hand.

#include "tests/rig.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

using namespace lacquer;

namespace {
struct Measured {
  Rig rig{"dynamics"};
  explicit Measured(const Signal& s, int block = 256) {
    rig.block = block;
    rig.run(s);
    rig.finish();
  }
  double operator[](const char* r) const { return rig.result(r); }
};
Signal clipped(Signal s, float at, float then = 1) {
  for (auto& c : s)
    for (float& x : c) x = then * std::clamp(x, -at, at);
  return s;
}
}  // namespace

TEST_CASE("dynamics: a full-scale sine has an RMS of -3.01 dB, or 0 by AES17, and a crest of 3.01") {
  const Measured m(sine(0, 1000, 2));
  CHECK(m["rms"] == Approx(-3.0103).margin(0.001));
  CHECK(m["rms_aes17"] == Approx(0).margin(0.001));
  CHECK(m["peak"] == Approx(0).margin(0.001));
  CHECK(m["crest"] == Approx(3.0103).margin(0.002));
  CHECK(m["dc_offset"] == Approx(0).margin(1e-6));
}

TEST_CASE("dynamics: an offset in one channel is found") {
  Signal s = sine(-20, 1000, 1);
  for (float& x : s[1]) x -= 0.01f;
  CHECK(Measured(s)["dc_offset"] == Approx(-0.01).margin(1e-5));
}

TEST_CASE("dynamics: DR is the second highest block peak over the RMS of the loudest fifth") {
  // ten blocks of 3 s: eight at -26 dB, one at -6, one at -12. Loudest fifth: the latter two; second peak: -12 dBFS.
  Signal s(2);
  for (int i = 0; i < 10; ++i) s = s + sine(i == 3 ? -6.0f : i == 7 ? -12.0f : -26.0f, 1000, 3);
  const double mean =
      10 * std::log10((std::pow(10, -0.6) + std::pow(10, -1.2)) / 2);  // sqrt 2 RMS of a sine is its peak
  const Measured m(s);
  const auto d = nlohmann::json::parse(m.rig.details());
  CHECK(d["channels"][0]["dr"].get<double>() == Approx(-12 - mean).margin(0.01));
  CHECK(m["dr"] == std::round(-12 - mean));
  // a click in one block does not count, in two it does
  for (auto& c : s) c[1000] = 1;
  CHECK(Measured(s)["dr"] == std::round(-6 - mean));
  for (auto& c : s) c[200000] = 1;
  CHECK(Measured(s)["dr"] == std::round(0 - mean));
}

TEST_CASE("dynamics: clipping at full scale, and clipping that was turned down") {
  CHECK(Measured(sine(0, 997, 1))["clipped"] == 0);
  CHECK(Measured(sine(0, 40, 1))["flat_tops"] == 0);  // several samples within an LSB, but round
  const Measured hot(clipped(sine(6, 1000, 1), 1));
  // |sin| > 1/2 for two thirds of the time: 16 of each 24 samples in half a period, 15 strictly within
  CHECK(hot["clipped_runs"] == Approx(4000).margin(4));
  CHECK(hot["clipped"] / 96000 == Approx(0.667).margin(0.05));
  const Measured tamed(clipped(sine(6, 1000, 1), 1, 0.5f));
  CHECK(tamed["clipped"] == 0);
  CHECK(tamed["flat_tops"] == Approx(4000).margin(4));
  CHECK(Measured(noise(-3, 1))["flat_tops"] == 0);
}

TEST_CASE("dynamics: silence at both ends, and the noise between the notes") {
  const Measured m(steady(-200, 0.55) + noise(-80, 0.95) + sine(-10, 1000, 2) + noise(-80, 0.75) +
                   Signal(2, std::vector<float>(12000)));
  CHECK(m["silence_head"] == Approx(1.5).margin(0.001));
  CHECK(m["silence_tail"] == Approx(1.0).margin(0.001));
  // white noise: peak over RMS is sqrt 3; a step that is half digital silence does not count
  CHECK(m["noise_floor"] == Approx(-80 - 4.77).margin(0.1));
}

TEST_CASE("dynamics: silence, and nothing at all, have answers") {
  const Measured silent(Signal(2, std::vector<float>(48000)));
  CHECK(silent["rms"] == -INFINITY);
  CHECK(std::isnan(silent["crest"]));
  CHECK(std::isnan(silent["dr"]));
  CHECK(silent["silence_head"] == Approx(1));
  const Measured one(Signal(2, {0.5f}));
  CHECK(one["peak"] == Approx(-6.02).margin(0.01));
  CHECK(one["rms"] == Approx(-6.02).margin(0.01));
  CHECK_NOTHROW(nlohmann::json::parse(silent.rig.details()));
}

TEST_CASE("dynamics: every number is the same however the stream is cut") {
  const Signal s = clipped(noise(0, 4), 0.8f);
  const Measured whole(s, 1000);
  for (int block : {1, 64, 0}) {
    const Measured m(s, block);
    for (const char* r : {"rms", "crest", "dr", "dc_offset", "flat_tops", "noise_floor"}) CHECK(m[r] == whole[r]);
    CHECK(m.rig.details() == whole.rig.details());
  }
}

TEST_CASE("dynamics: DR needs one of its blocks") {
  CHECK(std::isnan(Measured(Signal(2, {1.0f}))["dr"]));
  CHECK(std::isnan(Measured(noise(-12, 2.9, 2, 3))["dr"]));
  CHECK(Measured(noise(-12, 3.1, 2, 3))["dr"] > 0);
}
