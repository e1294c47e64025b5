// core/simd/kernels_engine.hpp — what the engine itself does to samples: keeps out what is not a number, and mixes dry
// and wet.

#pragma once

#include "core/simd/lanes.hpp"

namespace lacquer {
namespace {

void part(float* const* out, const float* in, int channels, int n) {
  int i = 0;
  if (channels == 2)
    for (; i + 4 <= n; i += 4) {
      Float4 a, b;
      __builtin_memcpy(&a, in + 2 * i, sizeof a);
      __builtin_memcpy(&b, in + 2 * i + 4, sizeof b);
      store(out[0] + i, pick<0, 2, 4, 6>(a, b));
      store(out[1] + i, pick<1, 3, 5, 7>(a, b));
    }
  for (int c = 0; c < channels; ++c) {
    float* to = out[c];
    const float* from = in + c;
    for (int k = i; k < n; ++k) to[k] = from[k * channels];
  }
}

void from_16_bits(float* out, const short* in, int n) {
  typedef short Shorts __attribute__((vector_size(8)));
  typedef int Ints __attribute__((vector_size(16)));
  constexpr float step = 1.0f / 32768;
  int i = 0;
  for (; i + 4 <= n; i += 4) {
    Shorts x;
    __builtin_memcpy(&x, in + i, sizeof x);
    const Float4 y = __builtin_convertvector(__builtin_convertvector(x, Ints), Float4) * step;
    store(out + i, y);
  }
  for (; i < n; ++i) out[i] = float(in[i]) * step;
}

void from_24_bits(float* out, const unsigned char* in, int n) {
  constexpr float step = 1.0f / 2147483648.0f;
  for (int i = 0; i < n; ++i) {
    std::uint32_t upper;  // with the byte before it, which is shifted out
    __builtin_memcpy(&upper, in + 3 * i - 1, sizeof upper);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    upper = __builtin_bswap32(upper);
#endif
    out[i] = float(std::int32_t(upper & 0xffffff00u)) * step;
  }
}

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

constexpr EngineLoops engine{part, from_16_bits, from_24_bits, clean, mix, fade};

}  // namespace
}  // namespace lacquer
