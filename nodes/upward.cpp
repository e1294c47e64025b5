// nodes/upward.cpp

#include "core/dsp/ballistics.hpp"
#include "core/dsp/rms_level.hpp"
#include "core/node.hpp"

namespace {
using namespace lacquer;

struct Upward {
  static constexpr Info info{
      .name = "upward",
      .doc = "Turns the signal up by a share of what it lacks to a threshold, and leaves loud passages alone.",
      .source =
          "Giannoulis, Massberg, Reiss: Digital Dynamic Range Compressor Design, JAES 60(6), 2012, eq. 4 and 16, "
          "with the level mirrored at the threshold"};
  static constexpr Port inputs[] = {
      main_in, {"key", LACQUER_OR_MAIN, "What the detector hears."}
  };
  // clang-format off
  static constexpr Param params[] = {
      {"threshold", dBFS, -30, {-80, 0}, "RMS level below which the signal is turned up."},
      {"ratio",     to_one, 1.5f, {1, 20}, "Decibels in for one decibel out, below the threshold."},
      {"knee",      dB, 6, {0, 24}, "Width of the bend around the threshold."},
      {"range",     dB, 6, {0, 40}, "No more gain than this."},
      {"floor",     dBFS, -70, {-120, -20}, "Level at and below which nothing is turned up: noise, and the ends of fades."},
      {"attack",    ms, 20, {0.1f, 500}, "Time to cover 63 % of the way to less gain."},
      {"release",   ms, 250, {5, 5000}, "Time to cover 63 % of the way to more gain."},
  };
  // clang-format on
  static constexpr Result results[] = {
      {"boost",   dB, "How far the signal is turned up."   },
      {"highest", dB, "The furthest it has been turned up."}
  };

  void prepare(const Setup<Upward>& s) {
    detector.prepare(s.channels("key"), s.rate());
    reset();
  }
  void reset() noexcept {
    detector.reset();
    moves.reset();
    highest = 0;
  }

  void process(Block<Upward>& b) noexcept {
    detector.suit(double(b["attack"]), double(b["release"]));
    pace.attack = detector.rise(double(b["attack"]));
    pace.release = detector.fall(double(b["release"]));
    for (int at = 0; at < b.frames(); at += chunk) part(b, at, std::min(chunk, b.frames() - at));
    b.report("boost", moves.now() < -1e-6 ? -moves.now() : 0);
    b.report("highest", double(highest));
  }

private:
  void part(Block<Upward>& b, int at, int n) noexcept {
    detector.process(level, b.input("key").data, at, n);

    Ramp threshold = b.ramp("threshold").later(at), slope = b.ramp("ratio").later(at);
    threshold.from = -threshold.from, threshold.to = -threshold.to;
    slope.from = 1 - 1 / slope.from, slope.to = 1 - 1 / slope.to;
    for (int i = 0; i < n; ++i) gain[i] = -level[i];
    simd().dynamics.bend(gain, threshold, slope, b.ramp("knee").later(at), b.ramp("range").later(at), n);
    const Ramp floor = b.ramp("floor").later(at);
    // Less gain is the attack: to the ballistics the gain is a reduction below nought.
    for (int i = 0; i < n; ++i) gain[i] = -std::min(gain[i], std::max(0.0f, level[i] - floor[i]));
    moves.process(gain, pace, n);
    for (int i = 0; i < n; ++i) {
      gain[i] = -gain[i];
      highest = std::max(highest, gain[i]);
    }
    simd().to_gain(gain, n);
    for (auto [out, in] : b) simd().multiply(out + at, in + at, gain, n);
  }

  static constexpr int chunk = 512;
  float highest = 0;
  RmsLevel detector;
  Ballistics moves;
  Ballistics::Pace pace;
  alignas(64) float level[chunk], gain[chunk];
};

}  // namespace

const lacquer_node_type& lacquer_node_upward = lacquer::node_type<Upward>;
