// core/simd/kernels_filter.hpp — second-order sections in a row, a section in each lane.
//
// A section needs what the one before it has just computed, so the lanes run skewed: two frames apart, which leaves the
// time a vector needs to travel from one lane to the next out of the loop's critical path. Every section does the same
// operations in the same order in every set and at every place in a block, so the result is that of the plain cascade.

#pragma once

#include "core/simd/lanes.hpp"

namespace lacquer {
namespace {
namespace filter_loops {

using D = xsimd::batch<double, Arch>;
constexpr int DW = int(D::size);
static_assert(FilterLoops::group % DW == 0);
constexpr int lead = 2 * (DW - 1);  // how far the first section runs ahead of the last

/// The lanes move down by one; `in` enters at the top.
D shift_in(D y, const double* in) {
#if defined(__AVX512F__)
  return _mm512_castsi512_pd(_mm512_alignr_epi64(_mm512_castpd_si512(_mm512_set1_pd(*in)), _mm512_castpd_si512(y), 1));
#elif defined(__AVX2__)
  return _mm256_blend_pd(_mm256_permute4x64_pd(y, 0x39), _mm256_broadcast_sd(in), 8);
#elif defined(__SSE2__)
  return _mm_shuffle_pd(y, _mm_load1_pd(in), 1);
#elif defined(__aarch64__)
  return vextq_f64(y, vdupq_n_f64(*in), 1);
#endif
}
/// The bottom lane.
void put(double* out, D y) {
#if defined(__AVX512F__)
  _mm_storel_pd(out, _mm512_castpd512_pd128(y));
#elif defined(__AVX2__)
  _mm_storel_pd(out, _mm256_castpd256_pd128(y));
#elif defined(__SSE2__)
  _mm_storel_pd(out, y);
#elif defined(__aarch64__)
  vst1q_lane_f64(out, y, 0);
#endif
}

// The first section is in the top lane, the last in the bottom one, where its output is a plain store.
D load_turned(const double* from) {
  alignas(64) double turned[DW];
  for (int k = 0; k < DW; ++k) turned[DW - 1 - k] = from[k];
  return D::load_aligned(turned);
}
void store_turned(double* to, D v) {
  alignas(64) double turned[DW];
  v.store_aligned(turned);
  for (int k = 0; k < DW; ++k) to[k] = turned[DW - 1 - k];
}

struct Coefficients {
  D b0, b1, b2, a1, a2;
  static Coefficients at(const double* p, int stride) {
    return {load_turned(p), load_turned(p + stride), load_turned(p + 2 * stride), load_turned(p + 3 * stride),
            load_turned(p + 4 * stride)};
  }
};

struct History {
  D x1, x2, y1, y2;
};

D step(D x, const History& h, const Coefficients& c) {
  return ((c.b0 * x + c.b1 * h.x1) + (c.b2 * h.x2 - c.a2 * h.y2)) - c.a1 * h.y1;
}

/// Everything about one channel while DW of its sections are on their way, in variables that stay in registers.
template <bool Moving>
struct Lane {
  Coefficients from, to;
  History h;
  D pipe1, pipe2;  // the last two outputs as they came, also of sections that stand still
  double* io;
  double* state;

  void open(double* data, const Cascade& f, int channel, int first) {
    from = Coefficients::at(f.from[channel] + first, f.stride);
    if constexpr (Moving) to = Coefficients::at(f.to[channel] + first, f.stride);
    io = data;
    state = f.state[channel] + first;
    h = {load_turned(state), load_turned(state + f.stride), load_turned(state + 2 * f.stride),
         load_turned(state + 3 * f.stride)};
    pipe1 = pipe2 = D(0.0);
  }
  void close(int stride) {
    store_turned(state, h.x1);
    store_turned(state + stride, h.x2);
    store_turned(state + 2 * stride, h.y1);
    store_turned(state + 3 * stride, h.y2);
  }
  Coefficients now(D t) const {
    if constexpr (Moving)
      return {from.b0 + (to.b0 - from.b0) * t, from.b1 + (to.b1 - from.b1) * t, from.b2 + (to.b2 - from.b2) * t,
              from.a1 + (to.a1 - from.a1) * t, from.a2 + (to.a2 - from.a2) * t};
    else
      return from;
  }
  /// A frame in which all sections run.
  void frame(int i, D t) {
    const D x = shift_in(h.y2, io + i);
    const D y = step(x, h, now(t));
    put(io + i - lead, y);
    h = {x, h.x1, y, h.y1};
  }
  /// One in which some have not begun, or have ended.
  template <class Mask>
  void edge(int i, const double* in, D t, Mask runs) {
    const D x = shift_in(pipe2, in);
    const D y = step(x, h, now(t));
    h = {xsimd::select(runs, x, h.x1), xsimd::select(runs, h.x1, h.x2), xsimd::select(runs, y, h.y1),
         xsimd::select(runs, h.y1, h.y2)};
    pipe2 = pipe1;
    pipe1 = y;
    if (i >= lead) put(io + i - lead, y);
  }
};

/// DW sections over a block of Channels channels, in place.
template <int Channels, bool Moving>
void group(double* const* io, const Cascade& f, int first, int n) {
  Lane<Moving> a, b;
  a.open(io[0], f, 0, first);
  if constexpr (Channels == 2) b.open(io[1], f, 1, first);
  alignas(64) double late[DW];
  for (int k = 0; k < DW; ++k) late[k] = 2.0 * (DW - 1 - k);
  const D behind = D::load_aligned(late), length = D(double(n)), at = D(double(f.at));
  const D per_frame = D(1.0 / double(f.frames));
  const double silence = 0;

  for (int i = 0; i < n + lead; ++i) {
    const D frame = D(double(i)) - behind, t = (frame + at) * per_frame;
    const auto runs = frame >= D(0.0) && frame < length;
    a.edge(i, i < n ? a.io + i : &silence, t, runs);
    if constexpr (Channels == 2) b.edge(i, i < n ? b.io + i : &silence, t, runs);
    if (i == lead - 1) {
      for (++i; i + 2 <= n; i += 2) {
        const D now = (D(double(i)) - behind + at) * per_frame, next = (D(double(i + 1)) - behind + at) * per_frame;
        a.frame(i, now);
        if constexpr (Channels == 2) b.frame(i, now);
        a.frame(i + 1, next);
        if constexpr (Channels == 2) b.frame(i + 1, next);
      }
      if (i > lead) a.pipe1 = a.h.y1, a.pipe2 = a.h.y2;
      if constexpr (Channels == 2)
        if (i > lead) b.pipe1 = b.h.y1, b.pipe2 = b.h.y2;
      --i;
    }
  }
  a.close(f.stride);
  if constexpr (Channels == 2) b.close(f.stride);
}

void cascade(double* const* io, int channels, const Cascade& f, int n) {
  const bool moving = f.from[0] != f.to[0];
  for (int first = 0; first < f.sections; first += DW) {
    if (channels == 2)
      moving ? group<2, true>(io, f, first, n) : group<2, false>(io, f, first, n);
    else
      moving ? group<1, true>(io, f, first, n) : group<1, false>(io, f, first, n);
  }
}

void widen(double* out, const float* in, int n) {
  int i = 0;
  for (; i + 4 <= n; i += 4) store(out + i, wide4(in + i));
  for (; i < n; ++i) out[i] = double(in[i]);
}
void narrow(float* out, const double* in, int n) {  // + 0: silence has many roads, but one sign
  int i = 0;
  for (; i + 4 <= n; i += 4) store(out + i, __builtin_convertvector(load4(in + i), Float4) + 0.0f);
  for (; i < n; ++i) out[i] = float(in[i]) + 0.0f;
}
void convolve(float* sum, const float* x, const float* h, int n) {
  for (int i = 0; i < 2 * n; i += 4) {
    Float4 s, a, b;
    __builtin_memcpy(&s, sum + i, sizeof s);
    __builtin_memcpy(&a, x + i, sizeof a);
    __builtin_memcpy(&b, h + i, sizeof b);
    const Float4 re = pick<0, 0, 2, 2>(b, b), im = pick<1, 1, 3, 3>(b, b), turned = pick<1, 0, 3, 2>(a, a);
    store(sum + i, s + (a * re + turned * im * Float4{-1, 1, -1, 1}));
  }
}
void to_mid_side(double* left, double* right, int n) {
  for (int i = 0; i < n; ++i) {
    const double l = left[i], r = right[i];
    left[i] = 0.5 * (l + r);
    right[i] = 0.5 * (l - r);
  }
}
void to_left_right(double* mid, double* side, int n) {
  for (int i = 0; i < n; ++i) {
    const double m = mid[i], s = side[i];
    mid[i] = m + s;
    side[i] = m - s;
  }
}

}  // namespace filter_loops

constexpr FilterLoops filter{filter_loops::cascade,  filter_loops::widen,       filter_loops::narrow,
                             filter_loops::convolve, filter_loops::to_mid_side, filter_loops::to_left_right};

}  // namespace
}  // namespace lacquer
