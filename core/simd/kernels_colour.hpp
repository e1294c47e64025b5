// core/simd/kernels_colour.hpp — mid and side, width, filters over phases, saturation curves.

#pragma once

#include "core/simd/lanes.hpp"

namespace lacquer {
namespace {
namespace colour_loops {

// Calls f(i) for every whole vector that begins within n frames; the last may reach past them.
template <class F>
void each_vector(int n, F&& f) {
  for (int i = 0; i < n; i += W) f(i);
}

// Two in, two out; the last, partial vector goes through copies.
template <class F>
void pairwise(float* a_out, float* b_out, const float* a, const float* b, int n, F&& f) {
  int i = 0;
  V x, y;
  for (; i + W <= n; i += W) {
    f(V::load_unaligned(a + i), V::load_unaligned(b + i), x, y);
    x.store_unaligned(a_out + i);
    y.store_unaligned(b_out + i);
  }
  if (i < n) {
    alignas(64) float s[W] = {}, t[W] = {};
    for (int k = 0; k < n - i; ++k) s[k] = a[i + k], t[k] = b[i + k];
    f(V::load_aligned(s), V::load_aligned(t), x, y);
    x.store_aligned(s);
    y.store_aligned(t);
    for (int k = 0; k < n - i; ++k) a_out[i + k] = s[k], b_out[i + k] = t[k];
  }
}

void to_mid_side(float* mid, float* side, const float* left, const float* right, int n) {
  pairwise(mid, side, left, right, n, [](V l, V r, V& m, V& s) {
    m = (l + r) * V(0.5f);
    s = (l - r) * V(0.5f);
  });
}

void to_left_right(float* left, float* right, const float* mid, const float* side, int n) {
  pairwise(left, right, mid, side, n, [](V m, V s, V& l, V& r) {
    l = m + s;
    r = m - s;
  });
}

// In double, where sum and difference of two floats of like size are exact: at 0 % both sides get the same bits.
void widen(float* left_out, float* right_out, const float* left, const float* right, Ramp percent, int n) {
  alignas(64) double l[lanes], r[lanes], w[lanes];
  const double start = double(percent.from) / 100, rise = (double(percent.to) - double(percent.from)) / 100,
               whole = double(percent.frames);
  for (int k = 0; k < lanes; ++k) w[k] = double(percent.to) / 100;
  for (int i = 0; i < n; i += lanes) {
    const int left_over = n - i < lanes ? n - i : lanes;
    if (percent.moves())
      for (int k = 0; k < lanes; ++k) w[k] = start + rise * (double(percent.at + i + k) / whole);
    if (left_over == lanes) {
      for (int k = 0; k < lanes; ++k) l[k] = double(left[i + k]);
      for (int k = 0; k < lanes; ++k) r[k] = double(right[i + k]);
    } else {
      for (int k = 0; k < lanes; ++k) l[k] = k < left_over ? double(left[i + k]) : 0.0;
      for (int k = 0; k < lanes; ++k) r[k] = k < left_over ? double(right[i + k]) : 0.0;
    }
    alignas(64) float a[lanes], b[lanes];
    for (int k = 0; k < lanes; ++k) {
      const double mid = (l[k] + r[k]) * 0.5, side = (l[k] - r[k]) * 0.5 * w[k];
      a[k] = float(mid + side);
      b[k] = float(mid - side);
    }
    if (left_over == lanes) {
      for (int k = 0; k < lanes; ++k) left_out[i + k] = a[k];
      for (int k = 0; k < lanes; ++k) right_out[i + k] = b[k];
    } else {
      for (int k = 0; k < left_over; ++k) left_out[i + k] = a[k], right_out[i + k] = b[k];
    }
  }
}

// `many` rows at once, for one channel or for two: a vector of samples serves every row that it is in reach of, a tap
// both channels. Row v joins in at sample step * v and leaves at taps + step * v; every row adds in the order of time.
template <int many, bool two, bool straight>
void comb_rows(float* out, const float* in, const Comb& f, const int* row_out, const int* row_centre, int step, int n,
               int advance) {
  static_assert(many <= 4);
  const float* also = in + f.channel;
  const V weight(f.weight), zero(0.0f);
  for (int i = 0; i < n; i += advance) {
    V a0 = zero, a1 = zero, a2 = zero, a3 = zero, b0 = zero, b1 = zero, b2 = zero, b3 = zero;
    const auto start = [&](V& a, V& b, int v) {
      if (f.weight == 0.0f || v >= many) return;
      a = weight * V::load_unaligned(in + row_centre[v] + i);
      if constexpr (two) b = weight * V::load_unaligned(also + row_centre[v] + i);
    };
    start(a0, b0, 0), start(a1, b1, 1), start(a2, b2, 2), start(a3, b3, 3);
    const auto rows = [&]<int from, int to>(int first, int last) __attribute__((always_inline)) {
      for (int e = first; e < last; ++e) {
        const int at = i + (straight ? f.sample[0] + e : f.sample[e]);
        const V x = V::load_unaligned(in + at);
        V y = zero;
        if constexpr (two) y = V::load_unaligned(also + at);
        const auto add = [&]<int v>(V & a, V & b) __attribute__((always_inline)) {
          if constexpr (from <= v && v < to) {
            const V tap(straight ? f.tap[e - step * v] : f.tap[e * many + v]);
            a = a + tap * x;
            if constexpr (two) b = b + tap * y;
          }
        };
        add.template operator()<0>(a0, b0);
        add.template operator()<1>(a1, b1);
        add.template operator()<2>(a2, b2);
        add.template operator()<3>(a3, b3);
      }
    };
    rows.template operator()<0, 1>(0, many > 1 ? step : f.taps);
    if constexpr (many == 2) {
      rows.template operator()<0, 2>(step, f.taps);
      rows.template operator()<1, 2>(f.taps, f.taps + step);
    }
    if constexpr (many == 4) {
      rows.template operator()<0, 2>(step, 2 * step);
      rows.template operator()<0, 3>(2 * step, 3 * step);
      rows.template operator()<0, 4>(3 * step, f.taps);
      rows.template operator()<1, 4>(f.taps, f.taps + step);
      rows.template operator()<2, 4>(f.taps + step, f.taps + 2 * step);
      rows.template operator()<3, 4>(f.taps + 2 * step, f.taps + 3 * step);
    }
    const auto stop = [&](V a, V b, int v) {
      if (v >= many) return;
      a.store_unaligned(out + row_out[v] + i);
      if constexpr (two) b.store_unaligned(out + f.channel + row_out[v] + i);
    };
    stop(a0, b0, 0), stop(a1, b1, 1), stop(a2, b2, 2), stop(a3, b3, 3);
  }
}
template <bool two>
void comb_as(float* out, const float* in, const Comb& f, int n) {
  if (f.rows == 4) return comb_rows<4, two, false>(out, in, f, f.out, f.centre, 1, n, W);
  if (f.rows == 2) return comb_rows<2, two, false>(out, in, f, f.out, f.centre, 1, n, W);
  // One row: the rows are the vectors that follow each other in time, as far as there are taps to share.
  constexpr int many = W > 8 ? 2 : 4;
  const int whole = f.taps >= (many - 1) * W ? n / (many * W) * (many * W) : 0;
  int outs[many], centres[many];
  for (int v = 0; v < many; ++v) outs[v] = f.out[0] + v * W, centres[v] = f.centre[0] + v * W;
  comb_rows<many, two, true>(out, in, f, outs, centres, W, whole, many * W);
  comb_rows<1, two, true>(out + whole, in + whole, f, f.out, f.centre, 1, n - whole, W);
}
void comb(float* out, const float* in, const Comb& f, int n) {
  f.channel ? comb_as<true>(out, in, f, n) : comb_as<false>(out, in, f, n);
}

// 1 - tanh(v) / v for |v| <= 9, from w = v^2: w times a rational function fitted to a relative error of 1e-8
// (Sanathanan-Koerner iteration with Lawson weights). All terms are positive: nothing cancels.
V tanh_loss(V w) {
  V p = V(8.203497712548804e-07f);
  p = p * w + V(3.172706355705002e-04f);
  p = p * w + V(2.256130061128065e-02f);
  p = p * w + V(3.333333307572467e-01f);
  V q = V(8.350810042308043e-07f);
  q = q * w + V(3.389083295714026e-04f);
  q = q * w + V(2.612065228286742e-02f);
  q = q * w + V(4.676838490905003e-01f);
  q = q * w + V(1.0f);
  return w * p / q;
}

// What the curve adds to its input u, never as a difference of nearly equal numbers. With v = k u and the sigmoid s,
//   f(u) = s(v) / (k (1 + t s(v))),  t moves the working point off the middle.
// For tanh that is exactly tanh around the point where it equals t, scaled to unit slope:
//   (tanh(v + atanh t) - t) / (k (1 - t^2)).
struct Bent {
  V k, k2, limit, lean;  // limit: where tanh has reached 1 to float precision
};
Bent bent_at(const Bend& b, V drive, V bias) {
  const V power = exp2(drive * V(0.332192809f)), k2 = xsimd::max(power - V(1.0f), V(0.0f));
  const V k = xsimd::sqrt(k2);
  const V t = V(1.0f) - V(1.0f - b.lean) * (V(1.0f) - bias * V(0.01f));
  return {k, k2, V(9.0f) / xsimd::max(k, V(1e-6f)), t * k / xsimd::sqrt(power)};
}
template <bool soft, bool leaning>
V bent(V u, const Bent& b) {
  V change, s;
  if (soft) {
    const V w = b.k2 * u * u, root = xsimd::sqrt(V(1.0f) + w), loss = w / (root * (V(1.0f) + root));
    change = V(0.0f) - u * loss;
    s = b.k * (u - u * loss);
  } else {
    const V in = xsimd::min(xsimd::max(u, V(0.0f) - b.limit), b.limit), loss = tanh_loss(b.k2 * in * in);
    change = (in - u) - in * loss;
    s = b.k * (in - in * loss);
  }
  if (!leaning) return change;
  const V ts = b.lean * s;
  return (change - ts * u) / (V(1.0f) + ts);
}
template <bool soft>
void bend_as(float* out, const float* in, const Bend& b, int n) {
  if (b.drive.moves() || b.bias.moves()) {
    const auto way = [&](const Ramp& r, int i) {
      const V done = (V(float(r.at + i)) + ramp_index() + V(b.phase)) / V(float(r.frames));
      return V(r.from) + V(r.to - r.from) * done;
    };
    each_vector(n, [&](int i) {
      bent<soft, true>(V::load_unaligned(in + i), bent_at(b, way(b.drive, i), way(b.bias, i))).store_unaligned(out + i);
    });
    return;
  }
  const Bent now = bent_at(b, V(b.drive.to), V(b.bias.to));
  if (b.lean == 0.0f && b.bias.to == 0.0f)
    each_vector(n, [&](int i) { bent<soft, false>(V::load_unaligned(in + i), now).store_unaligned(out + i); });
  else
    each_vector(n, [&](int i) { bent<soft, true>(V::load_unaligned(in + i), now).store_unaligned(out + i); });
}
void bend(float* out, const float* in, const Bend& b, int n) {
  b.soft ? bend_as<true>(out, in, b, n) : bend_as<false>(out, in, b, n);
}

}  // namespace colour_loops

constexpr ColourLoops colour{colour_loops::to_mid_side, colour_loops::to_left_right, colour_loops::widen,
                             colour_loops::comb, colour_loops::bend};

}  // namespace
}  // namespace lacquer
