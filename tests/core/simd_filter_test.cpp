// tests/core/simd_filter_test.cpp — sections in a row: the same bits in every set, and those of the plain cascade.

#include "core/simd/simd.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <complex>
#include <cstring>
#include <random>
#include <vector>

using namespace lacquer;

namespace {

constexpr int stride = 32;
using Numbers = std::vector<double>;

double random(std::mt19937& r, double reach) { return reach * (double(r()) / 2147483648.0 - 1); }

/// Coefficients of n stable sections, the rest wires.
Numbers coefficients(int n, unsigned seed) {
  std::mt19937 r(seed);
  Numbers c(5 * stride);
  for (std::size_t i = 0; i < stride; ++i) {
    c[i] = 1;
    if (int(i) >= n) continue;
    c[i] = 1 + random(r, 0.3);
    c[i + stride] = random(r, 1);
    c[i + 2 * stride] = random(r, 0.9);
    const double a2 = random(r, 0.9);
    c[i + 3 * stride] = random(r, 0.95 * (1 + a2));
    c[i + 4 * stride] = a2;
  }
  return c;
}

struct Bench {
  Numbers from[2], to[2], state[2];
  std::vector<Numbers> io;
  int sections;

  Bench(int s, bool moving, int frames) : sections(s) {
    for (unsigned c = 0; c < 2; ++c) {
      from[c] = coefficients(s, 1 + c);
      to[c] = moving ? coefficients(s, 11 + c) : from[c];
      std::mt19937 r(21 + c);
      state[c].assign(4 * stride, 0);
      for (std::size_t k = 0; k < 4; ++k)
        for (std::size_t i = 0; i < std::size_t(s); ++i) state[c][k * stride + i] = random(r, 0.5);
      io.emplace_back(std::size_t(frames + FilterLoops::room));
      for (int i = 0; i < frames; ++i) io.back()[std::size_t(i)] = random(r, 1);
    }
  }
  Cascade cascade(int at, int ramp) {
    const bool moving = from[0] != to[0];
    return {sections,
            stride,
            {from[0].data(), from[1].data()},
            {moving ? to[0].data() : from[0].data(), moving ? to[1].data() : from[1].data()},
            {state[0].data(), state[1].data()},
            at,
            ramp};
  }
  /// One section after another, one frame after another.
  void plainly(int frames, int at, int ramp) {
    const bool moving = from[0] != to[0];
    for (std::size_t c = 0; c < 2; ++c)
      for (int i = 0; i < frames; ++i) {
        double x = io[c][std::size_t(i)];
        for (std::size_t s = 0; s < std::size_t(sections); ++s) {
          double k[5];
          for (std::size_t j = 0; j < 5; ++j) {
            const double a = from[c][j * stride + s], b = to[c][j * stride + s];
            k[j] = moving ? a + (b - a) * ((double(i) + double(at)) * (1.0 / double(ramp))) : a;
          }
          double &x1 = state[c][s], &x2 = state[c][stride + s], &y1 = state[c][2 * stride + s],
                 &y2 = state[c][3 * stride + s];
          const double y = ((k[1] * x1 + (k[2] * x2 - k[4] * y2)) + k[0] * x) - k[3] * y1;
          x2 = x1, x1 = x, y2 = y1, y1 = y;
          x = y;
        }
        io[c][std::size_t(i)] = x;
      }
  }
  bool operator==(const Bench& o) const {
    for (std::size_t c = 0; c < 2; ++c) {
      if (std::memcmp(io[c].data(), o.io[c].data(), (io[c].size() - FilterLoops::room) * sizeof(double))) return false;
      for (std::size_t k = 0; k < 4; ++k)
        if (std::memcmp(&state[c][k * stride], &o.state[c][k * stride], std::size_t(sections) * sizeof(double)))
          return false;
    }
    return true;
  }
};

}  // namespace

TEST_CASE("simd filter: every set is the plain cascade, bit for bit") {
  for (int sections : {1, 2, 3, 5, 8, 9, 16, 21})
    for (int frames : {1, 2, 5, 13, 14, 15, 28, 64, 201})
      for (bool moving : {false, true}) {
        Bench wanted(sections, moving, frames);
        wanted.plainly(frames, 3, 210);
        for (const Simd* s : all_simd()) {
          INFO(s->name << ": " << sections << " sections, " << frames << " frames" << (moving ? ", moving" : ""));
          Bench got(sections, moving, frames);
          double* io[] = {got.io[0].data(), got.io[1].data()};
          s->filter.cascade(io, 2, got.cascade(3, 210), frames);
          CHECK(got == wanted);
          // and one channel at a time
          Bench alone(sections, moving, frames);
          for (int c = 0; c < 2; ++c) {
            Cascade f = alone.cascade(3, 210);
            f.from[0] = f.from[c], f.to[0] = f.to[c], f.state[0] = f.state[c];
            double* one[] = {alone.io[std::size_t(c)].data()};
            s->filter.cascade(one, 1, f, frames);
          }
          CHECK(alone == wanted);
        }
      }
}

TEST_CASE("simd filter: conversions") {
  for (const Simd* s : all_simd()) {
    const float in[] = {0.1f, -0.0f, 1e-30f, -3, 7, 0.25f, 1, 2, -1};
    double wide[9];
    float back[9];
    s->filter.widen(wide, in, 9);
    s->filter.narrow(back, wide, 9);
    for (int i = 0; i < 9; ++i) CHECK(wide[i] == double(in[i]));
    for (int i = 0; i < 9; ++i) CHECK(back[i] == in[i]);
    CHECK(!std::signbit(back[1]));
    double a[] = {1, 2, 3}, b[] = {0.5, -2, 7};
    s->filter.to_mid_side(a, b, 3);
    CHECK((a[0] == 0.75 && b[0] == 0.25 && a[1] == 0 && b[1] == 2 && a[2] == 5 && b[2] == -2));
    s->filter.to_left_right(a, b, 3);
    CHECK((a[0] == 1 && b[0] == 0.5 && a[1] == 2 && b[1] == -2 && a[2] == 3 && b[2] == 7));
  }
}

TEST_CASE("simd filter: complex products add up") {
  const int n = 64;
  std::mt19937 random(4);
  std::vector<float> x, h, start;
  for (auto* v : {&x, &h, &start})
    for (int i = 0; i < 2 * n; ++i) v->push_back(float(random()) / 2147483648.0f - 1);
  std::vector<float> first;
  for (const Simd* s : all_simd()) {
    std::vector<float> sum = start;
    s->filter.convolve(sum.data(), x.data(), h.data(), n);
    for (std::size_t i = 0; i < 2 * std::size_t(n); i += 2) {
      const std::complex<double> product = std::complex<double>(x[i], x[i + 1]) * std::complex<double>(h[i], h[i + 1]);
      CHECK(double(sum[i]) == Approx(double(start[i]) + product.real()).margin(1e-6));
      CHECK(double(sum[i + 1]) == Approx(double(start[i + 1]) + product.imag()).margin(1e-6));
    }
    if (first.empty()) first = sum;
    CHECK(first == sum);
  }
}
