// core/simd/kernels_meter.hpp — K-weighting and sums, for the meters.

#pragma once

#include "core/simd/lanes.hpp"

namespace lacquer {
namespace {

inline double total(const Float8& v) {
  alignas(32) float l[8];
  store(l, v);
  return ((double(l[0]) + double(l[4])) + (double(l[1]) + double(l[5]))) +
         ((double(l[2]) + double(l[6])) + (double(l[3]) + double(l[7])));
}

// Up to 64 frames of `count` channels, whose matrices are loaded once for both of a pair.
template <int count>
inline void k_weigh(const KStep& k, double* const* state, const float* const* in, const double* weight, float* energy,
                    bool more, float* mono, double* sums, double* mono_sum, int n) {
  Float8 sum[count] = {}, together{};
  alignas(32) double s[count][4], x[count][8];
  alignas(16) float small[count][4];
  float weigh[count];
  for (int c = 0; c < count; ++c) weigh[c] = float(weight[c]);
  for (int c = 0; c < count; ++c)
    for (int q = 0; q < 4; ++q) s[c][q] = state[c][q], small[c][q] = float(s[c][q]);
  for (int i = 0; i < n; i += 8) {
    // sums are taken in pairs: a long chain of additions would be waited for
    Float8 power{}, y[count];
#pragma GCC unroll 2
    for (int c = 0; c < count; ++c) {
      const float* f = in[c] + i;
      store(x[c], wide4(f));
      store(x[c] + 4, wide4(f + 4));
      const auto two = [&](int j) { return load8(k.direct[j]) * f[j] + load8(k.direct[j + 1]) * f[j + 1]; };
      const Float8 kept = (load8(k.out_of[0]) * small[c][0] + load8(k.out_of[1]) * small[c][1]) +
                          (load8(k.out_of[2]) * small[c][2] + load8(k.out_of[3]) * small[c][3]);
      y[c] = ((two(0) + two(2)) + (two(4) + two(6))) + kept;
      const Float8 square = y[c] * y[c];
      sum[c] = sum[c] + square;
      power = power + square * weigh[c];
    }
    if (more) power = power + load8(energy + i);
    store(energy + i, power);
    if (count == 2 && mono) {
      const Float8 both = y[0] + y[count - 1], power_of_both = both * both * 0.5f;
      together = together + power_of_both;
      store(mono + i, power_of_both);
    }

#pragma GCC unroll 2
    for (int c = 0; c < count; ++c) {
      const auto two = [&](int j) { return load4(k.into[j]) * x[c][j] + load4(k.into[j + 1]) * x[c][j + 1]; };
      const Double4 fed = (two(0) + two(2)) + (two(4) + two(6));
      const Double4 next = fed + ((load4(k.keep[0]) * s[c][0] + load4(k.keep[1]) * s[c][1]) +
                                  (load4(k.keep[2]) * s[c][2] + load4(k.keep[3]) * s[c][3]));
      store(s[c], next);
      store(small[c], __builtin_convertvector(next, Float4));
    }
  }
  for (int c = 0; c < count; ++c) {
    for (int q = 0; q < 4; ++q) state[c][q] = s[c][q];
    sums[c] += total(sum[c]);
  }
  if (count == 2 && mono) *mono_sum += total(together);
}

void k_energy(const KStep& k, double* state, const float* const* in, const double* weight, int channels, float* energy,
              float* mono, double* sums, int n) {
  for (int c = 0; c < channels + (mono ? 1 : 0); ++c) sums[c] = 0;
  for (int i = 0; i < n; i += 64) {
    const int m = n - i < 64 ? n - i : 64;
    int c = 0;
    for (; c + 2 <= channels; c += 2) {
      double* s[2] = {state + 4 * c, state + 4 * c + 4};
      const float* x[2] = {in[c] + i, in[c + 1] + i};
      k_weigh<2>(k, s, x, weight + c, energy + i, c > 0, mono && c == 0 ? mono + i : nullptr, sums + c, sums + channels,
                 m);
    }
    if (c < channels) {
      double* s[1] = {state + 4 * c};
      const float* x[1] = {in[c] + i};
      k_weigh<1>(k, s, x, weight + c, energy + i, c > 0, nullptr, sums + c, nullptr, m);
    }
  }
}

// Sums over sixteen lanes of what `take` makes of four samples at a time.
template <int count, class Take>
inline void lane_sums(double* out, int n, Take&& take) {
  Double4 lane[count][lanes / 4] = {};
  int i = 0;
  for (; i + lanes <= n; i += lanes)
#pragma GCC unroll 4
    for (int q = 0; q < lanes / 4; ++q) {
      Double4 v[count];
      take(v, i + 4 * q);
#pragma GCC unroll 3
      for (int s = 0; s < count; ++s) lane[s][q] = lane[s][q] + v[s];
    }
#pragma GCC unroll 3
  for (int s = 0; s < count; ++s) {  // folded in halves
    alignas(32) double l[4];
    store(l, (lane[s][0] + lane[s][2]) + (lane[s][1] + lane[s][3]));
    out[s] = (l[0] + l[2]) + (l[1] + l[3]);
  }
}
// The last n % 16 samples, with zeros behind them.
struct Rest {
  float x[lanes];
  Rest(const float* in, int n) {
    for (int i = 0; i < lanes; ++i) x[i] = i < n % lanes ? in[n / lanes * lanes + i] : 0.0f;
  }
};

double sum(const float* in, int n) {
  const auto of = [](const float* p, int count) {
    double s;
    lane_sums<1>(&s, count, [p](Double4* v, int i) { v[0] = wide4(p + i); });
    return s;
  };
  return n % lanes ? of(in, n) + of(Rest(in, n).x, lanes) : of(in, n);
}

MeterLoops::Levels levels(const float* in, int n) {
  const auto of = [](const float* p, int count) {
    Float8 high{};
    double s[2];
    lane_sums<2>(s, count, [&](Double4* v, int i) {
      v[0] = wide4(p + i);
      v[1] = v[0] * v[0];
    });
    for (int i = 0; i < count; i += 8) {
      const Float8 x = load8(p + i), a = x < -x ? -x : x;
      high = a > high ? a : high;
    }
    alignas(32) float lane[8];
    store(lane, high);
    float most = 0;
    for (float l : lane) most = l > most ? l : most;
    return MeterLoops::Levels{most, s[0], s[1]};
  };
  MeterLoops::Levels all = of(in, n / lanes * lanes);
  if (n % lanes) {
    const MeterLoops::Levels rest = of(Rest(in, n).x, lanes);
    all = {rest.peak > all.peak ? rest.peak : all.peak, all.sum + rest.sum, all.energy + rest.energy};
  }
  return all;
}

MeterLoops::Products products(const float* a, const float* b, int n) {
  const auto of = [](const float* p, const float* q, int count) {
    double s[3];
    lane_sums<3>(s, count, [=](Double4* v, int i) {
      const Double4 x = wide4(p + i), y = wide4(q + i);
      v[0] = x * x, v[1] = y * y, v[2] = x * y;
    });
    return MeterLoops::Products{s[0], s[1], s[2]};
  };
  MeterLoops::Products all = of(a, b, n);
  if (n % lanes) {
    const MeterLoops::Products rest = of(Rest(a, n).x, Rest(b, n).x, lanes);
    all = {all.aa + rest.aa, all.bb + rest.bb, all.ab + rest.ab};
  }
  return all;
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

// Sieves, each cheaper than the next: what samples and their second differences allow; the halves; the quarters too. A
// sine of 0.4536 of the rate is at least 0.757 of its crest somewhere on the half-sample grid, and 0.937 on the
// quarter-sample grid.
int scout(float* level, int* group, const float* x, const PeakScout& s, float floor, int n) {
  constexpr int parts = lanes / W, pairs = PeakScout::pairs, beside = PeakScout::reach / lanes;
  static_assert(beside == 8);
  const V hardly(floor * 0.7f), maybe(floor * 0.85f), two(2.0f), never(floor / s.largest);
  // the highest sample and the largest second difference of each four groups, from the eighth before the first one on:
  // five of them in a row hold all that four groups can reach
  constexpr int most = PeakScout::most / lanes / 4 + 4;
  V high[most], curve[most];
  const int groups = n / lanes, fours = (groups + 3) / 4;
  for (int f = 0; f < fours + 4; ++f) {
    V h(0.0f), c(0.0f);
    const float* at = x + (4 * f - beside) * lanes;
    const float* const end = x + n + beside * lanes;
    for (int p = 0; p < 4 * parts && at < end; ++p, at += W) {
      const V here = V::load_unaligned(at);
      h = xsimd::max(h, xsimd::abs(here));
      c = xsimd::max(c, xsimd::abs(V::load_unaligned(at - 1) + V::load_unaligned(at + 1) - two * here));
    }
    high[f] = h, curve[f] = c;
  }

  int found = 0;
  for (int g = 0; g < groups; g += 4) {
    const int f = g / 4;
    const auto around = [f](const V* a) {
      return xsimd::max(xsimd::max(xsimd::max(a[f], a[f + 1]), xsimd::max(a[f + 2], a[f + 3])), a[f + 4]);
    };
    if (!xsimd::any(around(high) > never)) continue;
    alignas(64) float lane[W];
    around(curve).store_aligned(lane);
    float bend = 0;
    for (float l : lane) bend = l > bend ? l : bend;
    const V enough((floor - s.bent * bend) / s.flat);
    for (int i = g; i < g + 4 && i < groups; ++i) {
      const float* at = x + i * lanes;
      V sample = xsimd::abs(V::load_unaligned(at + lanes - W + 1));
      for (int p = 0; p < parts; ++p) sample = xsimd::max(sample, xsimd::abs(V::load_unaligned(at + p * W)));
      if (!xsimd::any(sample > enough)) continue;
      V top[parts], any(0.0f);
      for (int p = 0; p < parts; ++p) {
        V h(0.0f);
#pragma GCC unroll 10
        for (int k = 0; k < pairs; ++k)
          h = h + V(s.half[k]) * (V::load_unaligned(at + p * W - k) + V::load_unaligned(at + p * W + 1 + k));
        top[p] = xsimd::max(xsimd::abs(V::load_unaligned(at + p * W)), xsimd::abs(h));
        any = xsimd::max(any, top[p]);
      }
      if (!xsimd::any(xsimd::max(any, sample) > hardly)) continue;
      any = V(0.0f);
      for (int p = 0; p < parts; ++p) {
        V e(0.0f), o(0.0f);
#pragma GCC unroll 10
        for (int k = 0; k < pairs; ++k) {
          const V left = V::load_unaligned(at + p * W - k), right = V::load_unaligned(at + p * W + 1 + k);
          e = e + V(s.even[k]) * (left + right);
          o = o + V(s.odd[k]) * (left - right);
        }
        // of a sum and a difference, the larger in magnitude is the sum of magnitudes
        top[p] = xsimd::max(top[p], xsimd::abs(e) + xsimd::abs(o));
        any = xsimd::max(any, top[p]);
      }
      if (!xsimd::any(any > maybe)) continue;
      for (int p = 0; p < parts; ++p) top[p].store_unaligned(level + i * lanes + p * W);
      group[found++] = i;
    }
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

constexpr MeterLoops meter{k_energy, sum, levels, products, dot, scout, table_peak};

}  // namespace
}  // namespace lacquer
