#include "core/dsp/analytic.hpp"
#include "core/dsp/ballistics.hpp"
#include "core/dsp/loudness.hpp"
#include "core/dsp/sliding.hpp"
#include "core/node.hpp"

#include <cstring>
#include <vector>

namespace {
using namespace lacquer;

struct Compressor {
  static constexpr Info info{
      .name = "compressor",
      .doc = "Turns the signal down by a share of what exceeds a threshold.",
      .source =
          "Giannoulis, Massberg, Reiss: Digital Dynamic Range Compressor Design, JAES 60(6), 2012, eq. 4 and 16; "
          "loudness: ITU-R BS.1770-5"};
  static constexpr Port inputs[] = {
      main_in, {"key", LACQUER_OR_MAIN, "What the detector hears."}
  };
  // clang-format off
  static constexpr Param params[] = {
      {"threshold",    dBFS, -18, {-60, 0}, "Level above which the signal is turned down."},
      {"ratio",        to_one, 2, {1, 100}, "Decibels in for one decibel out, above the threshold."},
      {"knee",         dB, 6, {0, 24}, "Width of the bend around the threshold."},
      {"attack",       ms, 10, {0.1f, 500}, "Time to cover 63 % of the way to more reduction."},
      {"release",      ms, 120, {5, 5000}, "Time to cover 63 % of the way back."},
      {"detector",     one_of("peak|rms|loudness"), "peak", "Compares peaks; the power, by which a sine reads 3 dB less; or the loudness in LUFS of what is linked."},
      {"rms_window",   ms, 5, {1, 400}, "Time over which power or loudness is averaged."},
      {"hold",         ms, 0, {0, 500}, "Time between a peak and the start of the way back."},
      {"auto_release", on_off, "off", "Comes back three times faster from peaks, three times slower from the rest."},
      {"range",        dB, 60, {0, 60}, "No more reduction than this."},
      {"lookahead",    ms, 0, {0, 20}, "Time by which the detector hears ahead.", fixed},
      {"link",         percent, 100, {0, 100}, "How much the loudest channel decides for the others.", fixed},
      {"makeup",       dB, 0, {-24, 24}, "Gain after the reduction."},
      {"auto_makeup",  on_off, "off", "Adds half of what a steady signal at full scale is turned down."},
  };
  // clang-format on
  static constexpr Result results[] = {
      {"reduction", dB, "How far the signal is turned down."   },
      {"deepest",   dB, "The furthest it has been turned down."}
  };

  void prepare(const Setup<Compressor>& s) {
    rate = s.rate();
    link = s["link"] / 100;
    delay = int(double(s["lookahead"]) * 0.001 * rate + 0.5);
    late.assign(delay ? std::size_t(s.channels()) : 0, std::vector<float>(std::size_t(delay + chunk)));
    keys = s.channels("key");
    paths.resize(link == 1 ? 1 : std::size_t(s.channels()));
    for (Path& p : paths) p.crest.prepare(std::max(1, int(crest_ms * 0.001 * rate)), 0);
    pair = design_analytic_pair(20, rate);
    states.resize(std::size_t(keys + AnalyticState::signals - 1) / AnalyticState::signals);
    memory.assign(std::size_t(keys), std::vector<float>(chunk));
    power.clear();
    for (auto& m : memory) power.push_back(m.data());
    heard.resize(std::size_t(keys));
    weighting = k_weighting(rate);
    weighed.resize(std::size_t(keys));
    pace_of[0] = -1;  // no pace yet
    reset();
  }
  void reset() noexcept {
    for (Path& p : paths) {
      p.crest.reset();
      p.moves.reset();
    }
    for (auto& x : late) std::fill(x.begin(), x.end(), 0.0f);
    std::fill(states.begin(), states.end(), AnalyticState{});
    forget_loudness();
    before = 0;
    deepest = 0;
    automatic = -1;
  }
  int latency() const noexcept { return delay; }

  void process(Block<Compressor>& b) noexcept {
    set_pace(b);
    if (automatic < 0) automatic = double(b["auto_makeup"]);
    for (int at = 0; at < b.frames(); at += chunk) part(b, at, std::min(chunk, b.frames() - at));
    double now = 0;
    for (const Path& p : paths) now = std::max(now, p.moves.now());
    b.report("reduction", now > 1e-6 ? now : 0);
    b.report("deepest", double(deepest));
  }

  /// Steps from times, when a time has changed. What a detector takes to see a level go is part of the time.
  void set_pace(const Block<Compressor>& b) noexcept {
    const float set[] = {b["attack"], b["release"], b["hold"], b["auto_release"], b["rms_window"], b["detector"]};
    if (std::equal(set, set + 6, pace_of)) return;
    std::copy(set, set + 6, pace_of);
    const double average = double(set[4]) / 2;  // a one-pole that averages like a window of twice its time
    const bool rms = set[5] != 0;               // or loudness
    const double attack = double(set[0]), release = double(set[1]);
    const double up = std::max(attack - (rms ? 0.6 * average : 0), attack / 2);
    const double down = std::max(release - (rms ? 1.6 * average : crest_ms), release / 3);
    average_step = one_pole(average, rate);
    pace.attack = one_pole(up, rate);
    pace.release = one_pole(down, rate);
    pace.hold = int(double(set[2]) * 0.001 * rate + 0.5);
    pace.automatic = set[3] == 1;
    pace.fast = one_pole(down / 3, rate);
    pace.slow = one_pole(down * 3, rate);
    pace.settle = one_pole(down * 2, rate);
  }

  void part(Block<Compressor>& b, int at, int n) noexcept {
    hear(b, at, n);
    const Ramp threshold = b.ramp("threshold").later(at), knee = b.ramp("knee").later(at);
    Ramp slope = b.ramp("ratio").later(at);
    slope.from = 1 - 1 / slope.from, slope.to = 1 - 1 / slope.to;
    Ramp makeup = b.ramp("makeup").later(at);
    const Ramp range = b.ramp("range").later(at);
    for (Path& p : paths) {
      simd().dynamics.bend(p.curve, threshold, slope, knee, range, n);
      p.moves.process(p.curve, pace, n);
      deepest = std::max(deepest, simd().peak(p.curve, n));
    }
    const double toggle = double(b["auto_makeup"]), start = automatic;
    const Ramp half{full_scale(threshold.from, slope.from, knee.from), full_scale(threshold.to, slope.to, knee.to),
                    threshold.at, threshold.frames};
    if (makeup.moves() || half.moves() || start != toggle) {
      for (int i = 0; i < n; ++i) {
        step_towards(toggle);
        added[i] = makeup[i] + float(automatic) * half[i];
      }
    } else {
      std::fill_n(added, n, makeup.to + float(automatic) * half.to);
    }
    for (Path& p : paths) {
      for (int i = 0; i < n; ++i) p.curve[i] = added[i] - p.curve[i];
      simd().to_gain(p.curve, n);
    }
    const auto in = b.input("in");
    const auto out = b.output("out");
    for (int c = 0; c < in.channels; ++c) {
      const float* gain = paths[paths.size() == 1 ? 0 : std::size_t(c)].curve;
      const float* x = in[c] + at;
      if (delay) {
        float* line = late[std::size_t(c)].data();
        std::memmove(line, line + before, std::size_t(delay) * sizeof(float));
        std::memcpy(line + delay, x, std::size_t(n) * sizeof(float));
        x = line;
      }
      simd().multiply(out[c] + at, x, gain, n);
    }
    before = n;
  }

  /// Level in dB that each path compares with the threshold.
  void hear(Block<Compressor>& b, int at, int n) noexcept {
    const auto key = b.input("key");
    for (int c = 0; c < keys; ++c) heard[std::size_t(c)] = key[c] + at;
    const float* const* x = heard.data();
    const int detector = int(b["detector"]);
    if (detector == 1)
      simd().dynamics.mean_square(power.data(), states.data(), pair, x, keys, float(average_step), n);
    else if (detector == 2)
      hear_loudness(x, n);
    if (detector != 2 && weighing) forget_loudness();
    for (std::size_t p = 0; p < paths.size(); ++p) {
      const int first = paths.size() == 1 ? 0 : int(p) % keys, end = paths.size() == 1 ? keys : first + 1;
      float* level = paths[p].curve;
      std::fill_n(level, n, 0.0f);
      for (int c = first; c < end; ++c) {
        const float* of = power[std::size_t(c)];
        if (detector == 0)
          simd().abs_max(level, x[c], n);
        else if (detector == 1)
          for (int i = 0; i < n; ++i) level[i] = std::max(level[i], of[i]);
        else
          for (int i = 0; i < n; ++i) level[i] += of[i];
      }
      if (detector == 0) {
        for (int i = 0; i < n; ++i) level[i] = -level[i];
        paths[p].crest.process(level, n);
        for (int i = 0; i < n; ++i) level[i] = -level[i];
        simd().to_db(level, n);
      } else {
        simd().power_to_db(level, n);
      }
    }
    if (paths.size() == 1 || link == 0) return;
    for (int i = 0; i < n; ++i) {
      float loudest = paths[0].curve[i];
      for (const Path& p : paths) loudest = std::max(loudest, p.curve[i]);
      for (Path& p : paths) p.curve[i] += link * (loudest - p.curve[i]);
    }
  }

  /// The power of each channel, K-weighted, as it counts for loudness.
  void hear_loudness(const float* const* x, int n) noexcept {
    weighing = true;
    const double scale = db_to_gain(-0.691);
    for (int c = 0; c < keys; ++c) {
      Weighed& w = weighed[std::size_t(c)];
      const double weight = loudness_weight(c, keys) * scale * scale;
      for (int i = 0; i < n; ++i) {
        const double y = w.filter(weighting, double(x[c][i]));
        w.power += average_step * (weight * y * y - w.power);
        power[std::size_t(c)][i] = float(w.power);
      }
    }
  }
  void forget_loudness() noexcept {
    weighing = false;
    std::fill(weighed.begin(), weighed.end(), Weighed{});
  }

  /// Half the reduction of a steady signal at full scale.
  static float full_scale(float threshold, float slope, float knee) noexcept {
    simd().dynamics.bend(&(threshold = -threshold), {0, 0}, {slope, slope}, {knee, knee}, {1000, 1000}, 1);
    return threshold / 2;
  }
  void step_towards(double toggle) noexcept {
    const double step = 1 / (0.020 * rate);
    automatic += std::clamp(toggle - automatic, -step, step);
  }

  static constexpr int chunk = 512;
  static constexpr double crest_ms = 5;  // a peak counts for as long as half a period of 100 Hz
  struct Path {
    SlidingMins crest;
    Ballistics moves;
    alignas(64) float curve[chunk];  // level, then decibels, then wanted reduction, then reduction, then gain
  };
  struct Weighed {
    KFilter filter;
    double power = 0;
  };
  KWeighting weighting{};
  std::vector<Weighed> weighed;
  bool weighing = false;
  double rate = 0, average_step = 1,
         automatic = -1;  // automatic: how much of the automatic makeup is on; < 0: not begun
  float link = 1, deepest = 0, pace_of[6] = {};
  std::vector<const float*> heard;  // the key from where hear() is
  int delay = 0, before = 0, keys = 0;
  Ballistics::Pace pace;
  AnalyticPair pair{};
  std::vector<AnalyticState> states;
  std::vector<std::vector<float>> memory;
  std::vector<float*> power;  // of each channel of the key
  std::vector<std::vector<float>> late;
  std::vector<Path> paths;
  alignas(64) float added[chunk];
};

}  // namespace

const lacquer_node_type& lacquer_node_compressor = lacquer::node_type<Compressor>;
