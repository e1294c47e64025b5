// tests/core/simd_dynamics_test.cpp — the loops of compressors and limiters: the same bits on every set, and right.

#include "core/dsp/analytic.hpp"
#include "core/dsp/peak_bank.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

using namespace lacquer;

namespace {
std::vector<float> random(std::size_t n, unsigned seed) {
  std::mt19937 r(seed);
  std::vector<float> v(n);
  for (float& x : v) x = float(r()) / 2147483648.0f - 1;
  return v;
}
/// All sets, one after the other, into fresh memory.
template <class F>
void all_equal(std::size_t n, F f) {
  std::vector<float> first;
  for (const Simd* s : all_simd()) {
    std::vector<float> out(n, 0.0f);
    f(s->dynamics, out.data());
    if (first.empty()) first = out;
    INFO(s->name);
    CHECK(std::memcmp(out.data(), first.data(), n * sizeof(float)) == 0);
  }
}
}  // namespace

TEST_CASE("simd dynamics: every instruction set returns the same bits", "[simd]") {
  const int n = GENERATE(1, 5, 16, 17, 63, 200);
  const auto x = random(400, 1), y = random(400, 2);
  const PeakBank bank = design_peak_bank();
  all_equal(256, [&](const DynamicsLoops& d, float* out) {
    PeakTrail trail{{0.1f, -0.2f}, 0};
    d.true_peak(out, trail, x.data() + 50, bank, 0.1f, n);
    std::fill(out + n, out + 250, 0.0f);  // what lies between n and the next multiple of 16 is free
    out[250] = trail.last[0], out[251] = trail.last[1], out[252] = trail.disputed;
  });
  all_equal(256, [&](const DynamicsLoops& d, float* out) {
    std::copy(x.begin(), x.begin() + 256, out);
    d.required_gain(out, y.data(), n);
  });
  all_equal(256, [&](const DynamicsLoops& d, float* out) {
    std::copy(x.begin(), x.begin() + 256, out);
    d.smaller(out, out, y.data(), n);
  });
  all_equal(256, [&](const DynamicsLoops& d, float* out) { d.fir_symmetric(out, x.data() + 50, y.data(), 40, n); });
}

TEST_CASE("simd dynamics: the highest value between the samples of a sine is its amplitude", "[simd]") {
  const PeakBank bank = design_peak_bank();
  for (double f : {0.01, 0.1, 0.25, 0.3, 0.4, 0.4535}) {
    std::vector<float> x(700), peak(512, 0.0f);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = float(std::sin(2 * std::numbers::pi * f * double(i) + 0.7));
    PeakTrail trail;
    simd().dynamics.true_peak(peak.data(), trail, x.data() + 64, bank, 0.5f, 512);
    INFO("frequency " << f);
    CHECK(gain_to_db(*std::max_element(peak.begin() + 1, peak.end())) > -0.01);
    CHECK(gain_to_db(*std::max_element(peak.begin() + 1, peak.end())) < 0.25);  // the standard's own table: +0.22
  }
}

TEST_CASE("simd dynamics: what the true peak does not look at closely lies below the floor", "[simd]") {
  const PeakBank bank = design_peak_bank();
  const double treble = GENERATE(0.02, 0.2, 1.0);
  std::vector<float> x = random(5000, 4), exact(4096, 0.0f), quick(4096, 0.0f);
  double low = 0;
  for (float& s : x) low += treble * (double(s) - low), s = float(low);
  PeakTrail trail, other;
  simd().dynamics.true_peak(exact.data(), trail, x.data() + 64, bank, 0, 4096);
  const float top = *std::max_element(exact.begin() + 1, exact.end());
  for (float floor : {0.1f * top, 0.4f * top, 0.7f * top, 0.95f * top}) {
    std::fill(quick.begin(), quick.end(), 0.0f);
    simd().dynamics.true_peak(quick.data(), other, x.data() + 64, bank, floor, 4096);
    int seen = 0;
    for (std::size_t i = 16; i < 4096; ++i) {
      if (exact[i] > floor) ++seen;
      if (exact[i] > floor ? quick[i] != exact[i] : quick[i] > floor)
        FAIL("frame " << i << ": " << exact[i] << ", " << quick[i]);
    }
    CHECK(seen > 0);
  }
}

TEST_CASE("simd dynamics: a symmetric filter is a convolution", "[simd]") {
  const auto x = random(400, 1), half = random(30, 2);
  std::vector<float> out(100);
  simd().dynamics.fir_symmetric(out.data(), x.data() + 100, half.data(), 30, 100);
  for (std::size_t i = 0; i < 100; ++i) {
    double sum = 0;
    for (std::size_t k = 0; k < 59; ++k) sum += double(half[k < 29 ? 29 - k : k - 29]) * double(x[100 + i + k - 29]);
    CHECK(double(out[i]) == Approx(sum).margin(1e-5));
  }
}

TEST_CASE("simd dynamics: compressor loops give the same bits on every set", "[simd]") {
  const int n = GENERATE(1, 7, 16, 63, 200), channels = GENERATE(1, 2, 3, 5);
  std::vector<std::vector<float>> x;
  std::vector<const float*> pointers;
  for (int c = 0; c < channels; ++c) x.push_back(random(400, unsigned(c) + 1));
  for (const auto& c : x) pointers.push_back(c.data());
  const AnalyticPair pair = design_analytic_pair(20, 48000);
  all_equal(2048, [&](const DynamicsLoops& d, float* out) {
    std::vector<AnalyticState> state(2);
    for (int part = 0; part < 2; ++part) {
      std::vector<const float*> in;
      std::vector<float*> power;
      for (int c = 0; c < channels; ++c) {
        in.push_back(pointers[std::size_t(c)] + part * n);
        power.push_back(out + (2 * c + part) * n);
      }
      d.mean_square(power.data(), state.data(), pair, in.data(), channels, 0.01f, n);
    }
  });
  const Ramp still{-20, -20, 0, 1}, moving{-20, -10, 5, 64};
  for (const Ramp& threshold : {still, moving})
    all_equal(256, [&](const DynamicsLoops& d, float* out) {
      for (int i = 0; i < 256; ++i) out[i] = -0.2f * float(i);
      d.bend(out, threshold, {0.5f, 0.5f}, {6, 6}, {20, 20}, n);
    });
}

TEST_CASE("simd dynamics: the analytic level of a sine does not ripple", "[simd]") {
  const AnalyticPair pair = design_analytic_pair(20, 48000);
  for (double freq : {20.0, 60.0, 1000.0, 20000.0}) {
    std::vector<float> x(48000), level(48000);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = float(std::sin(2 * std::numbers::pi * freq * double(i) / 48000));
    AnalyticState state{};
    const float* in[] = {x.data()};
    float* power[] = {level.data()};
    simd().dynamics.mean_square(power, &state, pair, in, 1, 1, 48000);
    for (float& p : level) p = std::sqrt(p);
    const auto [low, high] = std::minmax_element(level.begin() + 24000, level.end());
    INFO(freq << " Hz");
    CHECK(gain_to_db(double(*low)) > -3.02);
    CHECK(gain_to_db(double(*high)) < -3.00);
  }
}
