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

// What arrives last is added last: the sample has just come from the lane above, the output of the frame before from
// the loop itself.
D step(D x, const History& h, const Coefficients& c) {
  return ((c.b1 * h.x1 + (c.b2 * h.x2 - c.a2 * h.y2)) + c.b0 * x) - c.a1 * h.y1;
}

/// Everything about DW sections of one channel on their way through a block, in variables that stay in registers.
template <bool Moving>
struct Lane {
  Coefficients from, to;
  History h;
  D pipe1, pipe2;  // the last two outputs as they came, also of sections that stand still
  double* io;

  void open(double* data, const Cascade& f, int channel, int first) {
    from = Coefficients::at(f.from[channel] + first, f.stride);
    if constexpr (Moving) to = Coefficients::at(f.to[channel] + first, f.stride);
    const double* state = f.state[channel] + first;
    h = {load_turned(state), load_turned(state + f.stride), load_turned(state + 2 * f.stride),
         load_turned(state + 3 * f.stride)};
    pipe1 = pipe2 = D(0.0);
    io = data;
  }
  void close(const Cascade& f, int channel, int first) {
    double* state = f.state[channel] + first;
    store_turned(state, h.x1);
    store_turned(state + f.stride, h.x2);
    store_turned(state + 2 * f.stride, h.y1);
    store_turned(state + 3 * f.stride, h.y2);
  }
  Coefficients now(D t) const {
    if constexpr (Moving)
      return {from.b0 + (to.b0 - from.b0) * t, from.b1 + (to.b1 - from.b1) * t, from.b2 + (to.b2 - from.b2) * t,
              from.a1 + (to.a1 - from.a1) * t, from.a2 + (to.a2 - from.a2) * t};
    else
      return from;
  }
  /// A frame in which all sections run. `own` is what it remembers, where the compiler can keep it in registers.
  [[gnu::always_inline]] void frame(History& own, int i, D t) const {
    const D x = shift_in(own.y2, io + i);
    const D y = step(x, own, now(t));
    put(io + i - lead, y);
    own = {x, own.x1, y, own.y1};
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

/// DW sections of Channels channels.
template <int Channels, bool Moving>
struct Group {
  Lane<Moving> lane[Channels];
  D behind, length, at, per_frame;
  int n;

  [[gnu::always_inline]] Group(double* const* io, const Cascade& f, int first, int frames)
      : length(double(frames)), at(double(f.at)), per_frame(1.0 / double(f.frames)), n(frames) {
    alignas(64) double late[DW];
    for (int k = 0; k < DW; ++k) late[k] = 2.0 * (DW - 1 - k);
    behind = D::load_aligned(late);
#pragma GCC unroll 2
    for (int c = 0; c < Channels; ++c) lane[c].open(io[c], f, c, first);
  }
  [[gnu::always_inline]] void close(const Cascade& f, int first) {
#pragma GCC unroll 2
    for (int c = 0; c < Channels; ++c) lane[c].close(f, c, first);
  }
  struct Memory {
    History of[Channels];
  };
  [[gnu::always_inline]] Memory memory() const {
    Memory m;
    for (int c = 0; c < Channels; ++c) m.of[c] = lane[c].h;
    return m;
  }
  [[gnu::always_inline]] void remember(const Memory& m) {
    for (int c = 0; c < Channels; ++c) lane[c].h = m.of[c];
  }
  [[gnu::always_inline]] void frame(Memory& m, int i) const {
    const D t = Moving ? (D(double(i)) - behind + at) * per_frame : D(0.0);
#pragma GCC unroll 2
    for (int c = 0; c < Channels; ++c) lane[c].frame(m.of[c], i, t);
  }
  /// Frames in which all sections run; two at a time, so that nothing moves from one variable to another.
  [[gnu::always_inline]] void run(int from, int to) {
    Memory m = memory();
    int i = from;
    for (; i + 2 <= to; i += 2) frame(m, i), frame(m, i + 1);
    if (i < to) frame(m, i);
    remember(m);
  }
  /// The same of two groups, `other` so far behind: each hides how long the other waits for its own outputs.
  [[gnu::always_inline]] void run_with(Group& other, int gap, int from, int to) {
    Memory m = memory(), o = other.memory();
    int i = from;
    for (; i + 2 <= to; i += 2) {
      frame(m, i), other.frame(o, i - gap);
      frame(m, i + 1), other.frame(o, i + 1 - gap);
    }
    if (i < to) frame(m, i), other.frame(o, i - gap);
    remember(m);
    other.remember(o);
  }
  /// A frame in which not all sections run: one of the first or the last.
  [[gnu::always_inline]] void edge(int i) {
    const double silence = 0;
    const D here = D(double(i)) - behind;
#pragma GCC unroll 2
    for (int c = 0; c < Channels; ++c)
      lane[c].edge(i, i < n ? lane[c].io + i : &silence, (here + at) * per_frame, here >= D(0.0) && here < length);
  }
  [[gnu::always_inline]] void begin() {
    for (int i = 0; i < lead; ++i) edge(i);
  }
  [[gnu::always_inline]] void leave() {
    if (n > lead)
      for (Lane<Moving>& l : lane) l.pipe1 = l.h.y1, l.pipe2 = l.h.y2;
  }
  [[gnu::always_inline]] void end() {
    leave();
    for (int i = n > lead ? n : lead; i < n + lead; ++i) edge(i);
  }
};

template <int Channels, bool Moving>
void cascade_of(double* const* io, const Cascade& f, int n) {
  using Sections = Group<Channels, Moving>;
  int first = 0;
  // two groups at once, the second as soon as the first has something for it
  constexpr int gap = lead + 2;
  for (; first + DW < f.sections && n >= lead + gap; first += 2 * DW) {
    Sections a(io, f, first, n), b(io, f, first + DW, n);
    a.begin();
    a.run(lead, gap);
    typename Sections::Memory m = a.memory();
    for (int i = gap; i < gap + lead; ++i) a.frame(m, i), b.edge(i - gap);
    a.remember(m);
    a.run_with(b, gap, gap + lead, n);
    a.leave();
    m = b.memory();
    for (int i = n; i < n + lead; ++i) a.edge(i), b.frame(m, i - gap);
    b.remember(m);
    b.run(n + lead - gap, n);
    b.end();
    a.close(f, first);
    b.close(f, first + DW);
  }
  for (; first < f.sections; first += DW) {
    Sections a(io, f, first, n);
    a.begin();
    a.run(lead, n);
    a.end();
    a.close(f, first);
  }
}
void cascade(double* const* io, int channels, const Cascade& f, int n) {
  const bool moving = f.from[0] != f.to[0];
  if (channels == 2)
    moving ? cascade_of<2, true>(io, f, n) : cascade_of<2, false>(io, f, n);
  else
    moving ? cascade_of<1, true>(io, f, n) : cascade_of<1, false>(io, f, n);
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
// Everything at one split has the same coefficients, whatever band and channel it is of: two bands to a vector. The two
// filters of a split, and each split after the one before, work a frame behind each other, so that within a frame
// nobody waits for anybody.
template <int splits>
struct Steps {
  static constexpr int vectors = 3, lead = 2 * splits - 1;
  struct {
    Double4 s1_s1, s1_v, s2_s1, s2_v;  // of the state variables, into each other; v = x - s2
  } by[splits];
  Double4 s1[splits][vectors], s2[splits][vectors];
  // what is handed on: into a split, from its first filter to its second; the bands below go along
  struct Hand {
    Double2 rest{}, low{}, below[4]{};
  } in[splits + 1], half_way[splits];
  Double4 turn;

  explicit Steps(const Ladder& f) : turn(Double4{} + f.damping) {
    for (int k = 0; k < splits; ++k) {
      for (int v = 0; v < vectors; ++v) s1[k][v] = load4(f.s1[k][v]), s2[k][v] = load4(f.s2[k][v]);
      by[k] = {Double4{} + (2 * f.a1[k] - 1), Double4{} + 2 * f.a2[k], Double4{} + 2 * f.a2[k],
               Double4{} + 2 * f.a3[k]};
    }
  }
  void keep(Ladder& f) const {
    for (int k = 0; k < splits; ++k)
      for (int v = 0; v < vectors; ++v) store(f.s1[k][v], s1[k][v]), store(f.s2[k][v], s2[k][v]);
  }
  /// The all-pass of x, and its low part beside it. Outputs are the mean of a state before and after.
  [[gnu::always_inline]] Double4 filter(int k, int v, const Double4& x, Double4& low) {
    const Double4 was1 = s1[k][v], was2 = s2[k][v], v3 = x - was2;
    s1[k][v] = by[k].s1_s1 * was1 + by[k].s1_v * v3;
    s2[k][v] = (was2 + by[k].s2_s1 * was1) + by[k].s2_v * v3;
    low = 0.5 * (was2 + s2[k][v]);
    return x - turn * (was1 + s1[k][v]);
  }
  [[gnu::always_inline]] void first(int k) {
    const Hand& from = in[k];
    Hand& to = half_way[k];
    Double4 low;
    const Double4 turned = filter(k, 0, join(from.rest, from.below[0]), low);
    to.rest = lower(turned);
    to.low = lower(low);
    to.below[0] = upper(turned);
    for (int b = 1; b < k; ++b) to.below[b] = from.below[b];
  }
  [[gnu::always_inline]] void second(int k) {
    const Hand& from = half_way[k];
    Hand& to = in[k + 1];
    Double4 low, none;
    const Double4 turned = filter(k, 1, join(from.low, from.below[1]), low);
    if (k > 0) to.below[0] = from.below[0];
    if (k > 1) to.below[1] = upper(turned);
    if (k > 2) {
      const Double4 others = filter(k, 2, join(from.below[2], from.below[3]), none);
      to.below[2] = lower(others);
      if (k > 3) to.below[3] = upper(others);
    }
    to.low = lower(low);
    to.rest = from.rest - to.low;
    if (k < 4) to.below[k] = to.low;
  }
  /// Frame i enters, frame i - lead leaves; at the edges not all of them are there.
  template <bool edge>
  [[gnu::always_inline]] void frame(int i, int n) {
    const auto runs = [&](int late) { return !edge || (i >= late && i - late < n); };
#pragma GCC unroll 5
    for (int k = splits - 1; k >= 0; --k) {
      if (runs(2 * k + 1)) second(k);
      if (runs(2 * k)) first(k);
    }
  }
  /// Band `b` of what leaves.
  Double2 band(int b) const {
    const Hand& out = in[splits];
    return b == splits ? out.rest : b == splits - 1 ? out.low : out.below[b];
  }
};

template <int splits>
void ladder_of(float* const* left, float* const* right, Ladder& f, const float* l, const float* r, int n) {
  using S = Steps<splits>;
  constexpr int bands = splits + 1, most = 128, pairs = (bands + 1) / 2;
  S s(f);
  alignas(16) float rows[pairs][most][4];
  for (int done = 0; done < n; done += most) {
    const int m = n - done < most ? n - done : most;
    const auto in = [&](int i) __attribute__((always_inline)) {
      s.in[0].rest = Double2{double(l[done + i]), double(r[done + i])};
    };
    const auto out = [&](int i) __attribute__((always_inline)) {
#pragma GCC unroll 3
      for (int p = 0; p < pairs; ++p)
        store(rows[p][i],
              __builtin_convertvector(join(s.band(2 * p), s.band(2 * p + 1 < bands ? 2 * p + 1 : splits)), Float4));
    };
    int i = 0;
    for (; i < S::lead; ++i) {
      if (i < m) in(i);
      s.template frame<true>(i, m);
    }
    for (; i < m; ++i) {
      in(i);
      s.template frame<false>(i, m);
      out(i - S::lead);
    }
    for (; i < m + S::lead; ++i) {
      s.template frame<true>(i, m);
      out(i - S::lead);
    }
    for (int p = 0; p < pairs; ++p) {
      const bool both = 2 * p + 1 < bands;
      float* const to[4] = {left[2 * p] + done, right[2 * p] + done, left[both ? 2 * p + 1 : 2 * p] + done,
                            right[both ? 2 * p + 1 : 2 * p] + done};
      int k = 0;
      for (; k + 4 <= m; k += 4) {
        Float4 v[4] = {load4(rows[p][k]), load4(rows[p][k + 1]), load4(rows[p][k + 2]), load4(rows[p][k + 3])};
        transpose(v);
        for (int c = 0; c < (both ? 4 : 2); ++c) store(to[c] + k, v[c]);
      }
      for (; k < m; ++k)
        for (int c = 0; c < (both ? 4 : 2); ++c) to[c][k] = rows[p][k][c];
    }
  }
  s.keep(f);
}
void ladder(float* const* left, float* const* right, Ladder& f, const float* l, const float* r, int n) {
  switch (f.splits) {
    case 1:
      return ladder_of<1>(left, right, f, l, r, n);
    case 2:
      return ladder_of<2>(left, right, f, l, r, n);
    case 3:
      return ladder_of<3>(left, right, f, l, r, n);
    case 4:
      return ladder_of<4>(left, right, f, l, r, n);
    case 5:
      return ladder_of<5>(left, right, f, l, r, n);
  }
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

constexpr FilterLoops filter{filter_loops::cascade,      filter_loops::widen,    filter_loops::narrow,
                             filter_loops::ladder,       filter_loops::convolve, filter_loops::to_mid_side,
                             filter_loops::to_left_right};

}  // namespace
}  // namespace lacquer
