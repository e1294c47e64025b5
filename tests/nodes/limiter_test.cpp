// tests/nodes/limiter_test.cpp — peaks by an independent meter, times and levels as a listener would check them.

#include "core/math.hpp"
#include "tests/nodes/sinc_meter.hpp"
#include "tests/rig.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace lacquer;

namespace {
const double pi = std::numbers::pi;

std::vector<float> tone(double amplitude, double cycles_per_sample, double phase, int frames) {
  std::vector<float> x(std::size_t(frames), 0.0f);
  for (int i = 0; i < frames; ++i)
    x[std::size_t(i)] = float(amplitude * std::sin(2 * pi * cycles_per_sample * i + phase));
  return x;
}
std::vector<float> square(double amplitude, int half_period, int frames) {
  std::vector<float> x(std::size_t(frames), 0.0f);
  for (int i = 0; i < frames; ++i) x[std::size_t(i)] = float(i / half_period % 2 ? amplitude : -amplitude);
  return x;
}
std::vector<float> sum(std::vector<float> x, const std::vector<float>& y) {
  for (std::size_t i = 0; i < x.size(); ++i) x[i] += y[i];
  return x;
}
/// Programme as it comes from a loud mix: noise with less and less treble, swelling, clipped.
std::vector<float> clipped_programme(double db, int frames, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> x(std::size_t(frames), 0.0f);
  double low = 0, mid = 0;
  for (int i = 0; i < frames; ++i) {
    const double white = double(random()) / 2147483648.0 - 1;
    low += 0.02 * (white - low);
    mid += 0.3 * (white - mid);
    const double swell = 0.6 + 0.4 * std::sin(2 * pi * i / 6000.0);
    x[std::size_t(i)] = float(std::clamp(swell * (4 * low + 0.9 * mid + 0.1 * white), -0.9, 0.9) * db_to_gain(db));
  }
  return x;
}
Signal delayed(const Signal& in, int by) {
  Signal out = in;
  for (auto& c : out) {
    c.insert(c.begin(), std::size_t(by), 0.0f);
    c.resize(in[0].size());
  }
  return out;
}
const SincMeter true_peak;
}  // namespace

TEST_CASE("limiter: what stays below the ceiling passes bit for bit, as late as it says", "[limiter]") {
  Rig limiter("limiter: -1 dBTP");
  const Signal in = noise(-9, 0.5);
  CHECK(same_bits(limiter.run(in), delayed(in, limiter.latency())));
  CHECK(limiter.result("reduction") == 0);
  CHECK(limiter.result("deepest") == 0);
}

TEST_CASE("limiter: a single loud sample comes down to the ceiling", "[limiter]") {
  Rig limiter("limiter: -6 dBTP", 1);
  Signal in(1, std::vector<float>(48000, 0.0f));
  in[0][20000] = 4;
  const Signal out = limiter.run(in);
  CHECK(gain_to_db(double(out[0][std::size_t(20000 + limiter.latency())])) == Approx(-6).margin(0.02));
  CHECK(limiter.result("deepest") == Approx(18.04).margin(0.05));
}

TEST_CASE("limiter: unlinked, a channel is turned down by its own peaks alone", "[limiter]") {
  Signal in = noise(-9, 0.5);
  for (std::size_t i = 5000; i < 20000; ++i) in[0][i] *= 6;
  Rig limiter("limiter: {link: 0 %, link_release: 0 %}");
  const Signal out = limiter.run(in), quiet = delayed(in, limiter.latency());
  CHECK(out[1] == quiet[1]);
  CHECK(level({out[0]}, 0.5) <= -1);
  Rig linked("limiter: -1 dBTP");
  CHECK(linked.run(in)[1] != quiet[1]);
}

TEST_CASE("limiter: sixteen channels are limited as one", "[limiter]") {
  Signal in = noise(-9, 0.2, 16);
  for (float& x : in[13]) x *= 4;
  Rig limiter("limiter: -1 dBTP", 16);
  const Signal out = limiter.run(in), before = delayed(in, limiter.latency());
  CHECK(level({out[13]}, 0.2) <= -1);
  const double gain = double(out[13][8000]) / double(before[13][8000]);
  CHECK(gain < 0.5);
  for (std::size_t c = 0; c < 16; ++c) CHECK(out[c][8000] == Approx(gain * double(before[c][8000])).epsilon(1e-5));
}

TEST_CASE("limiter: the band limit is flat to 20 kHz at 44.1 kHz and late by what it says", "[limiter]") {
  for (double freq : {50.0, 1000.0, 15000.0, 20000.0}) {
    Rig limiter("limiter: {ceiling: -1 dBTP, band_limit: on}", 1, 44100);
    const Signal in = sine(-6, freq, 0.2, 1, 44100), out = limiter.run(in), before = delayed(in, limiter.latency());
    INFO(freq << " Hz");
    double difference = 0;
    for (std::size_t i = 2000; i < out[0].size(); ++i)
      difference = std::max(difference, std::abs(double(out[0][i]) - double(before[0][i])));
    CHECK(difference < 5e-4);
  }
  Rig limiter("limiter: {ceiling: -1 dBTP, band_limit: on}", 1, 44100);
  CHECK(level(limiter.run(sine(-6, 21800, 0.2, 1, 44100)), 0.1, 44100) < -90);
}

TEST_CASE("limiter: no true peak comes out above the ceiling", "[limiter]") {
  const double ceiling = -1;
  const double drive = GENERATE(3.0, 6.0, 9.0);
  const double top = db_to_gain(ceiling + drive);
  struct Case {
    const char* name;
    std::vector<float> x;
  };
  const int n = 7200;
  std::vector<float> bursts(n, 0.0f), impulses(n, 0.0f);
  for (int i = 0; i < n; ++i)
    if (i / 1200 % 2) bursts[std::size_t(i)] = float(top * std::sin(0.3 * i));
  for (int i = 100; i < n; i += 977) impulses[std::size_t(i)] = float(db_to_gain(12) * (i % 2 ? 1 : -1));
  const Case cases[] = {
      {"fs/4 at 45 degrees", tone(top * std::numbers::sqrt2, 0.25, pi / 4, n)},
      {"19 and 20 kHz", sum(tone(top / 2, 19.0 / 48, 0, n), tone(top / 2, 20.0 / 48, 0.3, n))},
      {"1 kHz", tone(top, 1.0 / 48, 0, n)},
      {"square of 500 Hz", square(top, 48, n)},
      {"square of 3 kHz", square(top, 8, n)},
      {"impulses", impulses},
      {"bursts", bursts},
  };
  for (const Case& c : cases) {
    Rig limiter("limiter: -1 dBTP", 1);
    INFO(c.name << " at +" << drive << " dB");
    const Signal end(1, std::vector<float>(600, 0.0f));  // so that the whole of it comes out
    CHECK(true_peak(limiter.run(Signal(1, c.x) + end)) <= ceiling + 0.03);
  }
}

TEST_CASE("limiter: with energy up to the Nyquist frequency, the band limit keeps every meter's word", "[limiter]") {
  const double drive = GENERATE(3.0, 9.0);
  Rig limiter("limiter: {ceiling: -1 dBTP, band_limit: on}", 1);
  const Signal end(1, std::vector<float>(1000, 0.0f));
  CHECK(true_peak(limiter.run(Signal(1, clipped_programme(-1 + drive, 9600, 5)) + end)) <= -0.97);
}
