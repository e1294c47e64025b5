// core/simd/lanes.hpp — what the kernels are written with: vectors of the set being compiled, ways to walk arrays with
// them, and the elementary functions. Only for kernels.cpp and its kernels_*.hpp, which are compiled once per set.
//
// Only <xsimd> and plain loops: an inline function of the standard library instantiated here would be compiled with,
// say, AVX-512, and the linker may keep that copy for the whole program. tests/layering_test.cpp checks the objects.

#pragma once

#include "core/simd/simd.hpp"

#include <xsimd/xsimd.hpp>

#include <cstdint>

namespace lacquer {
namespace {

using Arch = xsimd::LACQUER_ARCH;
using V = xsimd::batch<float, Arch>;
using I = xsimd::batch<std::int32_t, Arch>;
constexpr int W = int(V::size);
constexpr int lanes = 16;  // every sum runs over sixteen lanes, whatever the width, so every CPU rounds alike
static_assert(lanes % W == 0);

// The compiler's own vectors: they convert between float and double, and have one width whatever the set. Memory is
// read and written by memcpy, as it need not be aligned.
typedef float Float4 __attribute__((vector_size(16)));
typedef float Float8 __attribute__((vector_size(32)));
typedef double Double2 __attribute__((vector_size(16)));
typedef double Double4 __attribute__((vector_size(32)));
inline Float4 load4(const float* p) {
  Float4 v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
inline Float8 load8(const float* p) {
  Float8 v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
inline Double4 load4(const double* p) {
  Double4 v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
inline Double4 wide4(const float* p) { return __builtin_convertvector(load4(p), Double4); }
template <class Vector>
inline void store(void* p, const Vector& v) {
  __builtin_memcpy(p, &v, sizeof v);
}

/// Four of the eight numbers in a and b, by their places.
template <int i, int j, int k, int l>
inline Float4 pick(const Float4& a, const Float4& b) {
  return __builtin_shufflevector(a, b, i, j, k, l);
}
inline Float8 join(const Float4& low, const Float4& high) {
  return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7);
}
inline Float4 lower(const Float8& v) { return __builtin_shufflevector(v, v, 0, 1, 2, 3); }
inline Float4 upper(const Float8& v) { return __builtin_shufflevector(v, v, 4, 5, 6, 7); }
inline Double4 join(const Double2& low, const Double2& high) { return __builtin_shufflevector(low, high, 0, 1, 2, 3); }
inline Double2 lower(const Double4& v) { return __builtin_shufflevector(v, v, 0, 1); }
inline Double2 upper(const Double4& v) { return __builtin_shufflevector(v, v, 2, 3); }

/// Rows become columns.
inline void transpose(Float4 (&v)[4]) {
  const Float4 a = pick<0, 4, 1, 5>(v[0], v[1]), b = pick<2, 6, 3, 7>(v[0], v[1]), c = pick<0, 4, 1, 5>(v[2], v[3]),
               d = pick<2, 6, 3, 7>(v[2], v[3]);
  v[0] = pick<0, 1, 4, 5>(a, c);
  v[1] = pick<2, 3, 6, 7>(a, c);
  v[2] = pick<0, 1, 4, 5>(b, d);
  v[3] = pick<2, 3, 6, 7>(b, d);
}

// Runs body(offset, load, store) over n samples; the last, partial vector goes through a zeroed copy.
// `map` reads in[i], writes out[i].
template <class F>
void map(float* out, const float* in, int n, F&& f) {
  int i = 0;
  for (; i + W <= n; i += W) f(V::load_unaligned(in + i), i).store_unaligned(out + i);
  if (i < n) {
    alignas(64) float tail[W] = {};
    for (int k = 0; k < n - i; ++k) tail[k] = in[i + k];
    f(V::load_aligned(tail), i).store_aligned(tail);
    for (int k = 0; k < n - i; ++k) out[i + k] = tail[k];
  }
}

// The same for two inputs.
template <class F>
void zip(float* out, const float* a, const float* b, int n, F&& f) {
  int i = 0;
  for (; i + W <= n; i += W) f(V::load_unaligned(a + i), V::load_unaligned(b + i)).store_unaligned(out + i);
  if (i < n) {
    alignas(64) float x[W] = {}, y[W] = {};
    for (int k = 0; k < n - i; ++k) x[k] = a[i + k], y[k] = b[i + k];
    f(V::load_aligned(x), V::load_aligned(y)).store_aligned(x);
    for (int k = 0; k < n - i; ++k) out[i + k] = x[k];
  }
}

// log2 for x > 0: exponent, plus a minimax polynomial of the mantissa m in [sqrt(1/2), sqrt(2)).
[[gnu::always_inline]] inline V log2(V x) {
  const I bits = xsimd::bitwise_cast<I>(x) - I(0x3f3504f3);
  const I e = bits >> 23;
  const V m = xsimd::bitwise_cast<V>((bits & I(0x007fffff)) + I(0x3f3504f3));
  const V t = m - V(1.0f);
  // Cephes logf: ln(1+t) = t - t^2/2 + t^3 P(t)
  const V t2 = t * t;
  V p = V(7.0376836292e-2f);
  p = p * t + V(-1.1514610310e-1f);
  p = p * t + V(1.1676998740e-1f);
  p = p * t + V(-1.2420140846e-1f);
  p = p * t + V(1.4249322787e-1f);
  p = p * t + V(-1.6668057665e-1f);
  p = p * t + V(2.0000714765e-1f);
  p = p * t + V(-2.4999993993e-1f);
  p = p * t + V(3.3333331174e-1f);
  const V ln = t + (p * t2 * t - V(0.5f) * t2);
  return ln * V(1.44269504f) + xsimd::to_float(e);
}

// 2^x for |x| < 126: nearest integer into the exponent, Cephes exp2f polynomial for the rest.
[[gnu::always_inline]] inline V exp2(V x) {
  const V r = xsimd::floor(x + V(0.5f));
  const V f = x - r;
  V p = V(1.535336188319500e-4f);
  p = p * f + V(1.339887440266574e-3f);
  p = p * f + V(9.618437357674640e-3f);
  p = p * f + V(5.550332471162809e-2f);
  p = p * f + V(2.402264791363012e-1f);
  p = p * f + V(6.931472028550421e-1f);
  p = p * f + V(1.0f);
  return p * xsimd::bitwise_cast<V>((xsimd::to_int(r) + I(127)) << 23);
}

V gain_of(V db) { return exp2(xsimd::min(xsimd::max(db, V(-700.0f)), V(700.0f)) * V(0.166096405f)); }

const V& ramp_index() {  // 0, 1, 2, ...
  static const V index = [] {
    alignas(64) float k[W];
    for (int i = 0; i < W; ++i) k[i] = float(i);
    return V::load_aligned(k);
  }();
  return index;
}

}  // namespace
}  // namespace lacquer
