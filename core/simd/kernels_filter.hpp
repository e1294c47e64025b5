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
  static Coefficients between(const Coefficients& from, const Coefficients& to, D t) {
    return {from.b0 + (to.b0 - from.b0) * t, from.b1 + (to.b1 - from.b1) * t, from.b2 + (to.b2 - from.b2) * t,
            from.a1 + (to.a1 - from.a1) * t, from.a2 + (to.a2 - from.a2) * t};
  }
};

struct History {
  D x1, x2, y1, y2;
};

D step(D x, const History& h, const Coefficients& c) {
  return ((c.b0 * x + c.b1 * h.x1) + (c.b2 * h.x2 - c.a2 * h.y2)) - c.a1 * h.y1;
}

/// DW sections over a block of Channels channels, in place.
template <int Channels, bool Moving>
void group(double* const* io, const Cascade& f, int first, int n) {
  constexpr int lead = 2 * (DW - 1);  // how far the first section runs ahead of the last
  Coefficients from[Channels], to[Channels];
  History h[Channels];
  D pipe1[Channels], pipe2[Channels];  // the last two outputs as they came, also of lanes that stand still
  for (int c = 0; c < Channels; ++c) {
    from[c] = Coefficients::at(f.from[c] + first, f.stride);
    if constexpr (Moving) to[c] = Coefficients::at(f.to[c] + first, f.stride);
    const double* s = f.state[c] + first;
    h[c] = {load_turned(s), load_turned(s + f.stride), load_turned(s + 2 * f.stride), load_turned(s + 3 * f.stride)};
    pipe1[c] = pipe2[c] = D(0.0);
  }
  alignas(64) double late[DW];
  for (int k = 0; k < DW; ++k) late[k] = 2.0 * (DW - 1 - k);
  const D behind = D::load_aligned(late), length = D(double(n)), at = D(double(f.at));
  const D per_frame = D(1.0 / double(f.frames));
  const double silence = 0;

  const auto edge = [&](int i) {  // some lanes have not begun, or have ended
    const D frame = D(double(i)) - behind;
    const auto runs = frame >= D(0.0) && frame < length;
    for (int c = 0; c < Channels; ++c) {
      const D x = shift_in(pipe2[c], i < n ? io[c] + i : &silence);
      Coefficients k = from[c];
      if constexpr (Moving) k = Coefficients::between(from[c], to[c], (frame + at) * per_frame);
      const D y = step(x, h[c], k);
      h[c] = {xsimd::select(runs, x, h[c].x1), xsimd::select(runs, h[c].x1, h[c].x2), xsimd::select(runs, y, h[c].y1),
              xsimd::select(runs, h[c].y1, h[c].y2)};
      pipe2[c] = pipe1[c];
      pipe1[c] = y;
      if (i >= lead) put(io[c] + i - lead, y);
    }
  };
  int i = 0;
  for (; i < lead; ++i) edge(i);
  for (; i < n; ++i)
    for (int c = 0; c < Channels; ++c) {
      const D x = shift_in(h[c].y2, io[c] + i);
      Coefficients k = from[c];
      if constexpr (Moving) k = Coefficients::between(from[c], to[c], (D(double(i)) - behind + at) * per_frame);
      const D y = step(x, h[c], k);
      h[c] = {x, h[c].x1, y, h[c].y1};
      put(io[c] + i - lead, y);
    }
  if (n > lead)
    for (int c = 0; c < Channels; ++c) pipe1[c] = h[c].y1, pipe2[c] = h[c].y2;
  for (; i < n + lead; ++i) edge(i);
  for (int c = 0; c < Channels; ++c) {
    double* s = f.state[c] + first;
    store_turned(s, h[c].x1);
    store_turned(s + f.stride, h[c].x2);
    store_turned(s + 2 * f.stride, h[c].y1);
    store_turned(s + 3 * f.stride, h[c].y2);
  }
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
  for (int i = 0; i < n; ++i) out[i] = double(in[i]);
}
void narrow(float* out, const double* in, int n) {
  for (int i = 0; i < n; ++i) out[i] = float(in[i]) + 0.0f;  // silence has many roads, but one sign
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

constexpr FilterLoops filter{filter_loops::cascade, filter_loops::widen, filter_loops::narrow,
                             filter_loops::to_mid_side, filter_loops::to_left_right};

}  // namespace
}  // namespace lacquer
