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
    for (int i = j; i < 8; ++i) k.direct[j][i] = i == j ? 1 : float((0.5 + 0.9) * std::pow(0.9, i - j - 1));
  for (int i = 0; i < 8; ++i) k.out_of[0][i] = float(std::pow(0.9, i));
  for (int j = 0; j < 8; ++j) k.into[j][0] = (0.5 + 0.9) * std::pow(0.9, 7 - j);
  k.keep[0][0] = std::pow(0.9, 8);
  const int channels = GENERATE(1, 2, 3, 5), n = 256;
  std::vector<std::vector<float>> in;
  std::vector<const float*> at;
  std::vector<double> weight, wanted(std::size_t(n), 0.0), together(std::size_t(n), 0.0);
  for (int c = 0; c < channels; ++c)
    in.push_back(random(std::size_t(n), unsigned(c) + 1)), weight.push_back(1 + 0.3 * c);
  for (int c = 0; c < channels; ++c) {
    at.push_back(in[std::size_t(c)].data());
    double y = 0, before = 0;
    for (int i = 0; i < n; ++i) {
      y = double(at.back()[i]) + 0.5 * before + 0.9 * y;
      before = double(at.back()[i]);
      wanted[std::size_t(i)] += weight[std::size_t(c)] * y * y;
      if (c < 2) together[std::size_t(i)] += y;
    }
  }
  std::vector<float> first;
  std::vector<double> first_sums;
  for (const Simd* s : all_simd()) {
    std::vector<double> state(4 * std::size_t(channels), 0.0), sums(std::size_t(channels) + 1, 7.0);
    std::vector<float> energy(std::size_t(n), 9.0f), mono(std::size_t(n), 9.0f);
    s->meter.k_energy(k, state.data(), at.data(), weight.data(), channels, energy.data(),
                      channels > 1 ? mono.data() : nullptr, sums.data(), n);
    if (channels > 1) {
      double whole = 0;
      for (std::size_t i = 0; i < mono.size(); ++i) {
        CHECK(double(mono[i]) == Approx(together[i] * together[i] / 2).margin(2e-5));
        whole += together[i] * together[i] / 2;
      }
      CHECK(sums.back() == Approx(whole).epsilon(1e-6));
    } else {
      CHECK(sums.back() == 7.0);
    }
    for (std::size_t i = 0; i < energy.size(); ++i) CHECK(double(energy[i]) == Approx(wanted[i]).margin(2e-5));
    double all = 0, weighted = 0;
    for (std::size_t i = 0; i < energy.size(); ++i) all += wanted[i];
    for (std::size_t c = 0; c < weight.size(); ++c) weighted += weight[c] * sums[c];
    CHECK(weighted == Approx(all).epsilon(1e-6));
    if (first.empty()) first = energy, first_sums = sums;
    CHECK(first == energy);
    CHECK(first_sums == sums);
  }
}

TEST_CASE("simd meter: sums and products") {
  const int n = GENERATE(1, 5, 16, 63, 64, 1000);
  const auto a = random(1024, 1), b = random(1024, 2);
  double sum = 0, aa = 0, bb = 0, ab = 0, dot = 0, peak = 0;
  for (int i = 0; i < n; ++i) {
    const double x = double(a[std::size_t(i)]), y = double(b[std::size_t(i)]);
    sum += x, aa += x * x, bb += y * y, ab += x * y;
    peak = std::max(peak, std::abs(x));
    if (i < n / 16 * 16) dot += x * y;
  }
  const MeterLoops& narrow = all_simd().sets[0]->meter;
  for (const Simd* s : all_simd()) {
    const MeterLoops& m = s->meter;
    CHECK(m.sum(a.data(), n) == Approx(sum).margin(1e-12));
    CHECK(m.sum(a.data(), n) == narrow.sum(a.data(), n));
    const auto l = m.levels(a.data(), n), l0 = narrow.levels(a.data(), n);
    CHECK(double(l.peak) == peak);
    CHECK(l.sum == Approx(sum).margin(1e-12));
    CHECK(l.energy == Approx(aa).margin(1e-12));
    CHECK((l.sum == l0.sum && l.energy == l0.energy));
    const auto p = m.products(a.data(), b.data(), n), p0 = narrow.products(a.data(), b.data(), n);
    CHECK(p.aa == Approx(aa).margin(1e-12));
    CHECK(p.bb == Approx(bb).margin(1e-12));
    CHECK(p.ab == Approx(ab).margin(1e-12));
    CHECK((p.aa == p0.aa && p.bb == p0.bb && p.ab == p0.ab));
    CHECK(double(m.dot(a.data(), b.data(), n / 16 * 16)) == Approx(dot).margin(1e-4));
    CHECK(m.dot(a.data(), b.data(), n / 16 * 16) == narrow.dot(a.data(), b.data(), n / 16 * 16));
  }
}

TEST_CASE("simd meter: the scout sees what its taps see, wherever that may exceed the floor") {
  PeakScout taps{};
  const auto w = random(64, 4);
  for (int k = 0; k < PeakScout::pairs; ++k) {
    taps.even[k] = 0.1f * w[std::size_t(k)];
    taps.odd[k] = 0.1f * w[std::size_t(k + 16)];
    taps.half[k] = 0.1f * w[std::size_t(k + 32)];
  }
  // generous bounds, and ones that only curves get past
  const bool curved = GENERATE(false, true);
  taps.largest = 3, taps.flat = curved ? 0.3f : 3, taps.bent = 1;
  const float floor = GENERATE(0.0f, 0.6f, 1.3f, 50.0f);
  const int n = GENERATE(16, 112, int(PeakScout::most));
  constexpr int reach = PeakScout::reach + 1;
  auto x = random(std::size_t(n + 2 * reach), 5);
  if (n > 1000) std::fill(x.begin() + 150, x.begin() + 650, 0.2f);
  std::vector<float> first;
  for (const Simd* s : all_simd()) {
    std::vector<float> level(std::size_t(n), 0.0f);
    std::vector<int> group(std::size_t(n / 16));
    const int found = s->meter.scout(level.data(), group.data(), x.data() + reach, taps, floor, n);
    CHECK(std::is_sorted(group.begin(), group.begin() + found));
    for (int g = 0; g < n / 16; ++g) {
      float high[16], most = 0;
      for (int j = 0; j < 16; ++j) {
        const float* at = x.data() + reach + g * 16 + j;
        double e = 0, o = 0, h = 0;
        for (int k = 0; k < PeakScout::pairs; ++k) {
          e += double(taps.even[k]) * double(at[-k] + at[1 + k]);
          o += double(taps.odd[k]) * double(at[-k] - at[1 + k]);
          h += double(taps.half[k]) * double(at[-k] + at[1 + k]);
        }
        high[j] = std::max({std::abs(at[0]), float(std::abs(h)), float(std::abs(e) + std::abs(o))});
        most = std::max(most, high[j]);
      }
      const bool seen = std::find(group.begin(), group.begin() + found, g) != group.begin() + found;
      if (!seen) {
        // nothing was lost; where all is 0.2 nothing is curved
        const bool flat = n > 1000 && g * 16 - 129 >= 150 - reach && g * 16 + 144 < 650 - reach;
        CHECK(most <= std::max(floor, flat ? 0.3f : curved ? 1.3f : 0.0f));
        if (floor == 0) CHECK(most == 0);
      } else {
        for (int j = 0; j < 16; ++j) CHECK(level[std::size_t(g * 16 + j)] == Approx(high[j]).margin(1e-5));
      }
    }
    if (floor == 0) CHECK(found == n / 16);
    if (floor == 50) CHECK(found == 0);
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
