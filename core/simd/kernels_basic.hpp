// core/simd/kernels_basic.hpp — gain, sums, levels, decibels.

#pragma once

#include "core/simd/lanes.hpp"

namespace lacquer {
namespace {

void gain(float* out, const float* in, Ramp db, int n) {
  if (!db.moves() && db.to == 0.0f) {
    if (out != in)
      for (int i = 0; i < n; ++i) out[i] = in[i];
    return;
  }
  if (!db.moves()) {
    const V g = gain_of(V(db.to));
    map(out, in, n, [&](V x, int) { return x * g; });
    return;
  }
  const V rise(db.to - db.from), start(db.from), whole(float(db.frames));
  map(out, in, n,
      [&](V x, int i) { return x * gain_of(start + rise * ((V(float(db.at + i)) + ramp_index()) / whole)); });
}

void multiply(float* out, const float* in, const float* by, int n) {
  zip(out, in, by, n, [](V x, V y) { return x * y; });
}
void add(float* out, const float* in, const float* other, int n) {
  zip(out, in, other, n, [](V x, V y) { return x + y; });
}
void abs_max(float* level, const float* in, int n) {
  zip(level, level, in, n, [](V l, V x) { return xsimd::max(l, xsimd::abs(x)); });
}
void power_to_db(float* io, int n) {
  map(io, io, n, [](V x, int) { return log2(xsimd::max(x, V(1e-20f))) * V(3.01029995f); });
}
void to_db(float* io, int n) {
  map(io, io, n, [](V x, int) { return log2(xsimd::max(x, V(1e-10f))) * V(6.02059991f); });
}
void to_gain(float* io, int n) {
  map(io, io, n, [](V db, int) { return gain_of(db); });
}

float peak(const float* in, int n) {
  V m(0.0f);
  int i = 0;
  for (; i + W <= n; i += W) m = xsimd::max(m, xsimd::abs(V::load_unaligned(in + i)));
  alignas(64) float l[W];
  m.store_aligned(l);
  float best = 0;
  for (int k = 0; k < W; ++k) best = l[k] > best ? l[k] : best;
  for (; i < n; ++i) {
    const float a = in[i] < 0 ? -in[i] : in[i];
    best = a > best ? a : best;
  }
  return best;
}

}  // namespace
}  // namespace lacquer
