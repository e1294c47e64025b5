// tests/core/simd_meter_test.cpp — the meters' loops: the same bits from every instruction set, and the right ones.

#include "core/simd/simd.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
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
}  // namespace

TEST_CASE("simd meter: K-weighting in state space is the recursion it stands for") {
  // y[n] = x[n] + 0.5 x[n-1] + 0.9 y[n-1] and an empty second section, in four states of which one is used
  KStep k{};
  for (int j = 0; j < 8; ++j)
    for (int i = j; i < 8; ++i) k.direct[j][i] = i == j ? 1 : (0.5 + 0.9) * std::pow(0.9, i - j - 1);
  for (int i = 0; i < 8; ++i) k.out_of[0][i] = std::pow(0.9, i);
  for (int j = 0; j < 8; ++j) k.into[j][0] = (0.5 + 0.9) * std::pow(0.9, 7 - j);
  k.keep[0][0] = std::pow(0.9, 8);
  const int channels = GENERATE(1, 2, 3, 5), n = 256;
  std::vector<std::vector<float>> in;
  std::vector<const float*> at;
  std::vector<double> weight, wanted(std::size_t(n), 0.0);
  for (int c = 0; c < channels; ++c)
    in.push_back(random(std::size_t(n), unsigned(c) + 1)), weight.push_back(1 + 0.3 * c);
  for (int c = 0; c < channels; ++c) {
    at.push_back(in[std::size_t(c)].data());
    double y = 0, before = 0;
    for (int i = 0; i < n; ++i) {
      y = double(at.back()[i]) + 0.5 * before + 0.9 * y;
      before = double(at.back()[i]);
      wanted[std::size_t(i)] += weight[std::size_t(c)] * y * y;
    }
  }
  std::vector<float> first;
  for (const Simd* s : all_simd()) {
    std::vector<double> state(8 * std::size_t(channels), 0.0);
    std::vector<float> energy(std::size_t(n), 0.0f);
    s->meter.k_energy(k, state.data(), at.data(), weight.data(), channels, energy.data(), n);
    for (std::size_t i = 0; i < energy.size(); ++i) CHECK(double(energy[i]) == Approx(wanted[i]).margin(1e-5));
    if (first.empty()) first = energy;
    CHECK(first == energy);
  }
}

TEST_CASE("simd meter: sums and products") {
  const int n = GENERATE(1, 5, 16, 63, 64, 1000);
  const auto a = random(1024, 1), b = random(1024, 2);
  double sum = 0, product = 0, exact = 0;
  for (int i = 0; i < n; ++i) exact += double(a[std::size_t(i)]) * double(b[std::size_t(i)]);
  for (int i = 0; i < n; ++i) sum += double(a[std::size_t(i)]);
  for (int i = 0; i < n / 16 * 16; ++i) product += double(a[std::size_t(i)]) * double(b[std::size_t(i)]);
  for (const Simd* s : all_simd()) {
    CHECK(s->meter.sum(a.data(), n) == Approx(sum).margin(1e-12));
    CHECK(s->meter.sum(a.data(), n) == all_simd().sets[0]->meter.sum(a.data(), n));
    CHECK(s->meter.product(a.data(), b.data(), n) == Approx(exact).margin(1e-12));
    CHECK(s->meter.product(a.data(), b.data(), n) == all_simd().sets[0]->meter.product(a.data(), b.data(), n));
    CHECK(double(s->meter.dot(a.data(), b.data(), n / 16 * 16)) == Approx(product).margin(1e-4));
    CHECK(s->meter.dot(a.data(), b.data(), n / 16 * 16) ==
          all_simd().sets[0]->meter.dot(a.data(), b.data(), n / 16 * 16));
  }
}

TEST_CASE("simd meter: the scout sees what its taps see, wherever that is close to the floor") {
  PeakScout taps{};
  const auto w = random(64, 4);
  for (int k = 0; k < PeakScout::pairs; ++k) {
    taps.even[k] = 0.1f * w[std::size_t(k)];
    taps.odd[k] = 0.1f * w[std::size_t(k + 16)];
    taps.half[k] = 0.1f * w[std::size_t(k + 32)];
  }
  taps.largest = 3;
  const float floor = GENERATE(0.0f, 0.6f, 1.3f, 50.0f);
  constexpr int n = PeakScout::most, reach = PeakScout::reach;
  auto x = random(n + 2 * reach, 5);
  std::fill(x.begin() + 150, x.begin() + 260, 0.01f);
  std::vector<float> first;
  for (const Simd* s : all_simd()) {
    std::vector<float> level(n, 9.0f);
    const bool found = s->meter.scout(level.data(), x.data() + reach, taps, floor, n);
    CHECK(found == (*std::max_element(level.begin(), level.end()) > 0));
    for (int i = 0; i < n; i += 16) {
      float high[16], most = 0;
      for (int j = 0; j < 16; ++j) {
        const float* at = x.data() + reach + i + j;
        double e = 0, o = 0, h = 0;
        for (int k = 0; k < PeakScout::pairs; ++k) {
          e += double(taps.even[k]) * double(at[-k] + at[1 + k]);
          o += double(taps.odd[k]) * double(at[-k] - at[1 + k]);
          h += double(taps.half[k]) * double(at[-k] + at[1 + k]);
        }
        high[j] = std::max({std::abs(at[0]), float(std::abs(h)), float(std::abs(e) + std::abs(o))});
        most = std::max(most, high[j]);
      }
      const bool skipped = level[std::size_t(i)] == 0;
      if (skipped)
        CHECK(most <= std::max(floor, 0.02f));  // nothing was lost
      else
        for (int j = 0; j < 16; ++j) CHECK(level[std::size_t(i + j)] == Approx(high[j]).margin(1e-5));
    }
    if (first.empty()) first = level;
    CHECK(first == level);
  }
}

TEST_CASE("simd meter: the standard's table") {
  PeakTable t{};
  for (int phase : {0, 1})
    for (int k = 0; k < PeakTable::pairs; ++k)
      t.even[phase][k] = 0.1f * float(k + phase), t.odd[phase][k] = 0.05f * float(k);
  const auto x = random(256 + 32, 6);
  std::vector<float> first;
  for (const Simd* s : all_simd()) {
    std::vector<float> level(256);
    s->meter.table_peak(level.data(), x.data() + 16, t, 256);
    for (int i = 0; i < 256; ++i) {
      const float* at = x.data() + 16 + i;
      double most = std::abs(double(at[0]));
      for (int phase : {0, 1}) {
        double e = 0, o = 0;
        for (int k = 0; k < PeakTable::pairs; ++k) {
          e += double(t.even[phase][k]) * double(at[-k] + at[1 + k]);
          o += double(t.odd[phase][k]) * double(at[-k] - at[1 + k]);
        }
        most = std::max({most, std::abs(e + o), std::abs(e - o)});
      }
      CHECK(double(level[std::size_t(i)]) == Approx(most).margin(1e-5));
    }
    if (first.empty()) first = level;
    CHECK(first == level);
  }
}
