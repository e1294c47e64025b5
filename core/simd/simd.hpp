// core/simd/simd.hpp — the vector loops nodes are built from.
//
// Nodes call simd().multiply(...) and never see an instruction set. Each loop is written once, in kernels.cpp,
// which CMake compiles once per instruction set; the best one this CPU can run is chosen on first use.
//
// Every instruction set returns the same bits: element-wise loops use no fused multiply-add, and sums always run
// over sixteen lanes folded in one order. LACQUER_SIMD=sse2 in the environment forces a set, for bug reports and tests.
//
// Pointers need not be aligned, lengths need not be round, and out may be in. [audio]

#pragma once

namespace lacquer {

/// A parameter on its straight way `from` .. `to` over `frames` frames, of which `at` lie behind the first one here.
struct Ramp {
  float from, to;
  int at = 0, frames = 1;
  bool moves() const { return from != to; }
  float operator[](int i) const { return from + (to - from) * (float(at + i) / float(frames)); }  ///< value at frame i
};

struct Simd {
  const char* name;  ///< "sse2", "avx2", "avx512", "neon"

  void (*gain)(float* out, const float* in, Ramp db, int n);              ///< out = in * 10^(ramp/20)
  void (*multiply)(float* out, const float* in, const float* by, int n);  ///< out = in * by
  void (*add)(float* out, const float* in, const float* other, int n);    ///< out = in + other
  void (*abs_max)(float* level, const float* in, int n);                  ///< level = max(level, |in|)
  void (*to_db)(float* io, int n);           ///< 20 log10, floor at -200 dB; error < 2e-5 dB
  void (*to_gain)(float* io, int n);         ///< 10^(x/20); exactly 1 at 0 dB; relative error < 1e-6
  float (*peak)(const float* in, int n);     ///< max |in|
  double (*energy)(const float* in, int n);  ///< sum of squares
};

/// The set in use.
const Simd& simd() noexcept;

/// Every set this machine can run, narrowest first: tests compare them, benches race them.
struct SimdList {
  const Simd* const* sets;
  int count;
  const Simd* const* begin() const { return sets; }
  const Simd* const* end() const { return sets + count; }
};
SimdList all_simd() noexcept;

}  // namespace lacquer
