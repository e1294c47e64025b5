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
  Ramp later(int by) const { return {from, to, at + by, frames}; }  ///< as seen from `by` frames on
  float operator[](int i) const { return from + (to - from) * (float(at + i) / float(frames)); }  ///< value at frame i
};

/// Half-band-free interpolators that read what lies between two samples, a quarter of the way at a time. Every kernel
/// is symmetric, so it is kept as weights of x[i-k] + x[i+1+k] and of x[i-k] - x[i+1+k]. core/dsp/peak_bank.hpp designs
/// it.
struct PeakBank {
  static constexpr int far = 32, middle = 16, near = 6;  ///< taps on each side
  float far_even[far], far_odd[far], far_half[far];
  float middle_even[middle], middle_odd[middle], middle_half[middle];
  float near_even[near], near_odd[near], near_half[near];
  float table_even[2][near], table_odd[2][near];
  /// No interpolator reads more between two samples than flat times the higher one plus bent times the largest second
  /// difference within reach.
  float flat, bent;
};

/// What a true peak remembers: the last interpolated values, and the largest difference between
/// the long and the middle reading of one peak above the floor, in floors.
struct PeakTrail {
  float last[2] = {0, 0}, disputed = 0;
};

/// Two all-passes in z^-2, a quarter of a period apart, as sums of one-poles: direct x + sum of weight s[-2], with
/// s = x + pole s[-2]. core/dsp/analytic.hpp designs them.
struct AnalyticPair {
  static constexpr int poles = 6;
  float pole[2][poles], weight[2][poles], direct[2];
};
/// Of four signals.
struct AnalyticState {
  static constexpr int signals = 4;
  /// For the next frame and the one after it: the one-poles of the first all-pass of each signal, then of the second.
  float past[2][AnalyticPair::poles][2 * signals];
  float late[signals];  ///< the second one hears a frame late: its last square
  float power[signals];
};

/// Loops for compressors and limiters.
struct DynamicsLoops {
  /// peak[i] = max(peak[i], the highest |x| that any interpolator of the bank sees in [i, i+1)), where that is above
  /// `floor`; below it the value may be anything up to floor. Reads x[-40 .. n+64], writes peak up to n rounded up to
  /// 16. `trail` goes from one call to the next.
  void (*true_peak)(float* peak, PeakTrail& trail, const float* x, const PeakBank& bank, float floor, int n);
  void (*required_gain)(float* io, const float* ceiling, int n);       ///< io = min(1, ceiling / io)
  void (*smaller)(float* out, const float* a, const float* b, int n);  ///< out = min(a, b)
  /// level = reduction a compressor wants, dB, 0 or more: slope * what lies above threshold, rounded off over `knee` dB
  /// around it, at most `range`. In: levels in dB. All four lie at the same place of the same ramp.
  void (*bend)(float* level, Ramp threshold, Ramp slope, Ramp knee, Ramp range, int n);
  /// power[s] = mean square of signal s, averaged by a one-pole of this step; see core/dsp/analytic.hpp. A state for
  /// every four signals.
  void (*mean_square)(float* const* power, AnalyticState* state, const AnalyticPair& pair, const float* const* x,
                      int signals, float step, int n);
  /// out[i] = sum of half[k] * (x[i-k] + x[i+k]), half[0] counted once; taps = length of half.
  void (*fir_symmetric)(float* out, const float* x, const float* half, int taps, int n);
};

/// One FIR filter for 1, 2 or 4 rows (phases of a frame), each a sample later than the one before: row v is weight *
/// in[centre[v]] + sum over k of tap[k] * in[sample[k + v]].
struct Comb {
  const float* tap;   ///< of one row: tap[k]; of more: tap[k] of row v is at (k + v) * rows + v
  int taps;           ///< of a row; at least `rows`
  const int* sample;  ///< where in `in` each sample is; taps + rows - 1 of them; with one row only the first counts,
                      ///< the others lie behind it
  int rows;
  const int *centre, *out;  ///< one for each row; from `in` and `out`
  float weight;
  int channel;  ///< the same again for a second channel so far on; 0: there is none
};

/// A saturation curve of unit slope; see kernels_colour.hpp.
struct Bend {
  bool soft;         ///< u / sqrt(1 + u^2) instead of tanh
  float lean;        ///< how far off the middle it works by itself, 0 .. 1
  Ramp drive, bias;  ///< dB, %
  float phase;       ///< of these samples within a frame, 0 .. 1
};

/// Stereo and saturation. comb and bend write whole vectors: up to 15 samples past n, which out must have room for.
struct ColourLoops {
  void (*to_mid_side)(float* mid, float* side, const float* left, const float* right, int n);
  void (*to_left_right)(float* left, float* right, const float* mid, const float* side, int n);
  void (*widen)(float* left_out, float* right_out, const float* left, const float* right, Ramp percent, int n);
  void (*comb)(float* out, const float* in, const Comb& filter, int n);
  void (*bend)(float* out, const float* in, const Bend& curve, int n);  ///< out = curve(in) - in
};

/// A K-weighting filter (two sections) in state space, eight frames at a time: y = direct x + out_of s, s = into x +
/// keep s. Rows are columns of those matrices. What an output is made of needs no more than float; what stays does.
struct alignas(64) KStep {
  float direct[8][8], out_of[4][8];
  double into[8][4], keep[4][4];
};

/// Short interpolators that scout for places where a true peak may be: a quarter, a half and three quarters of the way
/// between two samples, as weights of x[i-k] + x[i+1+k] and of their difference. core/dsp/true_peak.hpp designs them.
struct PeakScout {
  static constexpr int pairs = 10, reach = 128, most = 1024;
  float even[pairs], odd[pairs], half[pairs];
  /// No interpolator whose taps end within reach exceeds `largest` times the highest sample there; nor `flat` times the
  /// higher of the two it lies between plus `bent` times the largest second difference within reach.
  float largest, flat, bent;
};
/// The interpolator of BS.1770 annex 2: phases 0 and 3, 1 and 2 are mirror images, kept as above.
struct PeakTable {
  static constexpr int pairs = 6;
  float even[2][pairs], odd[2][pairs];
};

struct MeterLoops {
  /// energy[i] = sum over channels of weight y^2, y being in[c] K-weighted; sums[c] = sum of y^2. Unless null, mono[i]
  /// = that of the first two channels' sum, heard from two speakers: (y0 + y1)^2 / 2, and sums[channels] = sum of it.
  /// Four state values per channel, n in eights.
  void (*k_energy)(const KStep& k, double* state, const float* const* in, const double* weight, int channels,
                   float* energy, float* mono, double* sums, int n);
  double (*sum)(const float* in, int n);  ///< in double
  /// What there is to know of a channel: its highest |x|, its sum and its sum of squares.
  struct Levels {
    float peak;
    double sum, energy;
  };
  Levels (*levels)(const float* in, int n);
  struct Products {
    double aa, bb, ab;  ///< sums of a a, b b and a b
  };
  Products (*products)(const float* a, const float* b, int n);
  float (*dot)(const float* a, const float* b, int n);  ///< n in sixteens
  /// Groups of sixteen frames that may hold a crest above `floor`: their numbers go to `group`, and to level the
  /// highest |x| the scout sees at i and up to i + 3/4, of all frames of these groups. Returns how many there are.
  /// Reads x[-129 .. n+128]; n in sixteens, up to 1024.
  int (*scout)(float* level, int* group, const float* x, const PeakScout& s, float floor, int n);
  /// level[i] = the highest of the sample and the four phases that follow it. Reads x[-5 .. n+5]; n in sixteens.
  void (*table_peak)(float* level, const float* x, const PeakTable& t, int n);
};

/// What the engine and files do to samples.
struct EngineLoops {
  /// out[c][i] = in[i * channels + c].
  void (*part)(float* const* out, const float* in, int channels, int n);
  void (*from_16_bits)(float* out, const short* in, int n);          ///< full scale becomes 1.0
  void (*from_24_bits)(float* out, const unsigned char* in, int n);  ///< the same, low bytes first; reads in[-1], too
  /// out = in where it is a number, 0 where it is not (or infinite). Returns how many were not.
  int (*clean)(float* out, const float* in, int n);
  /// out = dry + percent / 100 * (1 - bypass) * (wet - dry); while neither moves exactly wet at 1 and dry at 0.
  void (*mix)(float* out, const float* dry, const float* wet, Ramp percent, Ramp bypass, int n);
  /// out = from + s (to - from), s = 3 t^2 - 2 t^3, t along the way: equal signals pass unchanged, others without an
  /// edge.
  void (*fade)(float* out, const float* from, const float* to, Ramp t, int n);
};

/// Second-order sections in a row, for one or two channels: y = b0 x + b1 x[-1] + b2 x[-2] - a1 y[-1] - a2 y[-2].
/// Arrays are `stride` long, one after another; from sections to sections rounded up to FilterLoops::group,
/// coefficients must be those of a wire (b0 = 1, all else 0).
struct Cascade {
  int sections, stride;
  const double* from[2];  ///< of each channel: b0, b1, b2, a1, a2, at the start of a ramp ...
  const double* to[2];    ///< ... and at its end; the same pointer as from when nothing moves
  double* state[2];       ///< of each channel: x[-1], x[-2], y[-1], y[-2] of each section
  int at, frames;         ///< frames of the ramp behind the first one here; its length
};

/// Linkwitz-Riley crossovers in a row, of two channels, and the all-passes that lower bands need to stay in phase; see
/// core/dsp/crossover.hpp.
struct Ladder {
  static constexpr int most = 5;
  int splits = 0;
  double a1[most], a2[most], a3[most], damping;
  /// Of split k: two filters of the band that goes on, then one for every band below; two channels each, two of them in
  /// a vector.
  double s1[most][3][4], s2[most][3][4];
};

/// Equalisers, in double precision. Every set computes every section alike, so cutting does not show.
struct FilterLoops {
  static constexpr int group = 8;  ///< no set works on more sections at once
  static constexpr int room = 16;  ///< io may be read and written that far past n
  void (*cascade)(double* const* io, int channels, const Cascade& filter, int n);
  void (*widen)(double* out, const float* in, int n);   ///< out = in
  void (*narrow)(float* out, const double* in, int n);  ///< out = in, rounded; never -0
  /// left[k], right[k] = band k of two channels, from the lowest up.
  void (*ladder)(float* const* left, float* const* right, Ladder& split, const float* l, const float* r, int n);
  /// sum += x h, complex numbers as real and imaginary part in turn; n of them, an even number.
  void (*convolve)(float* sum, const float* x, const float* h, int n);
  void (*to_mid_side)(double* left, double* right, int n);  ///< in place
  void (*to_left_right)(double* mid, double* side, int n);
};

struct Simd {
  const char* name;  ///< "sse2", "avx2", "avx512", "neon"

  void (*gain)(float* out, const float* in, Ramp db, int n);              ///< out = in * 10^(ramp/20)
  void (*multiply)(float* out, const float* in, const float* by, int n);  ///< out = in * by
  void (*add)(float* out, const float* in, const float* other, int n);    ///< out = in + other
  void (*abs_max)(float* level, const float* in, int n);                  ///< level = max(level, |in|)
  void (*to_db)(float* io, int n);        ///< 20 log10, floor at -200 dB; error < 2e-5 dB
  void (*power_to_db)(float* io, int n);  ///< 10 log10, floor at -200 dB
  void (*to_gain)(float* io, int n);      ///< 10^(x/20); exactly 1 at 0 dB; relative error < 1e-6
  float (*peak)(const float* in, int n);  ///< max |in|

  DynamicsLoops dynamics;
  ColourLoops colour;
  MeterLoops meter;
  EngineLoops engine;
  FilterLoops filter;
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
