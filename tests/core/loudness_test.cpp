// tests/core/loudness_test.cpp — K-weighting, gates and windows against the standards' own words.

#include "core/dsp/loudness.hpp"
#include "tests/rig.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>
#include <random>

using namespace lacquer;

namespace {
constexpr double pi = std::numbers::pi;

double db_of(const Section& s, double freq, double rate) {
  const std::complex<double> z = std::polar(1.0, -2 * pi * freq / rate);
  return 20 * std::log10(std::abs((s.b0 + z * (s.b1 + z * s.b2)) / (1.0 + z * (s.a1 + z * s.a2))));
}
double db_of(const KWeighting& k, double freq, double rate) {
  return db_of(k.shelf, freq, rate) + db_of(k.high_pass, freq, rate);
}
LoudnessMeter meter(const Signal& in, double rate = 48000, bool dual_mono = false) {
  LoudnessMeter m;
  m.prepare({.rate = rate, .channels = int(in.size()), .dual_mono = dual_mono});
  std::vector<const float*> p;
  for (const auto& c : in) p.push_back(c.data());
  m.add(p.data(), 0, int(in[0].size()));
  m.finish();
  return m;
}
}  // namespace

TEST_CASE("K-weighting is the standard's at every rate") {
  const KWeighting at_48k = k_weighting(48000);
  CHECK(db_of(at_48k, 997, 48000) == Approx(0.691).margin(0.0005));
  const double rate =
      GENERATE(8000., 11025., 16000., 22050., 24000., 32000., 44100., 88200., 96000., 176400., 192000., 384000.);
  const KWeighting k = k_weighting(rate);
  double worst = 0;
  for (double f = 20; f < std::min(20000.0, 0.45 * rate); f *= 1.01)
    worst = std::max(worst, std::abs(db_of(k, f, rate) - db_of(at_48k, f, 48000)));
  INFO(rate << " Hz: " << worst << " dB");
  CHECK(worst < (rate < 16000 ? 0.01 : 0.001));
  CHECK(k_weighting_db(k, 1234, rate) == Approx(db_of(k, 1234, rate)).margin(1e-9));
}

TEST_CASE("a full-scale 997 Hz sine in one channel of a stereo programme is -3.01 LUFS") {
  Signal s = sine(0, 997, 5);
  std::fill(s[1].begin(), s[1].end(), 0.0f);
  const LoudnessMeter m = meter(s);
  CHECK(m.integrated() == Approx(-3.01).margin(0.003));
  CHECK(m.momentary() == Approx(-3.01).margin(0.003));
  CHECK(m.short_term_max().loudness == Approx(-3.01).margin(0.003));
  CHECK(meter({s[0]}).integrated() == Approx(-3.01).margin(0.003));
  CHECK(meter({s[0]}, 48000, true).integrated() == Approx(0).margin(0.003));
}

TEST_CASE("momentary maximum is found at any frame") {
  // 400 ms of tone between silences, starting where no grid of 100 ms or 1 ms lies
  Signal quiet = steady(-200, 1.23457), tone = sine(-23, 1000, 0.4);
  const LoudnessMeter m = meter(quiet + tone + steady(-200, 2));
  CHECK(m.momentary_max().loudness == Approx(-23.0).margin(0.02));
  CHECK(double(m.momentary_max().from) == Approx(1.23457 * 48000).margin(48));
}

TEST_CASE("windows are the sums of the frames they cover") {
  // against a direct sum over every window of a K-weighted noise, computed frame by frame
  const double rate = 8000;
  Signal s = noise(-10, 1.0);  // 48000 frames: 6 s
  for (std::size_t i = 0; i < s[0].size(); ++i)
    for (auto& c : s) c[i] *= float(0.6 + 0.4 * std::sin(double(i) * 0.0007));
  const KWeighting k = k_weighting(rate);
  std::vector<double> total{0};
  double z[2][4] = {};
  for (std::size_t i = 0; i < s[0].size(); ++i) {
    double e = 0;
    for (int c = 0; c < 2; ++c) {
      const double x = double(s[std::size_t(c)][i]), u = k.shelf.b0 * x + z[c][0];
      z[c][0] = k.shelf.b1 * x - k.shelf.a1 * u + z[c][1];
      z[c][1] = k.shelf.b2 * x - k.shelf.a2 * u;
      const double y = k.high_pass.b0 * u + z[c][2];
      z[c][2] = k.high_pass.b1 * u - k.high_pass.a1 * y + z[c][3];
      z[c][3] = k.high_pass.b2 * u - k.high_pass.a2 * y;
      e += y * y;
    }
    total.push_back(total.back() + e);
  }
  const auto most = [&](std::size_t length) {
    double m = 0;
    for (std::size_t i = length; i < total.size(); ++i) m = std::max(m, total[i] - total[i - length]);
    return lufs(m / double(length));
  };
  const LoudnessMeter m = meter(s, rate);
  CHECK(m.momentary_max().loudness == Approx(most(3200)).margin(1e-6));
  CHECK(m.short_term_max().loudness == Approx(most(24000)).margin(1e-6));
  double sum = 0;
  int n = 0;
  for (std::size_t i = 3200; i < total.size(); i += 800, ++n) sum += total[i] - total[i - 3200];
  CHECK(m.integrated() == Approx(lufs(sum / n / 3200)).margin(1e-6));  // nothing is 10 LU below
}

TEST_CASE("loudness does not depend on how the programme is cut") {
  const Signal s = noise(-12, 5.0);
  const LoudnessMeter whole = meter(s);
  for (int block : {1, 7, 64, 1000}) {
    LoudnessMeter m;
    m.prepare({.rate = 48000, .channels = 2});
    const float* p[] = {s[0].data(), s[1].data()};
    for (int at = 0; at < int(s[0].size()); at += block) m.add(p, at, std::min(at + block, int(s[0].size())));
    m.finish();
    CHECK(m.integrated() == whole.integrated());
    CHECK(m.momentary_max().loudness == whole.momentary_max().loudness);
    CHECK(m.short_term_max().from == whole.short_term_max().from);
    CHECK(m.range().width() == whole.range().width());
  }
}

TEST_CASE("too short, silent and absurdly loud programmes have defined answers") {
  CHECK(std::isnan(meter(sine(-20, 1000, 0.3)).integrated()));
  CHECK(std::isnan(meter(sine(-20, 1000, 0.3)).momentary_max().loudness));
  CHECK(std::isnan(meter(sine(-20, 1000, 1.0)).range().width()));
  CHECK(std::isnan(meter(sine(-20, 1000, 2.0)).range().width()));  // the silence behind it alone fills no window
  CHECK(meter(sine(-20, 1000, 3.0)).range().width() >= 0);
  const LoudnessMeter silent = meter(Signal(2, std::vector<float>(240000)));
  CHECK(silent.integrated() == -INFINITY);
  CHECK(silent.momentary_max().loudness == -INFINITY);
  CHECK(std::isnan(silent.range().width()));
  CHECK(meter(sine(40, 1000, 4)).integrated() == Approx(40).margin(0.02));
  CHECK(meter(noise(-790, 4)).integrated() == -INFINITY);
}

TEST_CASE("two histograms added are the histogram of both") {
  LoudnessHistogram a, b, both, read;
  for (auto* h : {&a, &b, &both, &read}) h->prepare();
  for (int i = 0; i < 1000; ++i) {
    const double p = std::pow(10, -(double(i * 37 % 1000) / 200)), q = p / 7;
    a.add(p), both.add(p), b.add(q), both.add(q);
  }
  for (const auto& bin : a.bins()) read.add(bin.level, bin.count, bin.sum);
  a.add(b);
  read.add(b);
  CHECK(a.integrated().loudness == Approx(both.integrated().loudness).margin(1e-12));
  CHECK(read.integrated().loudness == Approx(both.integrated().loudness).margin(1e-12));
  CHECK(a.range().low == Approx(both.range().low).margin(1e-12));
  // against the definition: mean of all, then of what is above 10 LU below
  std::vector<double> all;
  for (int i = 0; i < 1000; ++i)
    for (double d : {1.0, 7.0}) all.push_back(std::pow(10, -(double(i * 37 % 1000) / 200)) / d);
  const auto mean_above = [&](double gate) {
    double sum = 0, n = 0;
    for (double p : all)
      if (p > gate) sum += p, ++n;
    return sum / n;
  };
  CHECK(both.integrated().loudness == Approx(lufs(mean_above(mean_above(0) / 10))).margin(0.005));
}

TEST_CASE("loudness histogram: ten hours in constant memory, as exact as a list of all blocks") {
  LoudnessHistogram h;
  h.prepare();
  std::mt19937 random(11);
  std::vector<double> blocks;
  for (int i = 0; i < 360000; ++i) {  // a block every 100 ms; levels from -75 to -5 LUFS, wandering
    const double t = i / 360000.0, level = -40 + 25 * std::sin(37 * t) + 10 * (double(random()) / 4294967296.0 - 0.5);
    blocks.push_back(std::pow(10, (level + 0.691) / 10));
    h.add(blocks.back());
  }
  const auto mean_above = [&](double gate) {
    double sum = 0, n = 0;
    for (double p : blocks)
      if (p > gate) sum += p, n += 1;
    return sum / n;
  };
  const double floor = std::pow(10, (-70 + 0.691) / 10), gate = mean_above(floor) / 10;
  CHECK(h.integrated().loudness == Approx(lufs(mean_above(std::max(floor, gate)))).margin(0.005));
  std::sort(blocks.begin(), blocks.end());
  const double low_gate = std::max(floor, mean_above(floor) / 100);
  blocks.erase(blocks.begin(), std::upper_bound(blocks.begin(), blocks.end(), low_gate));
  const auto at = [&](double percent) {
    return lufs(blocks[std::size_t(std::lround(double(blocks.size() - 1) * percent / 100))]);
  };
  CHECK(h.range().low == Approx(at(10)).margin(0.005));
  CHECK(h.range().high == Approx(at(95)).margin(0.005));
}

TEST_CASE("step series: an hour of points, then every other") {
  StepSeries high, low;
  high.prepare(StepSeries::Keep::highest);
  low.prepare(StepSeries::Keep::lowest);
  for (int i = 0; i < 36000; ++i) high.add(float(i)), low.add(float(i));
  CHECK(high.points().size() == 36000);
  CHECK(high.steps_per_point() == 1);
  for (int i = 36000; i < 36003; ++i) high.add(float(i)), low.add(float(i));
  REQUIRE(high.points().size() == 18002);
  CHECK(high.steps_per_point() == 2);
  CHECK((high.points()[0] == 1 && high.points()[17999] == 35999 && high.points()[18000] == 36001));
  CHECK((low.points()[0] == 0 && low.points()[17999] == 35998 && low.points()[18001] == 36002));
}
