// tests/nodes/spectrum_test.cpp

#include "tests/rig.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <cmath>
#include <numbers>

using namespace lacquer;
using nlohmann::json;

namespace {
constexpr double pi = std::numbers::pi;

struct Measured {
  Rig rig;
  explicit Measured(const Signal& s, double rate = 48000, int block = 1000) : rig("spectrum", int(s.size()), rate) {
    rig.block = block;
    rig.run(s);
    rig.finish();
  }
  double operator[](const char* r) const { return rig.result(r); }
  double band(double hz) const {
    const json d = json::parse(rig.details());
    for (const auto& b : d["third_octaves"])
      if (std::abs(b["hz"].get<double>() / hz - 1) < 0.05)
        return b["dbfs"].is_null() ? -INFINITY : b["dbfs"].get<double>();
    return NAN;
  }
};
Signal mixed(Signal a, const Signal& b) {
  for (std::size_t c = 0; c < a.size(); ++c)
    for (std::size_t i = 0; i < a[c].size(); ++i) a[c][i] += b[c][i];
  return a;
}
}  // namespace

TEST_CASE("spectrum: a sine is in its third octave with its RMS, and nowhere else") {
  const Measured m(sine(-20, 1000, 2, 2));
  CHECK(m.band(1000) == Approx(-23.01).margin(0.02));
  CHECK(m.band(2000) < -100);
  CHECK(m.band(500) < -100);
  CHECK(m["centroid"] == Approx(1000).margin(1));
}

TEST_CASE("spectrum: third octaves keep to class 1 of IEC 61260-1") {
  // relative frequency, least and largest attenuation in dB; table 1, for third octaves
  const struct {
    double ratio, least, most;
  } mask[] = {{1, -0.4, 0.4},      {1.02667, -0.4, 0.5}, {1.05575, -0.4, 0.7}, {1.08746, -0.4, 1.4},
              {1.12202, 1.6, 5.3}, {1.29437, 16.5, 999}, {1.88173, 41, 999},   {3.05365, 55, 999}};
  const double rate = 8000;
  for (double middle : {19.9526, 199.526, 316.228, 1000.0})
    for (const auto& m : mask)
      for (double f : {middle * m.ratio, middle / m.ratio}) {
        const double seconds = middle < 300 ? 10 : 2;
        if (f > 0.45 * rate) continue;
        const double attenuation = -13.0103 - Measured(sine(-10, f, seconds, 1, rate), rate).band(middle);
        INFO(f << " Hz in the band of " << middle);
        CHECK(attenuation >= m.least);
        CHECK(attenuation <= m.most);
      }
}

TEST_CASE("spectrum: white noise rises by 3 dB an octave, and ends nowhere") {
  const Measured m(noise(-10, 4));
  CHECK(m["tilt"] == Approx(3.01).margin(0.15));
  CHECK(m["centroid"] == Approx(12000).margin(150));
  CHECK(m["bandwidth"] == Approx(24000));
  CHECK(m["hum"] == 0);
  CHECK(m["noise_floor"] ==
        Approx(-10 - 4.77 + 10 * std::log10(22387.0 / 24000)).margin(1.5));  // noise is the programme
}

TEST_CASE("spectrum: finds where a lossy source ends") {
  // noise through a windowed sinc of 16 kHz, over noise of 16 bits
  const Signal white = noise(-10, 2, 1, 3), floor = noise(-90, 2, 1, 4);
  Signal s = floor;
  std::vector<double> taps;
  for (int i = -128; i <= 128; ++i) {
    const double t = i * 2.0 / 3, w = 0.42 + 0.5 * std::cos(pi * i / 129) + 0.08 * std::cos(2 * pi * i / 129);
    taps.push_back(w * 2 / 3 * (i ? std::sin(pi * t) / (pi * t) : 1));
  }
  for (std::size_t i = 256; i < s[0].size(); ++i)
    for (std::size_t k = 0; k < taps.size(); ++k) s[0][i] += float(taps[k] * double(white[0][i - k]));
  CHECK(Measured(s)["bandwidth"] == Approx(16000).margin(800));
}

TEST_CASE("spectrum: the noise between and below the notes") {
  Signal s = noise(-70, 6, 1);
  const Signal tone = sine(-20, 440, 6, 1);
  for (std::size_t i = 0; i < s[0].size(); ++i)
    if (i / 24000 % 2 == 0) s[0][i] += tone[0][i];
  const double m = Measured(s)["noise_floor"];
  CHECK(m == Approx(-70 - 4.77).margin(2));
}

TEST_CASE("spectrum: mains hum is a series of lines, one line is a note") {
  const Signal bed = noise(-60, 8, 1, 6);
  CHECK(Measured(mixed(bed, sine(-50, 50, 8, 1)))["hum"] == 0);
  const Signal hum = mixed(sine(-50, 50, 8, 1), mixed(sine(-55, 100, 8, 1), sine(-58, 150, 8, 1)));
  const Measured m(mixed(bed, hum));
  CHECK(m["hum"] > 20);
  const json d = json::parse(m.rig.details());
  REQUIRE(d["hum"].size() >= 3);
  CHECK(d["hum"][0]["hz"] == 50);
  CHECK(d["hum"][0]["dbfs"].get<double>() == Approx(-53.01).margin(0.3));
}

TEST_CASE("spectrum: whatever the cuts, short programmes, silence") {
  const Signal s = noise(-10, 0.7, 3);
  const Measured whole(s);
  for (int block : {1, 64, 0}) {
    const Measured m(s, 48000, block);
    for (const char* r : {"tilt", "centroid", "bandwidth", "noise_floor"}) CHECK(m[r] == whole[r]);
    CHECK(m.rig.details() == whole.rig.details());
  }
  CHECK(Measured(sine(-20, 5000, 0.05))["centroid"] == Approx(5000).margin(100));
  const Measured silent(Signal(1, std::vector<float>(48000)));
  for (const char* r : {"tilt", "centroid", "noise_floor"}) CHECK(std::isnan(silent[r]));
  CHECK_NOTHROW(json::parse(silent.rig.details()));
}
