// core/simd/kernels_meter.hpp — K-weighting and sums, for the meters.

#pragma once

#include "core/simd/lanes.hpp"

namespace lacquer {
namespace {

using D = xsimd::batch<double, Arch>;
constexpr int DW = int(D::size);

// Eight frames of `count` channels. The matrices are loaded once for both channels of a pair; additions happen in one
// order whatever the width.
template <int count>
inline void k_eight(const KStep& k, double* const* state, const float* const* in, const double* weight, D* energy) {
  constexpr int out_vectors = 8 / DW, state_vectors = DW > 4 ? 1 : 4 / DW;
  alignas(64) double x[count][8];
#pragma GCC unroll 2
  for (int c = 0; c < count; ++c)
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) x[c][i] = double(in[c][i]);

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
    for (int j = 0; j < 8; ++j) energy[i + j] = float(e[j]);
  }
}

double sum(const float* in, int n) {
  D lane[lanes / DW];
  for (D& s : lane) s = D(0.0);
  alignas(64) double wide[lanes];
  for (int i = 0; i < n; i += lanes) {
    if (i + lanes <= n)
      for (int k = 0; k < lanes; ++k) wide[k] = double(in[i + k]);
    else
      for (int k = 0; k < lanes; ++k) wide[k] = i + k < n ? double(in[i + k]) : 0.0;
    for (int v = 0; v < lanes / DW; ++v) lane[v] = lane[v] + D::load_aligned(wide + v * DW);
  }
  for (int v = 0; v < lanes / DW; ++v) lane[v].store_aligned(wide + v * DW);
  for (int half = lanes / 2; half; half /= 2)
    for (int k = 0; k < half; ++k) wide[k] += wide[k + half];
  return wide[0];
}

constexpr MeterLoops meter{k_energy, sum};

}  // namespace
}  // namespace lacquer
