// nodes/dynamic_eq.cpp

#include "core/dsp/ballistics.hpp"
#include "core/dsp/crossover.hpp"
#include "core/dsp/rms_level.hpp"
#include "core/node.hpp"

#include <nlohmann/json.hpp>

#include <vector>

namespace {
using namespace lacquer;

struct DynamicEq {
  static constexpr Info info{
      .name = "dynamic_eq",
      .doc = "Equaliser whose bands move with the level they hear: a row for each band, neutral until it has cause.",
      .source =
          "filters that stay stable while their gain moves: A. Simper, Linear Trapezoidal Integrated State "
          "Variable Filter, Cytomic, 2013; gain: Giannoulis, Massberg, Reiss, JAES 60(6), 2012, eq. 4 and 16"};
  static constexpr Port inputs[] = {
      main_in, {"key", LACQUER_OR_MAIN, "What the detectors hear."}
  };
  static constexpr int max_rows = 8;
  // clang-format off
  static constexpr Param row[] = {
      {"kind",      one_of("bell|low_shelf|high_shelf"), "bell", "What the band does.", fixed},
      {"freq",      Hz, 1000, {20, 20000}, "Centre or corner, of the band and of its detector."},
      {"gain",      dB, 0, {-24, 24}, "While the band is quiet."},
      {"q",         plain, 0.707f, {0.1f, 20}, "Narrowness of a bell, slope of a shelf."},
      {"threshold", dBFS, -30, {-80, 0}, "RMS level in the band above which its gain moves."},
      {"ratio",     to_one, 2, {1, 100}, "Decibels in the band for one decibel out, above the threshold."},
      {"toward",    one_of("down|up"), "down", "up: louder where it is loud."},
      {"range",     dB, 12, {0, 24}, "The gain moves no further than this."},
      {"knee",      dB, 6, {0, 24}, "Width of the bend around the threshold."},
      {"attack",    ms, 10, {0.1f, 500}, "Time to cover 63 % of the way out."},
      {"release",   ms, 120, {5, 5000}, "Time to cover 63 % of the way back."},
  };
  // clang-format on
  enum Kind { bell, low_shelf, high_shelf };
  static constexpr Result results[] = {
      {"moved",    dB, "How far the gain has moved of the band that has moved most."},
      {"furthest", dB, "The furthest any band's gain has moved."                    }
  };

  void prepare(const Setup<DynamicEq>& s) {
    rate_ = s.rate();
    channels_ = s.channels();
    keys_ = s.channels("key");
    bands_.resize(std::size_t(s.rows()));
    heard_.assign(std::size_t(keys_), std::vector<float>(chunk));
    pointers_.clear();
    for (auto& h : heard_) pointers_.push_back(h.data());
    for (Running& r : bands_) {
      r.filters.resize(std::size_t(channels_ + 1) / 2);
      r.listeners.resize(std::size_t(keys_ + 1) / 2);
      r.detector.prepare(keys_, rate_);
    }
    kept_.assign(std::size_t(keys_), std::vector<float>(chunk));
    reset();
  }
  void reset() noexcept {
    for (Running& r : bands_) {
      std::fill(r.filters.begin(), r.filters.end(), BasicStateVariable<Two>{});
      std::fill(r.listeners.begin(), r.listeners.end(), BasicStateVariable<Two>{});
      r.detector.reset();
      r.moves.reset();
      r.furthest = 0;
      r.toward = 0;
    }
  }

  void process(Block<DynamicEq>& b) noexcept {
    for (std::size_t k = 0; k < bands_.size(); ++k) {
      Running& r = bands_[k];
      r.detector.suit(double(b(int(k), "attack")), double(b(int(k), "release")));
      r.pace.attack = r.detector.rise(double(b(int(k), "attack")));
      r.pace.release = r.detector.fall(double(b(int(k), "release")));
    }
    for (int at = 0; at < b.frames(); at += chunk) part(b, at, std::min(chunk, b.frames() - at));
    double now = 0, furthest = 0;
    for (const Running& r : bands_) {
      now = std::max(now, r.moves.now());
      furthest = std::max(furthest, double(r.furthest));
    }
    b.report("moved", now > 1e-6 ? now : 0);
    b.report("furthest", furthest);
  }

  std::string details() const {
    nlohmann::json furthest = nlohmann::json::array();
    for (const Running& r : bands_) furthest.push_back(double(r.furthest));
    return nlohmann::json{
        {"bands_furthest_db", furthest}
    }
        .dump();
  }

private:
  static constexpr int chunk = 256;
  struct Running {
    std::vector<BasicStateVariable<Two>> filters, listeners;  // by pair of channels
    RmsLevel detector;
    Ballistics moves;
    Ballistics::Pace pace;
    float furthest = 0;
    double toward = 0;  // -1 down, 1 up, on its way when that has been changed; 0: not begun
  };
  /// A filter's tan(pi f / fs) and damping 1 / q at frame i of a ramp.
  struct Way {
    double g_from, g_to, k_from, k_to;
    int at, frames;
    double along(double from, double to, int i) const {
      return from == to ? to : from + (to - from) * (double(at + i) / double(frames));
    }
    double g(int i) const { return along(g_from, g_to, i); }
    double k(int i) const { return along(k_from, k_to, i); }
  };
  static Corner corner(double g, double k) noexcept {
    const double a1 = 1 / (1 + g * (g + k));
    return {a1, g * a1, g * g * a1};
  }

  void part(Block<DynamicEq>& b, int at, int n) noexcept {
    const auto key = b.input("key");
    const auto in = b.input("in");
    const auto out = b.output("out");
    // Where the output lies on top of what the detectors hear, that is kept: every band hears what comes in.
    for (int c = 0; c < keys_; ++c) std::copy_n(key[c] + at, n, kept_[std::size_t(c)].data());
    for (int c = 0; c < channels_; ++c)
      if (out[c] != in[c]) std::copy_n(in[c] + at, n, out[c] + at);
    for (std::size_t k = 0; k < bands_.size(); ++k) {
      const int number = int(k);
      Running& r = bands_[k];
      const Kind kind = b.as<Kind>(number, "kind");
      const Ramp freq = b.ramp(number, "freq"), q = b.ramp(number, "q");
      const Way way{Corner::bend(double(freq.from), rate_),
                    Corner::bend(double(freq.to), rate_),
                    1 / double(q.from),
                    1 / double(q.to),
                    freq.at + at,
                    freq.frames};
      listen(r, kind, way, n);
      r.detector.process(gain_, pointers_.data(), 0, n);
      Ramp slope = b.ramp(number, "ratio").later(at);
      slope.from = 1 - 1 / slope.from, slope.to = 1 - 1 / slope.to;
      simd().dynamics.bend(gain_, b.ramp(number, "threshold").later(at), slope, b.ramp(number, "knee").later(at),
                           b.ramp(number, "range").later(at), n);
      r.moves.process(gain_, r.pace, n);
      r.furthest = std::max(r.furthest, simd().peak(gain_, n));
      const double goal = b(number, "toward") == 1 ? 1 : -1, step = 2 / (0.020 * rate_);
      if (r.toward == 0) r.toward = goal;
      const Ramp still = b.ramp(number, "gain").later(at);
      for (int i = 0; i < n; ++i) {
        if (r.toward != goal) r.toward += std::clamp(goal - r.toward, -step, step);
        const float db = still[i] + float(r.toward) * gain_[i];
        gain_[i] = db / 2, root_[i] = db / 4;
      }
      simd().to_gain(gain_, n);  // A, with A^2 the band's gain
      simd().to_gain(root_, n);
      for (int i = 0; i < n; ++i) shape(kind, way.g(i), way.k(i), double(gain_[i]), double(root_[i]), i);
      for (int c = 0; c < channels_; c += 2) {
        auto filter = r.filters[std::size_t(c / 2)];
        float *left = out[c] + at, *right = out[std::min(c + 1, channels_ - 1)] + at;
        for (int i = 0; i < n; ++i) {
          const Shape& s = shapes_[i];
          const Two x{double(left[i]), double(right[i])};
          const auto [band, low] = filter(x, s.corner);
          if (gain_[i] == 1) continue;
          const Two y = s.direct * x + s.band * band + s.low * low;
          left[i] = float(y[0]);
          right[i] = float(y[1]);
        }
        r.filters[std::size_t(c / 2)] = filter;
      }
    }
  }
  /// The band of each key channel.
  void listen(Running& r, Kind kind, const Way& way, int n) noexcept {
    const bool moving = way.g_from != way.g_to || way.k_from != way.k_to;
    const Corner rest = corner(way.g_to, way.k_to);
    for (int c = 0; c < keys_; c += 2) {
      const std::size_t l = std::size_t(c), m = std::size_t(std::min(c + 1, keys_ - 1));
      const float *left = kept_[l].data(), *right = kept_[m].data();
      float *left_out = heard_[l].data(), *right_out = heard_[m].data();
      auto filter = r.listeners[l / 2];
      for (int i = 0; i < n; ++i) {
        const Two x{double(left[i]), double(right[i])};
        const double k = way.k(i);
        const auto [band, low] = filter(x, moving ? corner(way.g(i), k) : rest);
        const Two y = kind == bell ? k * band : kind == low_shelf ? low : x - k * band - low;
        left_out[i] = float(y[0]);
        right_out[i] = float(y[1]);
      }
      r.listeners[l / 2] = filter;
    }
  }
  void shape(Kind kind, double g, double k, double a, double root, int i) noexcept {
    Shape& s = shapes_[i];
    switch (kind) {
      case bell:
        k /= a;
        s = {corner(g, k), 1, k * (a * a - 1), 0};
        break;
      case low_shelf:
        s = {corner(g / root, k), 1, k * (a - 1), a * a - 1};
        break;
      case high_shelf:
        s = {corner(g * root, k), a * a, k * (1 - a) * a, 1 - a * a};
        break;
    }
  }

  struct Shape {
    Corner corner;
    double direct, band, low;
  };
  double rate_ = 0;
  int channels_ = 0, keys_ = 0;
  std::vector<Running> bands_;
  std::vector<std::vector<float>> heard_, kept_;
  std::vector<float*> pointers_;
  alignas(64) float gain_[chunk], root_[chunk];
  Shape shapes_[chunk];
};

}  // namespace

const lacquer_node_type& lacquer_node_dynamic_eq = lacquer::node_type<DynamicEq>;
