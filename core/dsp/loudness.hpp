// core/dsp/loudness.hpp — how loud a programme is: K-weighting, gating, and the meter made of both.
//
// Sources: ITU-R BS.1770-5 annex 1 (K-weighting, gated integrated loudness) and annex 3 (weights of the channels),
// EBU Tech 3341 (momentary and short-term), EBU Tech 3342 (loudness range).

#pragma once

#include "core/simd/simd.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

namespace lacquer {

/// One second-order section, a0 = 1.
struct Section {
  double b0, b1, b2, a1, a2;
};
struct KWeighting {
  Section shelf, high_pass;
};

/// [control] The two sections of annex 1 at `rate` Hz: its own tables at 48 kHz, elsewhere the filters whose response
/// comes closest to theirs from 10 Hz to the smaller of 20 kHz and 0.47 rate. Within 0.001 dB from 22.05 kHz up, 0.01
/// dB at 8 kHz; the bilinear transform alone would be up to 0.04 and 0.5 dB off.
KWeighting k_weighting(double rate);

/// The filter itself, a sample at a time: transposed direct form II, both sections.
struct KFilter {
  double s[4] = {};
  double operator()(const KWeighting& k, double x) noexcept {
    const double u = k.shelf.b0 * x + s[0];
    s[0] = k.shelf.b1 * x - k.shelf.a1 * u + s[1];
    s[1] = k.shelf.b2 * x - k.shelf.a2 * u;
    const double y = k.high_pass.b0 * u + s[2];
    s[2] = k.high_pass.b1 * u - k.high_pass.a1 * y + s[3];
    s[3] = k.high_pass.b2 * u - k.high_pass.a2 * y;
    return y;
  }
};

/// [control] The same filter for core/simd.
KStep k_step(const KWeighting& k);

/// [any] |H| of both sections in dB at `freq` Hz.
double k_weighting_db(const KWeighting& k, double freq, double rate);

/// [any] Weight of channel `c` of `channels` in the order of WAVE files: 1 in front and behind, 1.41 for the surrounds
/// at the sides, 0 for the LFE. More than 8 channels weigh 1 each.
double loudness_weight(int c, int channels);

/// [any] Loudness of a weighted mean square: -0.691 + 10 log10(power), minus infinity for 0.
double lufs(double power);

/// What the gates need of any number of block powers, in constant memory: count and sum of power in bins of 1/400 LU
/// from -70 to 50 LUFS (beyond: the last bin). A sum over whole bins is exact; which side of a gate a block is on is
/// known to 0.0025 LU, and exactly when the blocks of its bin are equal. Histograms of several programmes add up, which
/// is what makes the loudness of an album.
class LoudnessHistogram {
public:
  void prepare();  ///< [control] allocates
  void reset() noexcept;
  void add(double power) noexcept;  ///< [audio] one block; forgotten when not above -70 LUFS
  void add(const LoudnessHistogram& other) noexcept;

  std::uint64_t count() const noexcept { return count_; }  ///< blocks above the absolute gate
  /// [audio] Gated loudness and the gate it was taken with; minus infinity when nothing is above -70 LUFS.
  struct Gated {
    double loudness, gate;
  };
  Gated integrated() const noexcept;  ///< blocks above the mean - 10 LU
  /// [audio] Low (10 %) and high (95 %) of the blocks above the mean - 20 LU. NaN when there is none.
  struct Range {
    double low, high, gate;
    double width() const noexcept { return high - low; }  ///< LU
  };
  Range range() const noexcept;

  struct Bin {
    double level;  ///< its middle, LUFS
    std::uint32_t count;
    double sum;  ///< of power
  };
  std::vector<Bin> bins() const;                                     ///< [control] those not empty, upwards
  void add(double level, std::uint32_t count, double sum) noexcept;  ///< puts such a bin back

private:
  static constexpr int per_lu = 400, span = 120, lowest = -70;
  int place(double power) const noexcept;
  void put(int bin, std::uint32_t count, double sum) noexcept;
  int first_above(double gate_power) const noexcept;  ///< first bin whose blocks lie above the gate
  double level_of_nth(std::uint64_t n) const noexcept;
  std::vector<double> sum_;
  std::vector<std::uint32_t> counts_;
  double lu_sum_[span];
  std::uint64_t lu_count_[span];
  std::uint64_t count_ = 0;
  double total_ = 0;
};

/// Values over time in constant memory: a point a step, and whenever there are 36000 (an hour of 100 ms), two become
/// one.
class StepSeries {
public:
  enum class Keep { highest, lowest };  ///< of the values that share a point
  void prepare(Keep keep);              ///< [control] allocates, and resets
  void reset() noexcept;
  void add(float value) noexcept;                              ///< [audio] the next step's
  int steps_per_point() const noexcept { return per_point_; }  ///< a power of two
  std::vector<float> points() const { return {values_.begin(), values_.begin() + points_}; }  ///< [control]

private:
  float of(float a, float b) const noexcept { return keep_ == Keep::highest ? std::max(a, b) : std::min(a, b); }
  static constexpr int most = 36000;
  Keep keep_ = Keep::highest;
  std::vector<float> values_;
  int points_ = 0, per_point_ = 1, in_point_ = 0;
};

struct LoudnessSettings {
  double rate;                   ///< Hz
  int channels;                  ///< in the order of WAVE files
  bool dual_mono = false;        ///< a single channel will be heard from two speakers: +3.01 LU
  bool integrated_only = false;  ///< no windows, no range: for those who want one number
  bool mono = false;             ///< of two channels, also the loudness of their sum
};

/// Measures a programme given in pieces of any length; the results do not depend on how it was cut. A level that is not
/// there yet is NaN, that of silence minus infinity.
class LoudnessMeter {
public:
  LoudnessMeter();
  ~LoudnessMeter();
  LoudnessMeter(LoudnessMeter&&) noexcept;
  LoudnessMeter& operator=(LoudnessMeter&&) noexcept;

  void prepare(const LoudnessSettings& settings);  ///< [control] allocates, and resets
  void reset() noexcept;                           ///< [audio]
  /// [audio] The next frames [first, last) of planar channels.
  void add(const float* const* channel, int first, int last) noexcept;
  /// [any] The programme has ended: counts what waited for a full step, and the silence that follows a programme in the
  /// loudness range (1.5 s, Tech 3342). add() is not allowed until the next reset.
  void finish() noexcept;

  double integrated() const noexcept;  ///< LUFS; NaN before 400 ms
  double integrated_gate() const noexcept;
  /// By how much mono is quieter, LU: the integrated loudness of (L + R) / 2 from both speakers less that of L and R.
  /// 0 or below; NaN before 400 ms and when nothing is above -70 LUFS.
  double mono_loss() const noexcept;
  double momentary() const noexcept;   ///< LUFS, of the 400 ms before the last full 100 ms
  double short_term() const noexcept;  ///< LUFS, of the 3 s before
  struct Maximum {
    double loudness;    ///< NaN before the first full window
    std::int64_t from;  ///< first frame of the window
  };
  Maximum momentary_max() const noexcept;  ///< of the windows ending at every single frame
  Maximum short_term_max() const noexcept;
  LoudnessHistogram::Range range() const noexcept;  ///< NaN before the first full 3 s
  std::int64_t frames() const noexcept;             ///< given so far
  std::uint64_t steps() const noexcept;  ///< full 100 ms of programme so far: when it changes there are new numbers

  const LoudnessHistogram& blocks() const noexcept;  ///< of the gating blocks

  /// Momentary and short-term over time. Each point stands for `every` seconds and is the loudest in them.
  struct Series {
    double every;
    std::vector<float> momentary, short_term;  ///< LUFS, -200 for silence and before the first window
  };
  Series series() const;  ///< [control]

private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lacquer
