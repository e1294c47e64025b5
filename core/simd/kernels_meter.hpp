// core/simd/kernels_meter.hpp — K-weighting and sums, for the meters.

#pragma once

#include "core/simd/lanes.hpp"

namespace lacquer {
namespace {

using D = xsimd::batch<double, Arch>;
constexpr int DW = int(D::size);

// Four floats as doubles and back; compilers know the instruction, xsimd 8.1 does not.
typedef float Float4 __attribute__((vector_size(16)));
typedef double Double4 __attribute__((vector_size(32)));
inline void widen_four(double* out, const float* in) {
  Float4 f;
  __builtin_memcpy(&f, in, sizeof f);
  const Double4 d = __builtin_convertvector(f, Double4);
  __builtin_memcpy(out, &d, sizeof d);
}
inline void narrow_four(float* out, const double* in) {
  Double4 d;
  __builtin_memcpy(&d, in, sizeof d);
  const Float4 f = __builtin_convertvector(d, Float4);
  __builtin_memcpy(out, &f, sizeof f);
}

// Eight frames of `count` channels. The matrices are loaded once for both channels of a pair; additions happen in one
// order whatever the width.
template <int count>
inline void k_eight(const KStep& k, double* const* state, const float* const* in, const double* weight, D* energy) {
  constexpr int out_vectors = 8 / DW, state_vectors = DW > 4 ? 1 : 4 / DW;
  alignas(64) double x[count][8];
#pragma GCC unroll 2
  for (int c = 0; c < count; ++c)
#pragma GCC unroll 2
    for (int i = 0; i < 8; i += 4) widen_four(x[c] + i, in[c] + i);

#pragma GCC unroll 4
  for (int v = 0; v < out_vectors; ++v) {
    D y[count];
    const D o0 = D::load_aligned(k.out_of[0] + v * DW), o1 = D::load_aligned(k.out_of[1] + v * DW),
            o2 = D::load_aligned(k.out_of[2] + v * DW), o3 = D::load_aligned(k.out_of[3] + v * DW);
#pragma GCC unroll 2
    for (int c = 0; c < count; ++c)
      y[c] = (o0 * D(state[c][0]) + o1 * D(state[c][1])) + (o2 * D(state[c][2]) + o3 * D(state[c][3]));
#pragma GCC unroll 8
    for (int j = 0; j < 8; ++j)
      if (j < (v + 1) * DW) {  // later frames do not reach these
        const D t = D::load_aligned(k.direct[j] + v * DW);
#pragma GCC unroll 2
        for (int c = 0; c < count; ++c) y[c] = y[c] + t * D(x[c][j]);
      }
#pragma GCC unroll 2
    for (int c = 0; c < count; ++c) energy[v] = energy[v] + D(weight[c]) * (y[c] * y[c]);
  }

  D next[count][state_vectors];
#pragma GCC unroll 2
  for (int v = 0; v < state_vectors; ++v) {
    const D a0 = D::load_aligned(k.keep[0] + v * DW), a1 = D::load_aligned(k.keep[1] + v * DW),
            a2 = D::load_aligned(k.keep[2] + v * DW), a3 = D::load_aligned(k.keep[3] + v * DW);
    D fed[count];
#pragma GCC unroll 2
    for (int c = 0; c < count; ++c) fed[c] = D::load_aligned(k.into[0] + v * DW) * D(x[c][0]);
#pragma GCC unroll 8
    for (int j = 1; j < 8; ++j) {
      const D b = D::load_aligned(k.into[j] + v * DW);
#pragma GCC unroll 2
      for (int c = 0; c < count; ++c) fed[c] = fed[c] + b * D(x[c][j]);
    }
#pragma GCC unroll 2
    for (int c = 0; c < count; ++c)
      next[c][v] = fed[c] + ((a0 * D(state[c][0]) + a1 * D(state[c][1])) + (a2 * D(state[c][2]) + a3 * D(state[c][3])));
  }
#pragma GCC unroll 2
  for (int c = 0; c < count; ++c)
#pragma GCC unroll 2
    for (int v = 0; v < state_vectors; ++v) next[c][v].store_unaligned(state[c] + v * DW);
}

void k_energy(const KStep& k, double* state, const float* const* in, const double* weight, int channels, float* energy,
              int n) {
  for (int i = 0; i < n; i += 8) {
    D sum[8 / DW];
    for (D& s : sum) s = D(0.0);
    int c = 0;
    for (; c + 2 <= channels; c += 2) {
      double* s[2] = {state + 8 * c, state + 8 * c + 8};
      const float* x[2] = {in[c] + i, in[c + 1] + i};
      k_eight<2>(k, s, x, weight + c, sum);
    }
    if (c < channels) {
      double* s[1] = {state + 8 * c};
      const float* x[1] = {in[c] + i};
      k_eight<1>(k, s, x, weight + c, sum);
    }
    alignas(64) double e[8];
    for (int v = 0; v < 8 / DW; ++v) sum[v].store_aligned(e + v * DW);
    narrow_four(energy + i, e);
    narrow_four(energy + i + 4, e + 4);
  }
}

// Sums over sixteen lanes of what `take` makes of four samples at a time; at the end it sees zeros.
template <class Take>
inline double lane_sum(int n, Take&& take) {
  constexpr int vectors = lanes / DW;
  D lane[vectors];
  for (D& s : lane) s = D(0.0);
  alignas(64) double wide[lanes];
  for (int i = 0; i < n; i += lanes) {
#pragma GCC unroll 4
    for (int k = 0; k < lanes; k += 4) take(wide + k, i + k);
    for (int v = 0; v < vectors; ++v) lane[v] = lane[v] + D::load_aligned(wide + v * DW);
  }
  // folded in halves, as long as that can be done with whole vectors, and then the rest of the way
#pragma GCC unroll 3
  for (int half = vectors / 2; half; half /= 2)
    for (int v = 0; v < half; ++v) lane[v] = lane[v] + lane[v + half];
  lane[0].store_aligned(wide);
#pragma GCC unroll 3
  for (int half = DW / 2; half; half /= 2)
    for (int k = 0; k < half; ++k) wide[k] += wide[k + half];
  return wide[0];
}
inline void four_of(double* out, const float* in, int i, int n) {
  if (i + 4 <= n)
    widen_four(out, in + i);
  else
    for (int k = 0; k < 4; ++k) out[k] = i + k < n ? double(in[i + k]) : 0.0;
}

double sum(const float* in, int n) {
  return lane_sum(n, [&](double* out, int i) { four_of(out, in, i, n); });
}
double product(const float* a, const float* b, int n) {
  return lane_sum(n, [&](double* out, int i) {
    alignas(32) double other[4];
    four_of(out, a, i, n);
    four_of(other, b, i, n);
#pragma GCC unroll 4
    for (int k = 0; k < 4; ++k) out[k] *= other[k];
  });
}

float dot(const float* a, const float* b, int n) {
  constexpr int vectors = lanes / W;
  V lane[vectors];
  for (V& s : lane) s = V(0.0f);
  for (int i = 0; i < n; i += lanes)
    for (int v = 0; v < vectors; ++v)
      lane[v] = lane[v] + V::load_unaligned(a + i + v * W) * V::load_unaligned(b + i + v * W);
#pragma GCC unroll 2
  for (int half = vectors / 2; half; half /= 2)
    for (int v = 0; v < half; ++v) lane[v] = lane[v] + lane[v + half];
  alignas(64) float l[W];
  lane[0].store_aligned(l);
#pragma GCC unroll 4
  for (int half = W / 2; half; half /= 2)
    for (int k = 0; k < half; ++k) l[k] += l[k + half];
  return l[0];
}

// Three sieves, each cheaper than the next: samples alone, samples and halves, quarters too. A sine of 0.4536 of the
// rate is at least 0.757 of its crest somewhere on the half-sample grid, and 0.937 on the quarter-sample grid.
bool scout(float* level, const float* x, const PeakScout& s, float floor, int n) {
  constexpr int parts = lanes / W, pairs = PeakScout::pairs;
  const V never(floor / s.largest), hardly(floor * 0.7f), maybe(floor * 0.85f);
  // the highest sample of each group and the six on either side
  constexpr int beside = PeakScout::reach / lanes, most = PeakScout::most / lanes;
  static_assert(beside == 6);
  V around[most + 2 * beside];
  const int groups = n / lanes, all = groups + 2 * beside;
  for (int g = 0; g < all; ++g) {
    around[g] = V(0.0f);
    for (int p = 0; p < parts; ++p)
      around[g] = xsimd::max(around[g], xsimd::abs(V::load_unaligned(x + (g - beside) * lanes + p * W)));
  }
  for (int g = 0; g + 1 < all; ++g) around[g] = xsimd::max(around[g], around[g + 1]);  // of 2
  for (int g = 0; g + 3 < all; ++g) around[g] = xsimd::max(around[g], around[g + 2]);  // of 4
  for (int g = 0; g + 7 < all; ++g) around[g] = xsimd::max(around[g], around[g + 4]);  // of 8
  for (int g = 0; g < groups; ++g) around[g] = xsimd::max(around[g], around[g + 5]);   // of 13

  bool found = false;
  for (int g = 0; g < groups; ++g, x += lanes, level += lanes) {
    const auto nothing = [&] {
      for (int p = 0; p < parts; ++p) V(0.0f).store_unaligned(level + p * W);
    };
    if (!xsimd::any(around[g] > never)) {
      nothing();
      continue;
    }
    V high[parts], any(0.0f);
    for (int p = 0; p < parts; ++p) {
      V h(0.0f);
#pragma GCC unroll 10
      for (int k = 0; k < pairs; ++k)
        h = h + V(s.half[k]) * (V::load_unaligned(x + p * W - k) + V::load_unaligned(x + p * W + 1 + k));
      high[p] = xsimd::max(xsimd::abs(V::load_unaligned(x + p * W)), xsimd::abs(h));
      any = xsimd::max(any, high[p]);
    }
    if (!xsimd::any(xsimd::max(any, xsimd::abs(V::load_unaligned(x + lanes - W + 1))) > hardly)) {
      nothing();
      continue;
    }
    any = V(0.0f);
    for (int p = 0; p < parts; ++p) {
      V e(0.0f), o(0.0f);
#pragma GCC unroll 10
      for (int k = 0; k < pairs; ++k) {
        const V left = V::load_unaligned(x + p * W - k), right = V::load_unaligned(x + p * W + 1 + k);
        e = e + V(s.even[k]) * (left + right);
        o = o + V(s.odd[k]) * (left - right);
      }
      // of a sum and a difference, the larger in magnitude is the sum of magnitudes
      high[p] = xsimd::max(high[p], xsimd::abs(e) + xsimd::abs(o));
      any = xsimd::max(any, high[p]);
    }
    if (!xsimd::any(any > maybe)) {
      nothing();
      continue;
    }
    for (int p = 0; p < parts; ++p) high[p].store_unaligned(level + p * W);
    found = true;
  }
  return found;
}

void table_peak(float* level, const float* x, const PeakTable& t, int n) {
  for (int i = 0; i < n; i += W) {
    V m = xsimd::abs(V::load_unaligned(x + i));
    for (int phase = 0; phase < 2; ++phase) {
      V e(0.0f), o(0.0f);
      for (int k = 0; k < PeakTable::pairs; ++k) {
        const V left = V::load_unaligned(x + i - k), right = V::load_unaligned(x + i + 1 + k);
        e = e + V(t.even[phase][k]) * (left + right);
        o = o + V(t.odd[phase][k]) * (left - right);
      }
      m = xsimd::max(m, xsimd::abs(e) + xsimd::abs(o));
    }
    m.store_unaligned(level + i);
  }
}

constexpr MeterLoops meter{k_energy, sum, product, dot, scout, table_peak};

}  // namespace
}  // namespace lacquer
