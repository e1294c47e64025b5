// core/simd/kernels_dynamics.hpp — what lies between the samples, and gains that follow from it.

#pragma once

#include "core/simd/lanes.hpp"

namespace lacquer {
namespace {
namespace dynamics_loops {

/// A crest near the middle one of three neighbours on a quarter-sample grid. Exact for a sine of any frequency up to
/// the root being linearised, which errs on the safe side: a^2 = b^2 + d^2 b^2 / (b^2 - m^2), with d half the
/// difference and m the mean of the outer two. No more than 1 / cos(pi / 8): a sine at the Nyquist frequency.
V crest(V before, V here, V after) {
  const V half(0.5f), b = xsimd::abs(here);
  const V d = xsimd::abs(after - before) * half;
  const V m = xsimd::max(((after + before) * half) ^ xsimd::bitofsign(here), V(0.0f));
  const V rise = half * d * d * b / xsimd::max((b - m) * (b + m), V(1e-30f));
  return xsimd::select(d <= b - m, b + xsimd::min(rise, b * V(0.0824f)), b);
}

/// Three values between the samples, and the last one of the frame before.
struct Between {
  V last, quarter, half, three;
};
V highest(const Between& y) {
  return xsimd::max(xsimd::max(xsimd::abs(y.quarter), xsimd::abs(y.half)), xsimd::abs(y.three));
}
V highest_crest(const Between& y, V here, V next) {
  return xsimd::max(xsimd::max(crest(y.last, here, y.quarter), crest(here, y.quarter, y.half)),
                    xsimd::max(crest(y.quarter, y.half, y.three), crest(y.half, y.three, next)));
}

constexpr int group = 16, parts = group / W;

/// `carried` is three[-1] before and three[group - 1] after.
template <int Pairs>
void interpolate(Between (&y)[parts], float& carried, const float* x, const float* even, const float* odd,
                 const float* half) {
  V e[parts], o[parts], h[parts];
#pragma GCC unroll 4
  for (int p = 0; p < parts; ++p) e[p] = o[p] = h[p] = V(0.0f);
  for (int k = 0; k < Pairs; ++k) {
    const V we(even[k]), wo(odd[k]), wh(half[k]);
#pragma GCC unroll 4
    for (int p = 0; p < parts; ++p) {
      const V left = V::load_unaligned(x + p * W - k), right = V::load_unaligned(x + p * W + 1 + k);
      const V sum = left + right;
      e[p] = e[p] + we * sum;
      h[p] = h[p] + wh * sum;
      o[p] = o[p] + wo * (left - right);
    }
  }
  alignas(64) float shifted[group + 1];
  shifted[0] = carried;
#pragma GCC unroll 4
  for (int p = 0; p < parts; ++p) {
    y[p].quarter = e[p] + o[p];
    y[p].half = h[p];
    y[p].three = e[p] - o[p];
    y[p].three.store_unaligned(shifted + 1 + p * W);
  }
#pragma GCC unroll 4
  for (int p = 0; p < parts; ++p) y[p].last = V::load_unaligned(shifted + p * W);
}

/// Largest second difference of the group.
V bending(const float* x) {
  V most(0.0f);
  for (int p = 0; p < group; p += W) {
    const V here = V::load_unaligned(x + p);
    most = xsimd::max(most, xsimd::abs(V::load_unaligned(x + p - 1) - here + (V::load_unaligned(x + p + 1) - here)));
  }
  return most;
}

void true_peak(float* peak, PeakTrail& trail, const float* x, const PeakBank& bank, float floor, int n) {
  const float hardly = floor / 1.0824f;
  V around[5] = {V(0.0f), bending(x - 2 * group), bending(x - group), bending(x), bending(x + group)};
  for (int i = 0; i < n; i += group, x += group, peak += group) {
    // Where the signal is low and smooth nothing between its samples can reach the floor: most of the time.
    for (int k = 0; k < 4; ++k) around[k] = around[k + 1];
    around[4] = bending(x + 2 * group);
    const V curved =
        xsimd::max(xsimd::max(xsimd::max(around[0], around[1]), xsimd::max(around[2], around[3])), around[4]);
    V high = xsimd::abs(V::load_unaligned(x + group - W + 1));
    for (int k = 0; k < group; k += W) high = xsimd::max(high, xsimd::abs(V::load_unaligned(x + k)));
    alignas(64) float lanes_of[2][W];
    high.store_aligned(lanes_of[0]);
    curved.store_aligned(lanes_of[1]);
    for (int half = W / 2; half; half /= 2)
      for (int l = 0; l < half; ++l)
        for (auto& m : lanes_of) m[l] = m[l] > m[l + half] ? m[l] : m[l + half];
    const int last = (n - i < group ? n - i : group) - 1;
    if (bank.flat * lanes_of[0][0] + bank.bent * lanes_of[1][0] <= floor) {
      trail.last[0] = trail.last[1] = 0;
      continue;
    }
    Between far[parts], middle[parts];
    interpolate<PeakBank::far>(far, trail.last[0], x, bank.far_even, bank.far_odd, bank.far_half);
    interpolate<PeakBank::middle>(middle, trail.last[1], x, bank.middle_even, bank.middle_odd, bank.middle_half);
    alignas(64) float three[2][group], differences[group];
    bool near_floor = false;
#pragma GCC unroll 4
    for (int p = 0; p < parts; ++p) {
      V e(0.0f), o(0.0f), h(0.0f), e0(0.0f), o0(0.0f), e1(0.0f), o1(0.0f);
      for (int k = 0; k < PeakBank::near; ++k) {
        const V left = V::load_unaligned(x + p * W - k), right = V::load_unaligned(x + p * W + 1 + k);
        const V sum = left + right, difference = left - right;
        e = e + V(bank.near_even[k]) * sum;
        h = h + V(bank.near_half[k]) * sum;
        o = o + V(bank.near_odd[k]) * difference;
        e0 = e0 + V(bank.table_even[0][k]) * sum;
        o0 = o0 + V(bank.table_odd[0][k]) * difference;
        e1 = e1 + V(bank.table_even[1][k]) * sum;
        o1 = o1 + V(bank.table_odd[1][k]) * difference;
      }
      // of a sum and a difference, the larger in magnitude is the sum of magnitudes
      const V table = xsimd::max(xsimd::abs(e0) + xsimd::abs(o0), xsimd::abs(e1) + xsimd::abs(o1));
      V m = xsimd::max(xsimd::max(xsimd::abs(e) + xsimd::abs(o), xsimd::abs(h)), table);
      const V here = V::load_unaligned(x + p * W), next = V::load_unaligned(x + p * W + 1);
      m = xsimd::max(m, xsimd::abs(here));
      const V plain = xsimd::max(highest(far[p]), highest(middle[p]));
      m = xsimd::max(m, plain);
      if (xsimd::any(xsimd::max(plain, xsimd::max(xsimd::abs(here), xsimd::abs(next))) > V(hardly))) {
        const V one = highest_crest(far[p], here, next), other = highest_crest(middle[p], here, next);
        m = xsimd::max(m, xsimd::max(one, other));
        xsimd::abs(xsimd::max(one, V(floor)) - xsimd::max(other, V(floor))).store_aligned(differences + p * W);
        near_floor = true;
      } else {
        V(0.0f).store_aligned(differences + p * W);
      }
      xsimd::max(m, V::load_unaligned(peak + p * W)).store_unaligned(peak + p * W);
      far[p].three.store_aligned(three[0] + p * W);
      middle[p].three.store_aligned(three[1] + p * W);
    }
    trail.last[0] = three[0][last];
    trail.last[1] = three[1][last];
    for (int k = 0; near_floor && k <= last; ++k) {
      const float difference = differences[k] / floor;
      trail.disputed = difference > trail.disputed ? difference : trail.disputed;
    }
  }
}

void required_gain(float* io, const float* ceiling, int n) {
  zip(io, io, ceiling, n, [](V p, V c) { return xsimd::min(V(1.0f), c / xsimd::max(p, V(1e-20f))); });
}
void smaller(float* out, const float* a, const float* b, int n) {
  zip(out, a, b, n, [](V x, V y) { return xsimd::min(x, y); });
}

void bend(float* level, Ramp threshold, Ramp slope, Ramp knee, Ramp range, int n) {
  const auto wanted = [](V x, V t, V s, V k, V most) {
    const V over = x - t, half = V(0.5f) * k;
    const V z = xsimd::min(xsimd::max(over + half, V(0.0f)), k);
    const V bent = z * z / xsimd::max(k + k, V(1e-6f)) + xsimd::max(over - half, V(0.0f));
    return xsimd::min(s * bent, most);
  };
  if (!threshold.moves() && !slope.moves() && !knee.moves() && !range.moves()) {
    const V t(threshold.to), s(slope.to), k(knee.to), most(range.to);
    map(level, level, n, [&](V x, int) { return wanted(x, t, s, k, most); });
    return;
  }
  const V whole(float(threshold.frames));
  map(level, level, n, [&](V x, int i) {
    const V way = (V(float(threshold.at + i)) + ramp_index()) / whole;
    return wanted(x, V(threshold.from) + V(threshold.to - threshold.from) * way,
                  V(slope.from) + V(slope.to - slope.from) * way, V(knee.from) + V(knee.to - knee.from) * way,
                  V(range.from) + V(range.to - range.from) * way);
  });
}

// The all-passes as sums: nothing waits but each one-pole for itself, two frames before. Float is enough: the poles lie
// no closer to the circle than half a thousandth, so what rounding leaves is 100 dB down.
void mean_square(float* const* power, AnalyticState* state, const AnalyticPair& pair, const float* const* x,
                 int signals, float step, int n) {
  constexpr int S = AnalyticPair::poles, four = AnalyticState::signals;
  static_assert(S == 6);
  Float8 pole[S], weight[S];
  for (int k = 0; k < S; ++k) {
    pole[k] = join(Float4{} + pair.pole[0][k], Float4{} + pair.pole[1][k]);
    weight[k] = join(Float4{} + pair.weight[0][k], Float4{} + pair.weight[1][k]);
  }
  const Float8 direct = join(Float4{} + pair.direct[0], Float4{} + pair.direct[1]);
  const Float4 keep = Float4{} + (1 - step), take = Float4{} + step / 2;
  for (int first = 0; first < signals; first += four, ++state) {
    const int last =
        signals - first < four ? signals - first - 1 : four - 1;  // signals that are not there are this one
    Float8 even[S], odd[S];
    for (int k = 0; k < S; ++k) even[k] = load8(state->past[0][k]), odd[k] = load8(state->past[1][k]);
    Float4 late = load4(state->late), mean = load4(state->power);
    const auto frame = [&](const Float4& heard, Float8(&s)[S]) __attribute__((always_inline)) {
      const Float8 v = join(heard, heard);
      const Float8 y = (direct * v + weight[0] * s[0]) + (weight[1] * s[1] + weight[2] * s[2]) +
                       ((weight[3] * s[3] + weight[4] * s[4]) + weight[5] * s[5]);
#pragma GCC unroll 6
      for (int k = 0; k < S; ++k) s[k] = v + pole[k] * s[k];
      const Float8 square = y * y;
      mean = keep * mean + take * (lower(square) + late);
      late = upper(square);
      return mean;
    };
    const float* in[four];
    for (int l = 0; l < four; ++l) in[l] = x[first + (l < last ? l : last)];
    int i = 0;
    for (; i + 4 <= n; i += 4) {
      Float4 v[4] = {load4(in[0] + i), load4(in[1] + i), load4(in[2] + i), load4(in[3] + i)};
      transpose(v);
      v[0] = frame(v[0], even);
      v[1] = frame(v[1], odd);
      v[2] = frame(v[2], even);
      v[3] = frame(v[3], odd);
      transpose(v);
      store(power[first] + i, v[0]);
      if (last > 0) store(power[first + 1] + i, v[1]);
      if (last > 1) store(power[first + 2] + i, v[2]);
      if (last > 2) store(power[first + 3] + i, v[3]);
    }
    for (int odds = 0; i < n; ++i, ++odds) {
      const Float4 p = frame(Float4{in[0][i], in[1][i], in[2][i], in[3][i]}, odds % 2 ? odd : even);
      for (int l = 0; l <= last; ++l) power[first + l][i] = p[l];
    }
    for (int k = 0; k < S; ++k) {
      store(state->past[n % 2][k], even[k]);
      store(state->past[1 - n % 2][k], odd[k]);
    }
    store(state->late, late);
    store(state->power, mean);
  }
}

void fir_symmetric(float* out, const float* x, const float* half, int taps, int n) {
  for (int i = 0; i < n; i += W) {
    V sum = V(half[0]) * V::load_unaligned(x + i);
    for (int k = 1; k < taps; ++k)
      sum = sum + V(half[k]) * (V::load_unaligned(x + i - k) + V::load_unaligned(x + i + k));
    if (i + W <= n) {
      sum.store_unaligned(out + i);
    } else {
      alignas(64) float tail[W];
      sum.store_aligned(tail);
      for (int k = 0; i + k < n; ++k) out[i + k] = tail[k];
    }
  }
}

}  // namespace dynamics_loops

constexpr DynamicsLoops dynamics{dynamics_loops::true_peak,   dynamics_loops::required_gain,
                                 dynamics_loops::smaller,     dynamics_loops::bend,
                                 dynamics_loops::mean_square, dynamics_loops::fir_symmetric};

}  // namespace
}  // namespace lacquer
