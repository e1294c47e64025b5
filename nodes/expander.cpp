// nodes/expander.cpp

#include "core/dsp/ballistics.hpp"
#include "core/dsp/rms_level.hpp"
#include "core/node.hpp"

namespace {
using namespace lacquer;

struct Expander {
  static constexpr Info info{
      .name = "expander",
      .doc = "Turns down what lies below a threshold, by so much more the lower it is; at high ratios a gate.",
      .source =
          "Giannoulis, Massberg, Reiss: Digital Dynamic Range Compressor Design, JAES 60(6), 2012, eq. 4 and 16, "
          "with the level mirrored at the threshold"};
  static constexpr Port inputs[] = {
      main_in, {"key", LACQUER_OR_MAIN, "What the detector hears."}
  };
  // clang-format off
  static constexpr Param params[] = {
      {"threshold",  dBFS, -50, {-100, 0}, "RMS level below which the signal is turned down."},
      {"ratio",      to_one, 2, {1, 100}, "Decibels out for one decibel in, below the threshold."},
      {"knee",       dB, 6, {0, 24}, "Width of the bend around the threshold."},
      {"range",      dB, 20, {0, 120}, "No more reduction than this."},
      {"hysteresis", dB, 0, {0, 24}, "Once open, the threshold lies so much lower, so that nothing flutters."},
      {"attack",     ms, 2, {0.1f, 500}, "Time to cover 63 % of the way to less reduction: to open."},
      {"hold",       ms, 20, {0, 2000}, "Time between the last loud moment and the start of the way down."},
      {"release",    ms, 150, {5, 5000}, "Time to cover 63 % of the way to more reduction: to close."},
  };
  // clang-format on
  static constexpr Result results[] = {
      {"reduction", dB, "How far the signal is turned down."   },
      {"deepest",   dB, "The furthest it has been turned down."}
  };

  void prepare(const Setup<Expander>& s) {
    rate = s.rate();
    detector.prepare(s.channels("key"), s.rate());
    reset();
  }
  void reset() noexcept {
    detector.reset();
    moves.reset();
    deepest = 0;
    open = true;
  }

  void process(Block<Expander>& b) noexcept {
    detector.suit(double(b["attack"]), double(b["release"]));
    pace.attack = detector.rise(double(b["attack"]));
    pace.release = detector.fall(double(b["release"]));
    pace.hold = int(double(b["hold"]) * 0.001 * rate + 0.5);
    for (int at = 0; at < b.frames(); at += chunk) part(b, at, std::min(chunk, b.frames() - at));
    b.report("reduction", moves.now() < -1e-6 ? -moves.now() : 0);
    b.report("deepest", double(deepest));
  }

private:
  void part(Block<Expander>& b, int at, int n) noexcept {
    detector.process(gain, b.input("key").data, at, n);

    Ramp threshold = b.ramp("threshold").later(at), slope = b.ramp("ratio").later(at);
    const Ramp hysteresis = b.ramp("hysteresis").later(at);
    for (int i = 0; i < n; ++i) {
      if (gain[i] >= threshold[i]) open = true;
      if (gain[i] < threshold[i] - hysteresis[i]) open = false;
      gain[i] = -(open ? gain[i] + hysteresis[i] : gain[i]);
    }
    threshold.from = -threshold.from, threshold.to = -threshold.to;
    slope.from -= 1, slope.to -= 1;
    simd().dynamics.bend(gain, threshold, slope, b.ramp("knee").later(at), b.ramp("range").later(at), n);
    // To open is the attack: to the ballistics a gain below nought that rises.
    for (int i = 0; i < n; ++i) gain[i] = -gain[i];
    moves.process(gain, pace, n);
    for (int i = 0; i < n; ++i) deepest = std::max(deepest, -gain[i]);
    simd().to_gain(gain, n);
    for (auto [out, in] : b) simd().multiply(out + at, in + at, gain, n);
  }

  static constexpr int chunk = 512;
  double rate = 0;
  float deepest = 0;
  bool open = true;
  RmsLevel detector;
  Ballistics moves;
  Ballistics::Pace pace;
  alignas(64) float gain[chunk];  // level, then reduction, then gain
};

}  // namespace

const lacquer_node_type& lacquer_node_expander = lacquer::node_type<Expander>;
