// tests/nodes/limiter_test.cpp — peaks by an independent meter, times and levels as a listener would check them.

#include "core/math.hpp"
#include "tests/nodes/sinc_meter.hpp"
#include "tests/rig.hpp"

#include <catch2/catch.hpp>

#include <sndfile.h>

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
/// Everything but the tone, against the tone, dB; x holds whole cycles.
double thd_n(const std::vector<float>& x, double cycles_per_sample) {
  const double w = 2 * pi * cycles_per_sample, n = double(x.size());
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
/// Power at one frequency.
double power_at(const std::vector<float>& x, double cycles_per_sample) {
  double s = 0, c = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    s += double(x[i]) * std::sin(2 * pi * cycles_per_sample * double(i));
    c += double(x[i]) * std::cos(2 * pi * cycles_per_sample * double(i));
  }
  return s * s + c * c;
}
/// The highest value that a meter with this kernel, h(t) for t in samples, finds on a grid of quarters.
template <class Kernel>
double short_meter(const std::vector<float>& x, Kernel h) {
  double highest = 0;
  for (std::size_t i = 6; i + 7 < x.size(); ++i)
    for (int phase = 0; phase < 4; ++phase) {
      double y = 0;
      for (int k = -5; k <= 6; ++k) y += h(phase, k) * double(x[std::size_t(int(i) + k)]);
      highest = std::max(highest, std::abs(y));
    }
  return 20 * std::log10(highest);
}
/// ITU-R BS.1770-5, annex 2, as printed there: the four phases of the 48-tap filter.
double itu_meter(const std::vector<float>& x) {
  static const double a[12] = {0.0017089843750,  0.0109863281250,  -0.0196533203125, 0.0332031250000,
                               -0.0594482421875, 0.1373291015625,  0.9721679687500,  -0.1022949218750,
                               0.0476074218750,  -0.0266113281250, 0.0148925781250,  -0.0083007812500};
  static const double b[12] = {-0.0291748046875, 0.0292968750000,  -0.0517578125000, 0.0891113281250,
                               -0.1665039062500, 0.4650878906250,  0.7797851562500,  -0.2003173828125,
                               0.1015625000000,  -0.0582275390625, 0.0330810546875,  -0.0189208984375};
  return short_meter(x, [](int phase, int k) {
    const int up = k + 5, down = 11 - up;
    return phase == 0 ? a[up] : phase == 1 ? b[up] : phase == 2 ? b[down] : a[down];
  });
}
/// libebur128: 49 points of a sinc in quarters of a sample, under a Hann window.
double hann_meter(const std::vector<float>& x) {
  return short_meter(x, [](int phase, int k) {
    const double t = phase / 4.0 - k;
    if (std::abs(t) >= 6) return 0.0;
    return (t == 0 ? 1 : std::sin(pi * t) / (pi * t)) * 0.5 * (1 + std::cos(pi * t / 6));
  });
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
  CHECK(gain_to_db(double(out[0][std::size_t(20000 + limiter.latency())])) == Approx(-6).margin(0.035));
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
    const Signal out = limiter.run(Signal(1, c.x) + end);
    CHECK(true_peak(out) <= ceiling + 0.01);
    CHECK(level(out, 1) <= ceiling);
    CHECK(itu_meter(out[0]) <= ceiling + 0.001);
    CHECK(hann_meter(out[0]) <= ceiling + 0.001);
  }
}

TEST_CASE("limiter: with energy up to the Nyquist frequency, the band limit keeps every meter's word", "[limiter]") {
  const double drive = GENERATE(3.0, 9.0);
  Rig limiter("limiter: {ceiling: -1 dBTP, band_limit: on}", 1);
  const Signal end(1, std::vector<float>(1000, 0.0f));
  CHECK(true_peak(limiter.run(Signal(1, clipped_programme(-1 + drive, 9600, 5)) + end)) <= -0.97);
}

TEST_CASE("limiter: it says when meters will disagree", "[limiter]") {
  Rig square_wave("limiter: -1 dBTP", 1), music("limiter: -1 dBTP", 1);
  square_wave.run(Signal(1, square(1.5, 5, 9600)));
  music.run(Signal(1, sum(tone(1, 0.02, 0, 9600), tone(0.5, 0.3, 0, 9600))));
  CHECK(square_wave.result("disputed") > 0.3);
  CHECK(music.result("disputed") < 0.1);
}

TEST_CASE("limiter: at any rate the ceiling holds", "[limiter]") {
  const double rate = GENERATE(8000.0, 44100.0, 96000.0, 192000.0);
  Rig limiter("limiter: -1 dBTP", 1, rate);
  const Signal end(1, std::vector<float>(4000, 0.0f));
  const Signal in(1, sum(tone(1.5, 997 / rate, 0, 6000), tone(1.5, 0.4, 0.3, 6000)));
  CHECK(true_peak(limiter.run(in + end)) <= -0.97);
}

TEST_CASE("limiter: a tone driven 6 dB into it is turned down, not bent", "[limiter]") {
  const auto [freq, most] = GENERATE(std::pair(1000.0, -140.0), std::pair(60.0, -140.0), std::pair(200.0, -85.0));
  INFO(freq << " Hz");
  Rig limiter("limiter: -1 dBTP", 1);
  const Signal out = limiter.run(sine(5, freq, 3, 1));
  CHECK(thd_n({out[0].end() - 48000, out[0].end()}, freq / 48000) < most);
}

TEST_CASE("limiter: a bass note does not shake what plays above it", "[limiter]") {
  Rig limiter("limiter: -1 dBTP", 1);
  const double top = db_to_gain(5);
  const Signal out =
      limiter.run(Signal(1, sum(tone(0.8 * top, 60.0 / 48000, 0, 144000), tone(0.2 * top, 7.0 / 48, 0, 144000))));
  const std::vector<float> x(out[0].end() - 48000, out[0].end());
  double beside = 0;
  for (int k = 1; k <= 4; ++k)
    beside += power_at(x, (7000.0 + 60 * k) / 48000) + power_at(x, (7000.0 - 60 * k) / 48000);
  CHECK(10 * std::log10(beside / power_at(x, 7.0 / 48)) < -55);
}

TEST_CASE("limiter: a click of 12 dB is over soon", "[limiter]") {
  Rig limiter("limiter: -1 dBTP", 1);
  Signal in = steady(-26, 2, 1);
  for (std::size_t i = 0; i < 48; ++i) in[0][20000 + i] += float(db_to_gain(11) * std::sin(2 * pi * double(i) / 48));
  const Signal out = limiter.run(in), before = delayed(in, limiter.latency());
  double ducked = 0;  // dB times ms
  for (std::size_t i = 10000; i < out[0].size(); ++i)
    if (before[0][i] != 0) ducked -= 20 * std::log10(double(out[0][i]) / double(before[0][i])) / 48;
  CHECK(ducked < 130);
  CHECK(out[0].back() == Approx(before[0].back()).epsilon(1e-3));
}

TEST_CASE("limiter: from transparent to wall the characters get louder", "[limiter]") {
  const Signal in(1, clipped_programme(6, 96000, 9));
  double last = 0;
  for (const char* character : {"transparent", "punchy", "aggressive", "wall"}) {
    Rig limiter(std::string("limiter: {ceiling: -1 dBTP, character: ") + character + "}", 1);
    const Signal out = limiter.run(in);
    double power = 0;
    for (float x : out[0]) power += double(x) * double(x);
    INFO(character);
    CHECK(power > last * 1.01);
    last = power;
  }
}

TEST_CASE("limiter: a moving ceiling is kept, too", "[limiter]") {
  Rig limiter("limiter: -1 dBTP", 1);
  const Signal in(1, tone(2, 997.0 / 48000, 0, 24000));
  CHECK(level(limiter.run(in), 1) <= -1);
  limiter.set("ceiling", "-7 dBTP");
  CHECK(level(limiter.run(in), 1) <= -1);
  const Signal out = limiter.run(in);
  CHECK(level(out, 0.2) <= -7);
  CHECK(level(out, 0.2) > -7.1);
}

TEST_CASE("limiter: the ceiling holds on real music", "[limiter][slow]") {
  const char* file = GENERATE("/usr/share/games/asc/music/machine_wars.mp3", "/usr/share/games/asc/music/frontiers.mp3",
                              "/usr/share/hyperrogue/music/hr3-hell.ogg", "/usr/share/hyperrogue/music/hr3-rlyeh.ogg");
  SF_INFO info{};
  SNDFILE* sound = sf_open(file, SFM_READ, &info);
  if (!sound) {
    WARN(file << " is not installed");
    return;
  }
  std::vector<float> frames(std::size_t(info.channels) * std::size_t(info.samplerate));
  for (int second = 0; second < 20; ++second) sf_readf_float(sound, frames.data(), info.samplerate);
  const auto read = std::size_t(sf_readf_float(sound, frames.data(), info.samplerate));
  sf_close(sound);
  REQUIRE(read > 0);
  Signal music(std::size_t(info.channels), std::vector<float>(read + 1000, 0.0f));
  for (std::size_t i = 0; i < read; ++i)
    for (std::size_t c = 0; c < music.size(); ++c) music[c][i] = frames[i * music.size() + c];
  const double peak = true_peak(music);
  for (double drive : {3.0, 6.0, 9.0}) {
    Signal loud = music;
    for (auto& c : loud)
      for (float& x : c) x *= float(db_to_gain(-1 + drive - peak));
    Rig limiter("limiter: -1 dBTP", info.channels, info.samplerate);
    const Signal out = limiter.run(loud);
    INFO(file << " at +" << drive << " dB");
    CHECK(true_peak(out) <= -0.99);
    for (const auto& c : out) {
      CHECK(itu_meter(c) <= -0.999);
      CHECK(hann_meter(c) <= -0.999);
    }
  }
}
