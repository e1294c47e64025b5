// nodes/transient.cpp

#include "core/dsp/sliding.hpp"
#include "core/node.hpp"

namespace {
using namespace lacquer;

// Everything happens in decibels, so that a quiet drum is shaped like a loud one. Two followers of the level differ
// only in how fast they rise: their distance is the attack. Two others, only in how fast they fall: the sustain.
struct Transient {
  static constexpr Info info{.name = "transient",
                             .doc = "Makes attacks and sustains louder or softer, whatever their level.",
                             .source = "differential envelopes, as in SPL's Transient Designer"};
  static constexpr Port inputs[] = {
      main_in, {"key", LACQUER_OR_MAIN, "What the detector hears."}
  };
  // clang-format off
  static constexpr Param params[] = {
      {"attack",       percent, 0, {-100, 100}, "Share of a sudden rise, in decibels, by which it is raised; negative: softened."},
      {"sustain",      percent, 0, {-100, 100}, "Share of a sudden fall by which what follows is raised; negative: shortened."},
      {"attack_time",  ms, 30, {2, 200}, "Time after which 63 % of a rise no longer counts as attack."},
      {"sustain_time", ms, 250, {20, 2000}, "Time after which 63 % of a fall no longer counts as sustain."},
      {"range",        dB, 9, {0, 24}, "No more gain or reduction than this."},
  };
  // clang-format on
  static constexpr Result results[] = {
      {"change",   dB, "How far the signal is turned up, or down."        },
      {"furthest", dB, "The most it has been turned up or down, unsigned."}
  };

  void prepare(const Setup<Transient>& s) {
    rate = s.rate();
    keys = s.channels("key");
    crest.prepare(std::max(1, int(crest_ms * 0.001 * rate)), 0);
    reset();
  }
  void reset() noexcept {
    crest.reset();
    begun = false;
    furthest = change = 0;
  }

  void process(Block<Transient>& b) noexcept {
    const double slow_rise = one_pole(double(b["attack_time"]), rate);
    const double slow_fall = one_pole(double(b["sustain_time"]), rate);
    const double rise = one_pole(0.5, rate), fall = one_pole(20, rate);
    const Ramp attack = b.ramp("attack"), sustain = b.ramp("sustain"), range = b.ramp("range");
    for (int at = 0; at < b.frames(); at += chunk) {
      const int n = std::min(chunk, b.frames() - at);
      hear(b, at, n);
      for (int i = 0; i < n; ++i) {
        const double x = double(gain[i]);
        if (!begun) quick = late = kept = x, begun = true;
        quick += (x > quick ? rise : fall) * (x - quick);
        late += (x > late ? slow_rise : fall) * (x - late);
        kept += (x > kept ? rise : slow_fall) * (x - kept);
        const float most = range[at + i];
        const double wanted = double(attack[at + i]) / 100 * std::max(0.0, quick - late) +
                              double(sustain[at + i]) / 100 * std::max(0.0, kept - quick);
        gain[i] = std::clamp(float(wanted), -most, most);
        furthest = std::max(furthest, std::abs(gain[i]));
      }
      change = gain[n - 1];
      simd().to_gain(gain, n);
      for (auto [out, in] : b) simd().multiply(out + at, in + at, gain, n);
    }
    b.report("change", double(change));
    b.report("furthest", double(furthest));
  }

private:
  /// The highest peak of the last few milliseconds, in dB, no less than what counts as silence.
  void hear(const Block<Transient>& b, int at, int n) noexcept {
    const auto key = b.input("key");
    std::fill_n(gain, n, 0.0f);
    for (int c = 0; c < keys; ++c) simd().abs_max(gain, key[c] + at, n);
    for (int i = 0; i < n; ++i) gain[i] = -gain[i];
    crest.process(gain, n);
    for (int i = 0; i < n; ++i) gain[i] = -gain[i];
    simd().to_db(gain, n);
    for (int i = 0; i < n; ++i) gain[i] = std::max(gain[i], silence_db);
  }

  static constexpr int chunk = 512;
  static constexpr double crest_ms = 5;  // a peak counts for as long as half a period of 100 Hz
  static constexpr float silence_db = -80;
  double rate = 0, quick = 0, late = 0, kept = 0;
  int keys = 0;
  float change = 0, furthest = 0;
  bool begun = false;
  SlidingMins crest;
  alignas(64) float gain[chunk];  // level, then decibels, then gain
};

}  // namespace

const lacquer_node_type& lacquer_node_transient = lacquer::node_type<Transient>;
