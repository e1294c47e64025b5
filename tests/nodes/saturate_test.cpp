#include "core/math.hpp"
#include "tests/rig.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <complex>
#include <numbers>

using namespace lacquer;

namespace {
constexpr int cycle = 441;  // at 44.1 kHz a multiple of every multiple of 100 Hz

/// Amplitude of every multiple of 100 Hz in the last 10 ms of a steady signal at 44.1 kHz.
std::vector<double> lines(const std::vector<float>& x) {
  std::vector<double> out;
  for (int k = 0; k <= cycle / 2; ++k) {
    std::complex<double> sum = 0;
    for (int i = 0; i < cycle; ++i)
      sum += double(x[x.size() - cycle + std::size_t(i)]) *
             std::polar(1.0, -2 * std::numbers::pi * double(k * i % cycle) / cycle);
    out.push_back(std::abs(sum) / cycle * (k ? 2 : 1));
  }
  return out;
}
double dB_of(double x) { return 20 * std::log10(std::max(x, 1e-12)); }

/// Energy in all lines that are no harmonic of `freq`, against the line at `freq`.
double alias(const std::string& step, int freq) {
  Rig rig(step, 1, 44100);
  const auto all = lines(rig.run(sine(0, freq, 0.1, 1, 44100))[0]);
  double stray = 0;
  for (std::size_t k = 1; k < all.size(); ++k)
    if (int(k) * 100 % freq) stray += all[k] * all[k];
  return dB_of(std::sqrt(stray) / all[std::size_t(freq / 100)]);
}
}  // namespace

TEST_CASE("saturate: aliases lie where eight times the rate can put them") {
  // tanh at +12 dB, full-scale tones: the 8x limit itself is -79 dB at 15 kHz
  CHECK(alias("saturate: 12 dB", 5000) < -120);
  CHECK(alias("saturate: 12 dB", 10000) < -100);
  CHECK(alias("saturate: 12 dB", 15000) < -75);
  CHECK(alias("saturate: {drive: 12 dB, oversampling: 16}", 15000) < -105);
  CHECK(alias("saturate: {drive: 12 dB, oversampling: 1}", 5000) > -30);  // the measurement sees aliases
}

TEST_CASE("saturate: the mean over the way from sample to sample leaves less to fold back") {
  // by calculation: -63 and -111 dB at 15 kHz, -87 dB at 10 kHz
  CHECK(alias("saturate: {drive: 12 dB, oversampling: 4, antialias: on}", 15000) < -60);
  CHECK(alias("saturate: {drive: 12 dB, oversampling: 4, antialias: on}", 10000) < -84);
  CHECK(alias("saturate: {drive: 12 dB, antialias: on}", 15000) < -105);
  CHECK(alias("saturate: {drive: 12 dB, antialias: on, oversampling: 1}", 5000) <
        alias("saturate: {drive: 12 dB, oversampling: 1}", 5000) - 8);
  // and the curve is the same one, in time as in height
  for (const char* kind : {"tanh", "soft", "tape"}) {
    const std::string rest = std::string("drive: 12 dB, kind: ") + kind + "}";
    Rig with("saturate: {antialias: on, " + rest, 1), without("saturate: {" + rest, 1);
    REQUIRE(with.latency() == without.latency());
    const Signal tone = sine(-3, 300, 0.2, 1), a = with.run(tone), b = without.run(tone);
    for (std::size_t i = 1000; i < a[0].size(); ++i) REQUIRE(std::abs(a[0][i] - b[0][i]) < 2e-4f);
  }
}

namespace {
/// Magnetisation for a field, by Euler's rule in small steps: dz = du - |du| z.
std::vector<double> magnetised(const std::vector<float>& field, double k) {
  std::vector<double> out;
  double z = 0, before = 0;
  for (float x : field) {
    const double to = k * double(x);
    constexpr int steps = 400;
    for (int i = 0; i < steps; ++i) z += (to - before) / steps - std::abs(to - before) / steps * z;
    z = to + (z - to) * std::exp(-1 / (0.010 * 48000));
    before = to;
    out.push_back(z / k);
  }
  return out;
}
}  // namespace

TEST_CASE("saturate: tape lags behind, by Rayleigh's law") {
  const double k = std::sqrt(std::pow(10, 1.2) - 1);
  Rig tape("saturate: {drive: 12 dB, kind: tape, oversampling: 1}", 1);
  const Signal in = sine(-6, 1000, 0.1, 1);
  const auto out = tape.run(in)[0];
  const auto z = magnetised(in[0], k);
  for (std::size_t i = 0; i < 100; ++i) {  // two periods, before the 3 Hz high-pass has moved
    const double x = double(in[0][i]);
    REQUIRE(double(out[i]) == Approx(0.6 * std::tanh(k * x) / k + 0.4 * z[i]).margin(2e-3));
  }
  // the loop is as wide as the square of the signal: half of it where the signal crosses nought
  const auto width = [&](float level) {
    Rig rig("saturate: {drive: 12 dB, kind: tape, oversampling: 1}", 1);
    const auto y = rig.run(sine(level, 100, 0.5, 1))[0];
    return std::abs(double(y[480 * 40]));
  };
  CHECK(width(-40) / width(-46.0206f) == Approx(4).epsilon(0.05));
  // whatever the frequency, but for what fades within 10 ms
  const auto third = [](double freq) {
    return tone_level(Rig("saturate: {drive: 12 dB, kind: tape}", 1).run(sine(-6, freq, 0.5, 1))[0], 3 * freq);
  };
  CHECK(third(100) == Approx(third(1000)).margin(0.3));
  // small signals are left alone, and nothing stays behind
  CHECK(tone_level(Rig("saturate: {drive: 12 dB, kind: tape}", 1).run(sine(-80, 1000, 0.5, 1))[0], 1000) ==
        Approx(-80).margin(0.01));
  CHECK(std::abs(lines(Rig("saturate: {drive: 12 dB, kind: tape}", 1, 44100).run(sine(0, 1000, 3, 1, 44100))[0])[0]) <
        1e-5);
}

TEST_CASE("saturate: the replay head lifts the bass, as far as it is told") {
  const auto at = [](const std::string& more, double freq) {
    Rig rig("saturate: {drive: 0 dB, kind: tape, " + more + "}", 1);
    return tone_level(rig.run(sine(-20, float(freq), 2, 1))[0], freq) + 20;
  };
  CHECK(at("head_bump: 3 dB", 50) == Approx(3).margin(0.15));
  CHECK(at("head_bump: 3 dB, speed: 30", 100) == Approx(3).margin(0.15));
  CHECK(at("head_bump: 3 dB", 130) < 0.1);
  CHECK(at("head_bump: 3 dB", 2000) == Approx(0).margin(0.01));
}

TEST_CASE("saturate: the curve is tanh, whatever the oversampling") {
  const double k = std::sqrt(std::pow(10, 1.2) - 1);
  for (const char* times : {"1", "2", "4", "8", "16"}) {
    INFO(times);
    Rig rig(std::string("saturate: {drive: 12 dB, oversampling: ") + times + "}", 1, 44100);
    for (double x : {0.01, 0.1, 0.5, 1.0, -1.0, 4.0, 15.8}) {
      rig.reset();
      const Signal out = rig.run({std::vector<float>(600, float(x))});
      CHECK(double(out[0].back()) == Approx(std::tanh(k * x) / k).margin(1e-6 + 2e-7 * std::abs(x)));
    }
  }
  // the harmonics of a slow sine, by Fourier's integral of the curve
  for (const char* times : {"1", "8"}) {
    Rig rig(std::string("saturate: {drive: 12 dB, oversampling: ") + times + "}", 1, 44100);
    const auto all = lines(rig.run(sine(0, 100, 0.1, 1, 44100))[0]);
    for (std::size_t h : {1, 3, 5, 7}) {
      double b = 0;
      for (int i = 0; i < 4096; ++i) {
        const double t = 2 * std::numbers::pi * i / 4096;
        b += std::tanh(k * std::sin(t)) / k * std::sin(double(h) * t) / 2048;
      }
      CHECK(all[h] == Approx(std::abs(b)).epsilon(2e-5));
    }
  }
}

TEST_CASE("saturate: soft and biased curves are what they say") {
  const double g = std::pow(10, 0.6), k = std::sqrt(g * g - 1);
  for (double x : {0.2, -0.2, 1.0, -1.0}) {
    Rig soft("saturate: {drive: 12 dB, kind: soft}", 1);
    CHECK(double(soft.run({std::vector<float>(600, float(x))})[0].back()) ==
          Approx(x / std::sqrt(1 + k * k * x * x)).epsilon(1e-6));
    // one sample after silence, before the 3 Hz high-pass has moved: the biased tanh itself
    Rig tube("saturate: {drive: 12 dB, kind: tube, oversampling: 1}", 1);
    const double t = 0.4 * k / g, b = std::atanh(t);
    CHECK(double(tube.run({{float(x)}})[0][0]) == Approx((std::tanh(k * x + b) - t) / (k * (1 - t * t))).margin(5e-4));
  }
}

TEST_CASE("saturate: tube makes even harmonics and no offset") {
  Rig tube("saturate: {drive: 9 dB, kind: tube}", 1, 44100);
  const auto out = tube.run(sine(-6, 1000, 3, 1, 44100))[0];
  const auto all = lines(out);
  CHECK(all[0] < 1e-5);
  CHECK(dB_of(all[20] / all[10]) > -35);
  Rig even("saturate: {drive: 9 dB}", 1, 44100);
  CHECK(dB_of(lines(even.run(sine(-6, 1000, 0.2, 1, 44100))[0])[20]) < -130);
  Rig biased("saturate: {drive: 9 dB, bias: 40 %}", 1, 44100);  // the same working point by hand
  CHECK(same_bits(biased.run(sine(-6, 1000, 3, 1, 44100)), {out}));
}

TEST_CASE("saturate: 0 dB passes bit for bit, late by the latency") {
  for (const char* times : {"1", "2", "4", "8", "16"}) {
    for (const char* kind : {"tanh", "soft", "tube", "tape"}) {
      Rig rig(std::string("saturate: {antialias: on, drive: 0 dB, bias: 30 %, kind: ") + kind +
              ", oversampling: " + times + "}");
      const Signal in = noise(0, 0.1);
      Signal out = rig.run(in);
      const auto late = std::size_t(rig.latency());
      for (std::size_t c = 0; c < 2; ++c) {
        out[c].erase(out[c].begin(), out[c].begin() + std::ptrdiff_t(late));
        auto same = in[c];
        same.resize(out[c].size());
        CHECK(out[c] == same);
      }
    }
  }
}

TEST_CASE("saturate: small signals keep their level up to 20 kHz") {
  Rig rig("saturate: 24 dB", 1, 44100);
  const Signal in = sine(-80, 20000, 0.1, 1, 44100);
  const auto all = lines(rig.run(in)[0]);
  CHECK(dB_of(all[200]) == Approx(-80).margin(0.001));
  // and what bends is not held back by the filters either: at 20 kHz as at 1 kHz, near enough
  double fundamental[2];
  for (int i : {0, 1}) {
    Rig bent("saturate: 12 dB", 1, 44100);
    fundamental[i] = lines(bent.run(sine(0, i ? 20000 : 1000, 0.1, 1, 44100))[0])[i ? 200 : 10];
  }
  CHECK(dB_of(fundamental[1] / fundamental[0]) == Approx(0).margin(0.05));
}

TEST_CASE("saturate: the change is centred on the delayed signal") {
  // a symmetric pulse stays symmetric around the latency: linear phase, an integer number of frames
  for (const char* times : {"2", "4", "8", "16"}) {
    Rig rig(std::string("saturate: {drive: 12 dB, oversampling: ") + times + "}", 1, 44100);
    Signal in{std::vector<float>(600)};
    for (int i = -8; i <= 8; ++i) in[0][std::size_t(200 + i)] = float(0.5 + 0.5 * std::cos(i * std::numbers::pi / 9));
    const auto out = rig.run(in)[0];
    const int middle = 200 + rig.latency();
    for (int i = 1; i < 150; ++i)
      CHECK(out[std::size_t(middle - i)] == Approx(out[std::size_t(middle + i)]).margin(2e-7));
  }
}

TEST_CASE("saturate: drive on the move leaves no clicks") {
  // sixth differences show what lies far above the tone: no more of it while drive sweeps than at its loudest, at rest
  const auto edge = [](const Signal& s) {
    double worst = 0;
    for (std::size_t i = 300; i + 6 < s[0].size(); ++i) {
      const int binomial[] = {1, -6, 15, -20, 15, -6, 1};
      double d = 0;
      for (std::size_t j = 0; j < 7; ++j) d += binomial[j] * double(s[0][i + j]);
      worst = std::max(worst, std::abs(d) / 64);
    }
    return worst;
  };
  const Signal tone = sine(-6, 1000, 0.1, 1, 44100);
  for (const char* kind : {"tanh", "soft", "tube", "tape"}) {
    Rig rig(std::string("saturate: {drive: 0 dB, kind: ") + kind + "}", 1, 44100);
    Signal out = rig.run(tone);
    rig.set("drive", "12 dB");
    out = out + rig.run(tone);
    rig.set("drive", "0 dB");
    out = out + rig.run(tone);
    Rig rest(std::string("saturate: {drive: 12 dB, kind: ") + kind + "}", 1, 44100);
    INFO(kind << ": " << dB_of(edge(out)) << " dB");
    CHECK(edge(out) < 1.02 * edge(rest.run(tone)));
  }
}

namespace {
// level of a harmonic in the second half of a tone, dB over the tone
double harmonic(Rig& rig, double freq, int number, float db) {
  const std::vector<float> out = rig.run(sine(db, freq, 1, 1))[0];
  return tone_level(out, freq * number) - tone_level(out, freq);
}
}  // namespace

TEST_CASE("saturate: tone decides what bends first, and small signals stay as they are") {
  const auto third = [](const char* tone, double freq) {
    Rig rig(std::string("saturate: {drive: 6 dB, tone: ") + tone + "}", 1);
    return harmonic(rig, freq, 3, -12);
  };
  // 12 dB more into a weak curve: the third harmonic rises by 24 dB, and comes down by the emphasis at three times the
  // frequency; far from 1 kHz the emphasis is flat
  CHECK(third("12 dB", 100) == Approx(third("0 dB", 100)).margin(1.5));
  CHECK(third("-12 dB", 6000) == Approx(third("0 dB", 6000)).margin(1.5));
  CHECK(third("12 dB", 6000) > third("0 dB", 6000) + 12);
  CHECK(third("-12 dB", 100) > third("0 dB", 100) + 12);
  for (const char* tone : {"12 dB", "-12 dB"}) {
    Rig rig(std::string("saturate: {drive: 12 dB, tone: ") + tone + "}", 1);
    const Signal out = rig.run(sine(-80, 1000, 0.5, 1));
    CHECK(level(out) == Approx(-80).margin(0.01));
    Rig none(std::string("saturate: {drive: 0 dB, tone: ") + tone + "}");
    const Signal s = noise(-6, 0.2), same = none.run(s);
    bool alike = true;
    for (std::size_t i = std::size_t(none.latency()); i < s[0].size(); ++i)
      alike = alike && same[0][i] == s[0][i - std::size_t(none.latency())];
    CHECK(alike);
  }
}

TEST_CASE("saturate: a transformer is filled by bass, not by treble") {
  Rig low("saturate: {drive: 6 dB, kind: transformer}", 1), high("saturate: {drive: 6 dB, kind: transformer}", 1),
      soft("saturate: {drive: 6 dB, kind: soft}", 1);
  const double bass = harmonic(low, 40, 3, -12), treble = harmonic(high, 2000, 3, -12),
               plain = harmonic(soft, 2000, 3, -12);
  CHECK(bass > treble + 10);
  CHECK(treble == Approx(plain).margin(1));
}
