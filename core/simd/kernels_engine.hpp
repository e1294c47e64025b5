// core/simd/kernels_engine.hpp — what the engine itself does to samples: keeps out what is not a number, and mixes dry
// and wet.

#pragma once

#include "core/simd/lanes.hpp"

namespace lacquer {
namespace {

int clean(float* out, const float* in, int n) {
  int bad = 0;
  map(out, in, n, [&](V x, int) {
    const V none = x - x;  // not 0 only for infinities and what is not a number
    const auto good = none == none;
    if (!xsimd::all(good)) {
      alignas(64) float each[W];
      none.store_aligned(each);
      for (int k = 0; k < W; ++k) bad += each[k] != each[k];
    }
    return xsimd::select(good, x, V(0.0f));
  });
  return bad;
}

V along(const Ramp& r, int i) {
  return V(r.from) + V(r.to - r.from) * ((V(float(r.at + i)) + ramp_index()) / V(float(r.frames)));
}

void mix(float* out, const float* dry, const float* wet, Ramp percent, Ramp bypass, int n) {
  if (!percent.moves() && !bypass.moves()) {
    const float share = percent.to / 100 * (1 - bypass.to);
    const float* only = share == 0.0f ? dry : share == 1.0f ? wet : nullptr;
    if (only) {
      if (out != only)
        for (int i = 0; i < n; ++i) out[i] = only[i];
      return;
    }
  }
  int i = 0;
  const auto blend = [&](V d, V w) {
    return d + (along(percent, i) / V(100.0f)) * (V(1.0f) - along(bypass, i)) * (w - d);
  };
  for (; i + W <= n; i += W) blend(V::load_unaligned(dry + i), V::load_unaligned(wet + i)).store_unaligned(out + i);
  if (i < n) {
    alignas(64) float d[W] = {}, w[W] = {};
    for (int k = 0; k < n - i; ++k) d[k] = dry[i + k], w[k] = wet[i + k];
    blend(V::load_aligned(d), V::load_aligned(w)).store_aligned(d);
    for (int k = 0; k < n - i; ++k) out[i + k] = d[k];
  }
}

void fade(float* out, const float* from, const float* to, Ramp t, int n) {
  int i = 0;
  const auto blend = [&](V a, V b) {
    const V x = xsimd::min(along(t, i), V(1.0f));
    return a + x * x * (V(3.0f) - V(2.0f) * x) * (b - a);
  };
  for (; i + W <= n; i += W) blend(V::load_unaligned(from + i), V::load_unaligned(to + i)).store_unaligned(out + i);
  if (i < n) {
    alignas(64) float a[W] = {}, b[W] = {};
    for (int k = 0; k < n - i; ++k) a[k] = from[i + k], b[k] = to[i + k];
    blend(V::load_aligned(a), V::load_aligned(b)).store_aligned(a);
    for (int k = 0; k < n - i; ++k) out[i + k] = a[k];
  }
}

constexpr EngineLoops engine{clean, mix, fade};

}  // namespace
}  // namespace lacquer
