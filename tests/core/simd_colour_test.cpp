// tests/core/simd_colour_test.cpp — the stereo and saturation loops: the same bits everywhere, and the right ones.

#include "core/simd/simd.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

using namespace lacquer;

namespace {
using Samples = std::vector<float>;

Samples random(std::size_t n, double reach, unsigned seed) {
  std::mt19937 r(seed);
  Samples v(n);
  for (float& x : v) x = float(reach * (double(r()) / 2147483648.0 - 1));
  return v;
}
template <class F>
void same_in_every_set(F f) {
  Samples first;
  for (const Simd* s : all_simd()) {
    Samples out(2200, 7.0f);
    f(s->colour, out.data() + 1);
    if (first.empty()) first = out;
    INFO(s->name);
    CHECK(std::memcmp(out.data(), first.data(), out.size() * sizeof(float)) == 0);
  }
}
}  // namespace

TEST_CASE("simd colour: every instruction set returns the same bits") {
  const int n = GENERATE(1, 7, 8, 16, 33, 255, 1000);
  const Samples a = random(1200, 2, 1), b = random(1200, 2, 2);
  same_in_every_set([&](const ColourLoops& c, float* out) {
    c.to_mid_side(out, out + 1024, a.data() + 3, b.data(), n);
    c.to_left_right(out, out + 1024, out, out + 1024, n);
  });
  for (Ramp width : {Ramp{40, 40}, Ramp{0, 200, 3, 1100}})
    same_in_every_set(
        [&](const ColourLoops& c, float* out) { c.widen(out, out + 1024, a.data(), b.data(), width, n); });
  for (int rows : {1, 2, 4})
    for (int channel : {0, 1300}) {
      Samples taps = random(43 * 4, 1, 3), wide = random(2600, 1, 4);
      int sample[43], centre[4], to[4];
      for (int k = 0; k < 43; ++k) sample[k] = rows == 1 ? k : (k % rows) * 300 + k / rows;
      for (int r = 0; r < 4; ++r) centre[r] = 20 + r, to[r] = r * 300;
      const int part = rows == 1 ? n : std::min(n, 255);
      same_in_every_set([&](const ColourLoops& c, float* out) {
        Samples whole(2600);
        c.comb(whole.data(), wide.data(), {taps.data(), 40, sample, rows, centre, to, 0.5f, channel}, part);
        for (int r = 0; r < rows; ++r) {
          std::copy_n(whole.data() + to[r], part, out + r * 260);
          if (channel) std::copy_n(whole.data() + channel + to[r], part, out + 1080 + r * 260);
        }
      });
    }
  for (bool soft : {false, true})
    for (float lean : {0.0f, 0.4f})
      for (Ramp drive : {Ramp{0, 0}, Ramp{12, 12}, Ramp{0, 24, 5, 1100}})
        same_in_every_set([&](const ColourLoops& c, float* out) {
          Samples whole(1200);
          c.bend(whole.data(), a.data(), {soft, lean, drive, {0, 30, 5, 1100}, 0.25f}, n);
          std::memcpy(out, whole.data(), std::size_t(n) * sizeof(float));
        });
}

TEST_CASE("simd colour: loops against plain double arithmetic") {
  const int n = 1000;
  const Samples a = random(n + 200, 1, 3), b = random(n + 200, 1, 4);
  Samples x(n + 16), y(n + 16);
  const ColourLoops& c = simd().colour;
  c.to_mid_side(x.data(), y.data(), a.data(), b.data(), n);
  for (std::size_t i = 0; i < n; ++i) {
    CHECK(x[i] == Approx((double(a[i]) + double(b[i])) / 2).margin(6e-8));
    CHECK(y[i] == Approx((double(a[i]) - double(b[i])) / 2).margin(6e-8));
  }
  c.widen(x.data(), y.data(), a.data(), b.data(), {0, 200, 0, n}, n);
  for (std::size_t i = 0; i < n; ++i) {
    const double l = double(a[i]), r = double(b[i]), side = (l - r) * double(i) / n;
    CHECK(x[i] == Approx((l + r) / 2 + side).margin(1.2e-7));
    CHECK(y[i] == Approx((l + r) / 2 - side).margin(1.2e-7));
  }
  const float taps[] = {0.75f, -0.25f, 0.5f};
  const int sample[] = {9, 40, 20, 140, 70, 100}, centre[] = {60, 61, 2, 5}, to[] = {0, 300, 600, 900};
  const auto at = [&](std::size_t i) { return double(a[i]); };
  c.comb(x.data(), a.data(), {taps, 3, sample, 1, centre, to, 0.5f, 0}, n);
  for (std::size_t i = 0; i < n; ++i)
    CHECK(x[i] == Approx(0.5 * at(i + 60) + 0.75 * at(i + 9) - 0.25 * at(i + 10) + 0.5 * at(i + 11)).margin(3e-7));
  float table[6 * 4] = {};
  for (int r = 0; r < 4; ++r)
    for (int k = 0; k < 3; ++k) table[(k + r) * 4 + r] = taps[k];
  c.comb(x.data(), a.data(), {table, 3, sample, 4, centre, to, 0.5f, 0}, 77);
  for (std::size_t r = 0; r < 4; ++r)
    for (std::size_t i = 0; i < 77; ++i)
      CHECK(x[300 * r + i] ==
            Approx(0.5 * at(i + std::size_t(centre[r])) + 0.75 * at(i + std::size_t(sample[r])) -
                   0.25 * at(i + std::size_t(sample[r + 1])) + 0.5 * at(i + std::size_t(sample[r + 2])))
                .margin(3e-7));
}

TEST_CASE("simd colour: bend is the curve less its input, to single precision at any level") {
  const ColourLoops& c = simd().colour;
  for (double level : {1e-4, 1e-2, 0.5, 2.0, 20.0})
    for (double drive : {0.01, 1.0, 12.0, 24.0})
      for (double lean : {0.0, 0.4, 0.8}) {
        const Samples in = random(512, level, unsigned(drive * 100));
        Samples out(528);
        c.bend(out.data(), in.data(), {false, float(lean), {float(drive), float(drive)}, {0, 0}, 0}, 512);
        const double g = std::pow(10, double(float(drive)) / 20), k = std::sqrt(g * g - 1), t = lean * k / g;
        for (std::size_t i = 0; i < 512; ++i) {
          const double u = double(in[i]), s = std::tanh(k * u), exact = s / (k * (1 + t * s)) - u;
          INFO("level " << level << " drive " << drive << " lean " << lean << " u " << u);
          CHECK(double(out[i]) == Approx(exact).margin((lean > 0.5 ? 5e-6 : 2e-7) * std::abs(u) + 1e-13).epsilon(1e-4));
        }
      }
}
