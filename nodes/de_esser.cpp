// nodes/de_esser.cpp

#include "core/dsp/ballistics.hpp"
#include "core/dsp/rms_level.hpp"
#include "core/node.hpp"

#include <vector>

namespace {
using namespace lacquer;

/// First-order high-pass in double that may move (Zavalishin, The Art of VA Filter Design, 2012, 3.10): what it lets
/// through and what it holds back always add up to what went in.
struct HighPass {
  double state = 0;
  double operator()(double x, double g) noexcept {
    const double v = (x - state) * g, low = v + state;
    state = low + v;
    return x - low;
  }
};

struct DeEsser {
  static constexpr Info info{
      .name = "de_esser",
      .doc = "Turns sibilants down: where the treble grows too loud, the treble alone or the whole signal.",
      .source =
          "Giannoulis, Massberg, Reiss: Digital Dynamic Range Compressor Design, JAES 60(6), 2012; filters: "
          "Zavalishin, The Art of VA Filter Design, 2012, 3.10"};
  static constexpr Port inputs[] = {
      main_in, {"key", LACQUER_OR_MAIN, "What the detector hears."}
  };
  // clang-format off
  static constexpr Param params[] = {
      {"freq",      Hz, 5500, {1000, 16000}, "Where the treble starts: the detector's high-pass, 12 dB per octave."},
      {"threshold", dBFS, -30, {-80, 0}, "RMS level of the treble above which it is turned down."},
      {"ratio",     to_one, 4, {1, 100}, "Decibels in for one decibel out, above the threshold."},
      {"knee",      dB, 6, {0, 24}, "Width of the bend around the threshold."},
      {"range",     dB, 8, {0, 40}, "No more reduction than this."},
      {"attack",    ms, 1, {0.1f, 100}, "Time to cover 63 % of the way to more reduction."},
      {"release",   ms, 40, {5, 1000}, "Time to cover 63 % of the way back."},
      {"mode",      one_of("split|wide"), "split", "split turns down the treble, a shelf of 6 dB per octave; wide, everything.", fixed},
  };
  // clang-format on
  static constexpr Result results[] = {
      {"reduction", dB, "How far the treble is turned down."   },
      {"deepest",   dB, "The furthest it has been turned down."}
  };

  void prepare(const Setup<DeEsser>& s) {
    rate = s.rate();
    split = s["mode"] == 0;
    heard.resize(std::size_t(s.channels("key")));
    treble.assign(heard.size(), std::vector<float>(chunk));
    pointers.clear();
    for (auto& t : treble) pointers.push_back(t.data());
    turned.resize(std::size_t(s.channels()));
    detector.prepare(int(heard.size()), rate);
    reset();
  }
  void reset() noexcept {
    std::fill(heard.begin(), heard.end(), Detector{});
    std::fill(turned.begin(), turned.end(), HighPass{});
    detector.reset();
    moves.reset();
    deepest = 0;
  }

  void process(Block<DeEsser>& b) noexcept {
    detector.suit(double(b["attack"]), double(b["release"]));
    pace.attack = detector.rise(double(b["attack"]));
    pace.release = detector.fall(double(b["release"]));
    const Ramp freq = b.ramp("freq");
    const Ramp g{float(warped(freq.from)), float(warped(freq.to)), freq.at, freq.frames};
    for (int at = 0; at < b.frames(); at += chunk) part(b, at, std::min(chunk, b.frames() - at), g.later(at));
    b.report("reduction", moves.now() > 1e-6 ? moves.now() : 0);
    b.report("deepest", double(deepest));
  }

private:
  void part(Block<DeEsser>& b, int at, int n, const Ramp g) noexcept {
    const auto key = b.input("key");
    for (std::size_t c = 0; c < heard.size(); ++c)
      for (int i = 0; i < n; ++i) {
        const double step = double(g[i]);
        treble[c][std::size_t(i)] = float(heard[c].second(heard[c].first(double(key[int(c)][at + i]), step), step));
      }
    detector.process(gain, pointers.data(), 0, n);
    Ramp slope = b.ramp("ratio").later(at);
    slope.from = 1 - 1 / slope.from, slope.to = 1 - 1 / slope.to;
    simd().dynamics.bend(gain, b.ramp("threshold").later(at), slope, b.ramp("knee").later(at),
                         b.ramp("range").later(at), n);
    moves.process(gain, pace, n);
    for (int i = 0; i < n; ++i) {
      deepest = std::max(deepest, gain[i]);
      gain[i] = -gain[i];
    }
    simd().to_gain(gain, n);
    std::size_t c = 0;
    for (auto [out, in] : b) {
      HighPass& high = turned[c++];
      if (!split) {
        simd().multiply(out + at, in + at, gain, n);
        continue;
      }
      for (int i = 0; i < n; ++i) {
        const double x = double(in[at + i]), part = high(x, double(g[i]));
        out[at + i] = gain[i] == 1 ? in[at + i] : float(x - (1 - double(gain[i])) * part);
      }
    }
  }
  /// g / (1 + g) with g = tan(pi f / fs): what the filter wants to know.
  double warped(float freq) const noexcept {
    const SinCos t = sin_cos(std::numbers::pi * std::min(double(freq) / rate, 0.49));
    return t.sin / (t.sin + t.cos);
  }

  static constexpr int chunk = 512;
  struct Detector {
    HighPass first, second;
  };
  double rate = 0;
  float deepest = 0;
  bool split = true;
  std::vector<Detector> heard;
  std::vector<std::vector<float>> treble;
  std::vector<const float*> pointers;
  std::vector<HighPass> turned;
  RmsLevel detector;
  Ballistics moves;
  Ballistics::Pace pace;
  alignas(64) float gain[chunk];  // level, then reduction, then gain
};

}  // namespace

const lacquer_node_type& lacquer_node_de_esser = lacquer::node_type<DeEsser>;
