// core/dsp/true_peak.hpp — the highest value of the signal between and at the samples, as a converter would draw it.
//
// Source: ITU-R BS.1770-5 annex 2. Its 4 x 12 taps are there as a choice; they read up to 3.5 dB low at 20 kHz. The
// precise meter scouts the quarter-sample grid with 20 taps and looks closer wherever a crest could exceed what is
// already known: 256 taps (flat to 0.49 of the rate) on a grid of eighths, and the crest of the sine through the three
// highest points. It oversamples by content, at every rate alike, and looks past both ends of the programme.

#pragma once

#include <cstdint>
#include <vector>

namespace lacquer {

class TruePeakMeter {
public:
  struct Settings {
    int channels;
    bool table = false;  ///< the standard's own 4 x 12 interpolator, nothing else
    float over = 0;      ///< count what exceeds this (full scale = 1.0); 0: do not count
    int step = 0;        ///< also keep the peak of every `step` frames; 0: do not
    int apart = 480;     ///< frames between two overs; less is one
  };
  void prepare(const Settings& settings);  ///< [control] allocates, and resets
  void reset() noexcept;                   ///< [control]
  /// [audio] The next frames [first, last) of planar channels.
  void add(const float* const* channel, int first, int last) noexcept;
  void finish() noexcept;  ///< [any] The programme has ended. add() is not allowed until the next reset.

  struct Peak {
    float level = 0;  ///< full scale = 1.0
    double at = 0;    ///< frames from the start of the programme
  };
  Peak peak(int channel) const noexcept { return channels_[std::size_t(channel)].highest; }
  Peak peak() const noexcept;

  struct Over {
    int channel;
    std::int64_t from, to;  ///< frames
    float level;            ///< its highest
  };
  std::int64_t overs() const noexcept { return over_count_; }
  std::int64_t overs(int channel) const noexcept { return channels_[std::size_t(channel)].overs; }
  static constexpr int listed_most = 1000;
  const std::vector<Over>& listed() const noexcept { return listed_; }  ///< [control] the first thousand

  std::int64_t steps() const noexcept { return steps_done_; }  ///< complete so far
  static constexpr int steps_kept = 64;
  float step_peak(std::int64_t step) const noexcept { return step_peaks_[std::size_t(step % steps_kept)]; }

private:
  struct Channel {
    std::vector<float> samples;
    Peak highest;
    float in_step = 0;
    std::int64_t overs = 0, last_over = INT64_MIN / 2;
    int listed = -1;  // the over going on
  };
  void chunk_of(Channel& c, int index) noexcept;
  void piece(Channel& c, int index, const float* x, std::int64_t time, int n) noexcept;
  void found(Channel& c, int index, Peak p, std::int64_t time) noexcept;

  Settings set_{};
  std::vector<Channel> channels_;
  int next_ = 0, filled_ = 0;  // in samples: the next chunk, and the end of what there is
  std::int64_t time_ = 0;      // of the next chunk's first frame; before 0 at the start
  std::int64_t over_count_ = 0, steps_done_ = 0;
  std::vector<Over> listed_;
  float step_peaks_[steps_kept];
};

}  // namespace lacquer
