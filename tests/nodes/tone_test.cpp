// tests/nodes/tone_test.cpp — test signals against their formulae.

#include "tests/rig.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <numbers>

using namespace lacquer;

namespace {
const double pi = std::numbers::pi;
Signal nothing(double seconds, double rate = 48000) {
  return Signal(2, std::vector<float>(std::size_t(seconds * rate), 0.5f));
}
double power(const std::vector<float>& x) {
  double sum = 0;
  for (const float v : x) sum += double(v) * double(v);
  return sum / double(x.size());
}
/// Power in a band of an octave, by summing lines of a plain Fourier transform at steps of 1/T, in dB.
double band(const std::vector<float>& x, double low, double high, double rate) {
  double sum = 0;
  int lines = 0;
  const std::size_t n = x.size();
  const double width = (high - low) / 160;
  for (double f = low; f < high; f += width, ++lines) {
    const double step = 2 * pi * f / rate, turn_c = std::cos(step), turn_s = std::sin(step);
    double re = 0, im = 0, c = 1, s = 0;
    for (std::size_t i = 0; i < n; ++i) {
      re += double(x[i]) * c;
      im += double(x[i]) * s;
      const double next = c * turn_c - s * turn_s;
      s = s * turn_c + c * turn_s;
      c = next;
    }
    sum += re * re + im * im;
  }
  return 10 * std::log10(sum / lines * (high - low));
}
}  // namespace

TEST_CASE("tone: a sine of the frequency and level asked for, in place of the signal", "[tone]") {
  const double freq = GENERATE(20.0, 997.0, 15000.0), rate = GENERATE(44100.0, 96000.0);
  Rig tone("tone: {freq: " + std::to_string(freq) + " Hz, level: -6 dB}", 2, rate);
  const Signal out = tone.run(nothing(2, rate));
  const double peak = std::pow(10, -6 / 20.0);
  double worst = 0;
  for (std::size_t i = 0; i < out[0].size(); ++i)
    worst = std::max(worst,
                     std::abs(double(out[0][i]) - peak * std::sin(2 * pi * std::fmod(double(i) * freq / rate, 1.0))));
  CHECK(worst < 2e-7);
  CHECK(out[0] == out[1]);
}

TEST_CASE("tone: a sine keeps its phase for hours", "[tone]") {
  Rig tone("tone: {freq: 1000 Hz, level: 0 dB}", 1);
  tone.late = -48000 * 3600;  // an hour on
  tone.reset();
  const Signal out = tone.run(Signal(1, std::vector<float>(4800)));
  double worst = 0;
  for (std::size_t i = 0; i < out[0].size(); ++i)
    worst = std::max(worst, std::abs(double(out[0][i]) - std::sin(2 * pi * double(i % 48) / 48)));
  CHECK(worst < 1e-6);
}

TEST_CASE("tone: a sweep goes through octaves evenly", "[tone]") {
  Rig tone("tone: {wave: sweep, freq: 100 Hz, to: 6400 Hz, length: 6000 ms, level: 0 dB}", 1);
  const Signal out = tone.run(Signal(1, std::vector<float>(48000 * 6)));
  int at = 0, cycles = 0;  // upward crossings in the k-th second: 100 * 2^k / ln 2 of them
  for (int k = 0; k < 6; ++k) {
    cycles = 0;
    for (at = 48000 * k + 1; at < 48000 * (k + 1); ++at)
      cycles += out[0][std::size_t(at) - 1] < 0 && out[0][std::size_t(at)] >= 0;
    CHECK(cycles == Approx(100 * std::exp2(k) / std::numbers::ln2).margin(1.5));
  }
}

TEST_CASE("tone: noise has the power of a sine of the same level", "[tone]") {
  const std::string wave = GENERATE("white", "pink");
  const double rate = GENERATE(44100.0, 96000.0);
  Rig tone("tone: {wave: " + wave + ", level: -12 dB, noise: own}", 2, rate);
  const Signal out = tone.run(nothing(20, rate));
  CHECK(10 * std::log10(2 * power(out[0])) == Approx(-12).margin(wave == "pink" ? 0.6 : 0.05));
  CHECK(out[0] != out[1]);
  double both = 0;
  for (std::size_t i = 0; i < out[0].size(); ++i) both += double(out[0][i]) * double(out[1][i]);
  CHECK(std::abs(both) / double(out[0].size()) < 0.1 * power(out[0]));
}

TEST_CASE("tone: pink noise falls by 3 dB per octave, which leaves every octave the same power", "[tone]") {
  Rig tone("tone: {wave: pink, level: 0 dB}", 1);
  const Signal out = tone.run(Signal(1, std::vector<float>(48000 * 4)));
  double lowest = 1e9, highest = -1e9;
  for (const double f : {500.0, 1000.0, 2000.0, 4000.0, 8000.0}) {
    const double db = band(out[0], f, 2 * f, 48000);
    lowest = std::min(lowest, db), highest = std::max(highest, db);
  }
  CHECK(highest - lowest < 1.6);  // 160 lines of noise: 0.35 dB of chance each way
}
