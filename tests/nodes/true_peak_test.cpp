// tests/nodes/true_peak_test.cpp — against tones whose crest is known, and against a long sinc on a fine grid.

#include "core/simd/simd.hpp"
#include "tests/rig.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>

using namespace lacquer;

namespace {
constexpr double pi = std::numbers::pi;

// What a nearly ideal converter would reach: 1024 taps, Kaiser, flat to 0.497 of the rate, 32 values per sample.
double ideal_peak(const std::vector<float>& x) {
  constexpr int reach = 512, grid = 32;
  static const std::vector<std::vector<float>> taps = [] {
    std::vector<std::vector<float>> h(grid, std::vector<float>(2 * reach));
    for (int p = 0; p < grid; ++p)
      for (int i = 0; i < 2 * reach; ++i) {
        const double t = i - (reach - 1) - double(p) / grid, r = t / reach;
        double i0 = 1, term = 1;
        const double z = 8 * std::sqrt(std::max(0.0, 1 - r * r)) / 2;
        for (int k = 1; k < 40; ++k) i0 += term *= z / k * (z / k);
        double full = 1;
        term = 1;
        for (int k = 1; k < 40; ++k) full += term *= 4.0 / k * (4.0 / k);
        h[std::size_t(p)][std::size_t(i)] = float((t == 0 ? 1 : std::sin(pi * t) / (pi * t)) * i0 / full);
      }
    return h;
  }();
  std::vector<float> padded(x.size() + 4 * reach);
  std::copy(x.begin(), x.end(), padded.begin() + 2 * reach);
  float highest = *std::max_element(x.begin(), x.end(), [](float a, float b) { return std::abs(a) < std::abs(b); });
  highest = std::abs(highest);
  double best = double(highest);
  for (std::size_t i = reach; i + reach < padded.size(); ++i) {
    // no crest of interest where everything around is low
    const auto near = std::max_element(padded.begin() + std::ptrdiff_t(i - 8), padded.begin() + std::ptrdiff_t(i + 9),
                                       [](float a, float b) { return std::abs(a) < std::abs(b); });
    if (std::abs(*near) < 0.45f * highest) continue;
    double y[grid];
    for (int p = 8; p < grid; p += 8) {
      y[p] = double(simd().meter.dot(taps[std::size_t(p)].data(), padded.data() + i - (reach - 1), 2 * reach));
      y[0] = std::max(p == 8 ? 0.0 : y[0], std::abs(y[p]));
    }
    if (y[0] < 0.85 * best) continue;
    for (int p = 1; p < grid; ++p)
      best = std::max(
          best,
          double(std::abs(simd().meter.dot(taps[std::size_t(p)].data(), padded.data() + i - (reach - 1), 2 * reach))));
  }
  return 20 * std::log10(best);
}

double true_peak(const Signal& in, double rate = 48000, const std::string& settings = "") {
  Rig r("true_peak" + settings, int(in.size()), rate);
  r.run(in);
  r.finish();
  return r.result("true_peak");
}
// A tone of `freq` of the rate whose highest crest lies anywhere, with soft ends.
std::vector<float> tone(double freq, double phase, int n = 2000) {
  std::vector<float> x(static_cast<std::size_t>(n));
  for (int i = 0; i < n; ++i) {
    const double fade = std::min({1.0, double(i) / 400, double(n - 1 - i) / 400});
    x[std::size_t(i)] = float(0.5 * (0.5 - 0.5 * std::cos(pi * fade)) * std::sin(2 * pi * freq * i + phase));
  }
  return x;
}
}  // namespace

TEST_CASE("true_peak: tones up to 20 kHz at 44.1 kHz, every phase") {
  double low = 0, high = 0;
  for (double freq : {0.001, 0.01, 0.1, 0.2, 0.25, 0.3, 1.0 / 3, 0.4, 0.42, 0.44, 0.4535})
    for (int p = 0; p < 16; ++p) {
      const double e = true_peak({tone(freq, p * pi / 16)}) - 20 * std::log10(0.5);
      low = std::min(low, e), high = std::max(high, e);
    }
  INFO(low << " .. " << high << " dB");
  CHECK(low > -0.05);
  CHECK(high < 0.05);
}

TEST_CASE("true_peak: a peak in the first or last samples, and beyond them") {
  for (double freq : {0.25, 0.4535}) {
    std::vector<float> x(300);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = float(0.5 * std::cos(2 * pi * freq * double(i) + pi / 4));
    const double wanted = ideal_peak(x);
    CHECK(true_peak({x}) == Approx(wanted).margin(0.05));
    std::reverse(x.begin(), x.end());
    CHECK(true_peak({x}) == Approx(wanted).margin(0.05));
  }
  CHECK(true_peak({{0.5f}}) == Approx(-6.0206).margin(0.001));
  CHECK(true_peak({{0.5f, 0.5f}}) == Approx(20 * std::log10(0.5 * 4 / pi)).margin(0.02));  // sinc(1/2) twice
  CHECK(true_peak({std::vector<float>(4800)}) == -INFINITY);
}

TEST_CASE("true_peak: hot and clipped material") {
  std::mt19937 random(3);
  const auto white = [&] { return float(random()) / 2147483648.0f - 1; };
  const int n = 48000;
  double pink[3] = {};
  std::vector<float> clipped_pink, clipped_white, drums, chord;
  for (int i = 0; i < n; ++i) {
    const double w = double(white());
    pink[0] = 0.99765 * pink[0] + w * 0.0990460;
    pink[1] = 0.96300 * pink[1] + w * 0.2965164;
    pink[2] = 0.57000 * pink[2] + w * 1.0526913;
    clipped_pink.push_back(float(std::clamp((pink[0] + pink[1] + pink[2] + w * 0.1848) * 0.6, -0.9, 0.9)));
    clipped_white.push_back(std::clamp(2 * white(), -0.9f, 0.9f));
    const double t = i / 48000.0, beat = std::fmod(t, 0.25);
    drums.push_back(float(0.9 * std::tanh(6 * std::exp(-beat * 30) * std::sin(2 * pi * 180 * beat) +
                                          3 * std::exp(-beat * 60) * double(white()))));
    double saw = 0;
    for (double f : {110.0, 138.6, 164.8, 220.3}) saw += std::fmod(f * t, 1.0) - 0.5;
    chord.push_back(float(std::clamp(saw, -0.9, 0.9)));
  }
  const auto error = [](const std::vector<float>& x) { return true_peak({x}) - ideal_peak(x); };
  CHECK(error(clipped_pink) == Approx(0).margin(0.15));
  CHECK(error(drums) == Approx(0).margin(0.15));
  CHECK(error(chord) == Approx(0).margin(0.15));
  CHECK(error(clipped_white) == Approx(0).margin(0.3));
}

TEST_CASE("true_peak: says where, per channel, and lists what is over") {
  Signal s(2, std::vector<float>(48000));
  for (int i = 0; i < 400; ++i) {
    const double window = std::pow(std::sin(pi * i / 400), 2);
    s[0][std::size_t(10000 + i)] =
        float(1.5 * window * std::sin(pi * (i - 200) / 2 + pi / 4));  // crest between samples
    s[0][std::size_t(40000 + i)] = float(1.2 * window * std::sin(pi * (i - 200) / 2 + pi / 4));
    s[1][std::size_t(20000 + i)] = float(0.8 * window * std::sin(pi * (i - 200) / 2 + pi / 4));
  }
  Rig r("true_peak");
  r.run(s);
  r.finish();
  CHECK(r.result("true_peak") == Approx(20 * std::log10(1.5)).margin(0.01));
  CHECK(r.result("overs") == 2);
  const auto d = nlohmann::json::parse(r.details());
  CHECK(d["channels"][0]["at_s"].get<double>() == Approx(10200 / 48000.0).margin(1e-4));
  CHECK(d["channels"][1]["true_peak_dbtp"].get<double>() == Approx(20 * std::log10(0.8)).margin(0.01));
  CHECK(d["channels"][1]["overs"] == 0);
  REQUIRE(d["overs"].size() == 2);
  CHECK(d["overs"][1]["from_s"].get<double>() == Approx(40200 / 48000.0).margin(0.004));
  CHECK(d["overs"][1]["true_peak_dbtp"].get<double>() == Approx(20 * std::log10(1.2)).margin(0.02));
  Rig lower("true_peak: {over: -6 dBTP}");
  lower.run(s);
  lower.finish();
  CHECK(lower.result("overs") == 3);
}

TEST_CASE("true_peak: the standard's table is there to compare with") {
  // 0.5 of full scale at a quarter of the rate, 45 degrees: the table has a gain of -0.24 dB between the samples
  const Signal s{tone(0.25, pi / 4)};
  CHECK(true_peak(s, 48000, ": {method: standard}") == Approx(-6.02).margin(0.3));
  CHECK(true_peak(s, 48000, ": {method: standard}") != true_peak(s));
}

TEST_CASE("true_peak: not a bit depends on cuts") {
  const Signal s = noise(-3, 0.3);
  const double whole = true_peak(s);
  for (int block : {1, 64, 1000, 0}) {
    Rig r("true_peak");
    r.block = block;
    r.run(s);
    r.finish();
    CHECK(r.result("true_peak") == whole);
  }
}
