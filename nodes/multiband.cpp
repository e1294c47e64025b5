// nodes/multiband.cpp

#include "core/dsp/ballistics.hpp"
#include "core/dsp/convolver.hpp"
#include "core/dsp/crossover.hpp"
#include "core/dsp/engagement.hpp"
#include "core/dsp/rms_level.hpp"
#include "core/node.hpp"

#include <nlohmann/json.hpp>

#include <cstring>
#include <stdexcept>
#include <vector>

namespace {
using namespace lacquer;

struct Multiband {
  static constexpr Info info{
      .name = "multiband",
      .doc = "Compresses up to six bands, each by itself, a row for each from the lowest up; untouched they sum flat.",
      .source =
          "S. H. Linkwitz, Active crossover networks for noncoincident drivers, JAES 24 (1976): 24 dB/octave, "
          "all bands phase-matched by all-passes; Giannoulis, Massberg, Reiss: Digital Dynamic Range Compressor "
          "Design, JAES 60(6), 2012, eq. 4 and 16"};
  static constexpr int max_rows = 6;
  // clang-format off
  static constexpr Param params[] = {
      {"phase", one_of("least|linear"), "least", "least has no latency; linear turns no phase, and is late by four periods of the lowest split.", fixed},
  };
  static constexpr Param row[] = {
      {"heard",     one_of("band|solo|mute"), "band", "solo lets only bands be heard that have it, mute lets them not."},
      {"to",        Hz, 1000, {20, 20000}, "Where the band ends and the next one starts; the last one has no end.", fixed},
      {"threshold", dBFS, -24, {-80, 0}, "RMS level of the band above which it is turned down."},
      {"ratio",     to_one, 1, {1, 100}, "Decibels in for one decibel out, above the threshold."},
      {"knee",      dB, 6, {0, 24}, "Width of the bend around the threshold."},
      {"range",     dB, 24, {0, 60}, "No more reduction than this."},
      {"attack",    ms, 15, {0.1f, 500}, "Time to cover 63 % of the way to more reduction."},
      {"release",   ms, 150, {5, 5000}, "Time to cover 63 % of the way back."},
      {"gain",      dB, 0, {-24, 24}, "Of the band, after the reduction."},
  };
  // clang-format on
  enum Heard { band, solo, mute };
  static constexpr Result results[] = {
      {"reduction", dB, "How far the band is turned down that is turned down most."},
      {"deepest",   dB, "The furthest any band has been turned down."              }
  };

  void prepare(const Setup<Multiband>& s) {
    rate_ = s.rate();
    count_ = s.rows();
    channels_ = s.channels();
    constexpr int columns = int(std::size(row));
    for (int k = 0; k + 1 < count_; ++k) {
      const float* rows = s.values() + std::size(params);
      const float to = rows[k * columns + 1];
      if (k && !(to > rows[(k - 1) * columns + 1]))
        throw std::runtime_error("multiband: each band must end higher than the one before; set 'to'");
      if (double(to) > 0.45 * rate_) throw std::runtime_error("multiband: 'to' lies too close to half the sample rate");
      corner_[k] = Corner::at(Corner::bend(double(to), rate_));
      to_[k] = double(to);
    }
    linear_ = s["phase"] > 0 && count_ > 1;
    late_ = linear_ ? prepare_linear() : 0;
    lines_.resize(std::size_t(channels_ + 1) / 2);
    sums_.assign(std::size_t(channels_), std::vector<float>(chunk));
    engaged_.prepare(rate_);
    memory_.assign(std::size_t(count_ * channels_ * chunk), 0.0f);
    pointers_.clear();
    for (int k = 0; k < count_; ++k) {
      for (int c = 0; c < channels_; ++c) pointers_.push_back(memory_.data() + (k * channels_ + c) * chunk);
      bands_[k].detector.prepare(channels_, rate_);
    }
    reset();
  }
  void reset() noexcept {
    std::fill(lines_.begin(), lines_.end(), Line{});
    for (int k = 0; k < count_; ++k) {
      Dynamics& d = bands_[k];
      d.detector.reset();
      d.moves.reset();
      d.deepest = 0;
      d.open = -1;
    }
    engaged_.reset();
    if (!linear_) return;
    convolver_.reset();
    for (auto& d : dry_) std::fill(d.begin(), d.end(), 0.0f);
    moved_ = 0;
  }
  int latency() const noexcept { return late_; }

  void process(Block<Multiband>& b) noexcept {
    bool alone = false, needed = false;
    for (int k = 0; k < count_; ++k) {
      Dynamics& d = bands_[k];
      d.pace.attack = d.detector.rise(double(b(k, "attack")));
      d.pace.release = d.detector.fall(double(b(k, "release")));
      alone = alone || b.as<Heard>(k, "heard") == solo;
      const Ramp ratio = b.ramp(k, "ratio"), gain = b.ramp(k, "gain");
      needed = needed || ratio.from != 1 || ratio.to != 1 || gain.from != 0 || gain.to != 0 ||
               b.as<Heard>(k, "heard") != band;
    }
    if (!count_) return b.pass();
    engaged_.need(needed);
    for (int at = 0; at < b.frames(); at += chunk) part(b, at, std::min(chunk, b.frames() - at), alone);
    report(b);
  }

  std::string details() const {
    nlohmann::json deepest = nlohmann::json::array();
    for (int k = 0; k < count_; ++k) deepest.push_back(double(bands_[k].deepest));
    return nlohmann::json{
        {"bands_deepest_db", deepest}
    }
        .dump();
  }

private:
  static constexpr int chunk = 256;
  struct Line {  // two channels
    BasicCrossover<Two> split[max_rows - 1];
    BasicCrossoverPhase<Two> phase[max_rows - 1][max_rows - 1];
  };
  struct Dynamics {
    RmsLevel detector;
    Ballistics moves;
    Ballistics::Pace pace;
    float deepest = 0;
    double open = -1;  // how far it is heard; < 0: not begun
  };

  void part(Block<Multiband>& b, int at, int n, bool alone) noexcept {
    const auto in = b.input("in");
    const auto out = b.output("out");
    if (linear_)
      split_linear(b, at, n);
    else
      split(in, at, n);
    for (int c = 0; c < channels_; ++c) std::fill_n(sums_[std::size_t(c)].data(), n, 0.0f);
    for (int k = 0; k < count_; ++k) {
      Dynamics& d = bands_[k];
      float* const* x = pointers_.data() + k * channels_;
      d.detector.process(curve_, x, 0, n);
      Ramp slope = b.ramp(k, "ratio").later(at);
      slope.from = 1 - 1 / slope.from, slope.to = 1 - 1 / slope.to;
      simd().dynamics.bend(curve_, b.ramp(k, "threshold").later(at), slope, b.ramp(k, "knee").later(at),
                           b.ramp(k, "range").later(at), n);
      d.moves.process(curve_, d.pace, n);
      d.deepest = std::max(d.deepest, simd().peak(curve_, n));
      const Ramp gain = b.ramp(k, "gain").later(at);
      if (gain.moves())
        for (int i = 0; i < n; ++i) curve_[i] = gain[i] - curve_[i];
      else
        for (int i = 0; i < n; ++i) curve_[i] = gain.to - curve_[i];
      simd().to_gain(curve_, n);
      open(d, b.as<Heard>(k, "heard"), alone, n);
      for (int c = 0; c < channels_; ++c) {
        simd().multiply(x[c], x[c], curve_, n);
        float* sum = sums_[std::size_t(c)].data();
        simd().add(sum, sum, x[c], n);
      }
    }
    const bool moving = !engaged_.out() && !engaged_.in();
    for (int i = 0; i < n && moving; ++i) curve_[i] = float(engaged_.next());
    for (int c = 0; c < channels_; ++c) {
      const float *x = linear_ ? dry_[std::size_t(c)].data() : in[c] + at, *sum = sums_[std::size_t(c)].data();
      float* y = out[c] + at;
      if (!moving)
        std::memmove(y, engaged_.out() ? x : sum, std::size_t(n) * sizeof(float));
      else
        for (int i = 0; i < n; ++i) y[i] = curve_[i] * sum[i] + (1 - curve_[i]) * x[i];
    }
  }
  /// Low-passes with the magnitude of two Butterworth filters in a row and no phase, their middle half their length
  /// late. Returns how late what comes out is in all.
  int prepare_linear() {
    int taps = 2 * Convolver::block;
    while (taps < 8 * rate_ / to_[0]) taps *= 2;  // poles at 45 degrees: 150 dB down where it ends
    convolver_.prepare(channels_, count_ - 1, taps);
    Fft fft;
    fft.prepare(taps);
    std::vector<Fft::Complex> spectrum(static_cast<std::size_t>(taps)), time(spectrum.size());
    for (int k = 0; k + 1 < count_; ++k) {
      for (int i = 0; i < taps; ++i) {
        const double f = std::min(i, taps - i) * rate_ / taps / to_[k];
        spectrum[std::size_t(i)] = {float(1 / (1 + f * f * f * f)), 0};
      }
      fft.inverse(time.data(), spectrum.data());
      convolver_.set(k, taps, [&](int i) { return time[std::size_t((i + taps / 2) % taps)].r / float(taps); });
    }
    const int late = taps / 2 + Convolver::block;
    dry_.assign(std::size_t(channels_), std::vector<float>(std::size_t(late + chunk)));
    low_.resize(std::size_t(channels_));
    return late;
  }
  /// What each low-pass lets through less what the one below does; the last band is what is left. Their sum is the
  /// signal itself.
  void split_linear(const Block<Multiband>& b, int at, int n) noexcept {
    const auto in = b.input("in");
    for (int c = 0; c < channels_; ++c) {
      auto& d = dry_[std::size_t(c)];
      std::memmove(d.data(), d.data() + moved_, std::size_t(late_) * sizeof(float));
      std::memcpy(d.data() + late_, in[c] + at, std::size_t(n) * sizeof(float));
      low_[std::size_t(c)] = in[c] + at;
    }
    moved_ = n;
    convolver_.process(pointers_.data(), low_.data(), n, b.time() + at);
    for (int k = count_ - 1; k > 0; --k)
      for (int c = 0; c < channels_; ++c) {
        const float* below = pointers_[std::size_t((k - 1) * channels_ + c)];
        float* to = pointers_[std::size_t(k * channels_ + c)];
        const float* all = k == count_ - 1 ? dry_[std::size_t(c)].data() : to;
        for (int i = 0; i < n; ++i) to[i] = all[i] - below[i];
      }
  }
  /// Into the bands. Each band meets, as filter or as all-pass, every split there is.
  void split(const Bus<const float>& in, int at, int n) noexcept {
    switch (count_) {
      case 1:
        return split_in<1>(in, at, n);
      case 2:
        return split_in<2>(in, at, n);
      case 3:
        return split_in<3>(in, at, n);
      case 4:
        return split_in<4>(in, at, n);
      case 5:
        return split_in<5>(in, at, n);
      default:
        return split_in<6>(in, at, n);
    }
  }
  template <int count>
  void split_in(const Bus<const float>& in, int at, int n) noexcept {
    for (int c = 0; c < channels_; c += 2) {
      const int d = std::min(c + 1, channels_ - 1);
      Line line = lines_[std::size_t(c / 2)];
      const float *left = in[c] + at, *right = in[d] + at;
      float *low_left[count], *low_right[count];
      for (int k = 0; k < count; ++k) {
        low_left[k] = pointers_[std::size_t(k * channels_ + c)];
        low_right[k] = pointers_[std::size_t(k * channels_ + d)];
      }
      Corner corner[max_rows];
      std::copy(corner_, corner_ + max_rows, corner);
      for (int i = 0; i < n; ++i) {
        Two rest{double(left[i]), double(right[i])};
#pragma GCC unroll 5
        for (int k = 0; k + 1 < count; ++k) {
          auto [low, high] = line.split[k](rest, corner[k]);
#pragma GCC unroll 4
          for (int later = k + 1; later + 1 < count; ++later) low = line.phase[k][later](low, corner[later]);
          low_left[k][i] = float(low[0]);
          low_right[k][i] = float(low[1]);
          rest = high;
        }
        low_left[count - 1][i] = float(rest[0]);
        low_right[count - 1][i] = float(rest[1]);
      }
      lines_[std::size_t(c / 2)] = line;
    }
  }
  /// Solo and mute take 20 ms, without an edge.
  void open(Dynamics& d, Heard heard, bool alone, int n) noexcept {
    const double goal = heard == mute || (alone && heard != solo) ? 0 : 1, step = 1 / (0.020 * rate_);
    if (d.open < 0) d.open = goal;
    if (d.open == goal && goal == 1) return;
    for (int i = 0; i < n; ++i) {
      d.open += std::clamp(goal - d.open, -step, step);
      curve_[i] *= float(d.open * d.open * (3 - 2 * d.open));
    }
  }
  void report(Block<Multiband>& b) const noexcept {
    double now = 0, deepest = 0;
    for (int k = 0; k < count_; ++k) {
      now = std::max(now, bands_[k].moves.now());
      deepest = std::max(deepest, double(bands_[k].deepest));
    }
    b.report("reduction", now > 1e-6 ? now : 0);
    b.report("deepest", deepest);
  }

  double rate_ = 0;
  int count_ = 0, channels_ = 0;
  Engagement engaged_;
  Corner corner_[max_rows];
  double to_[max_rows] = {};
  bool linear_ = false;
  int late_ = 0, moved_ = 0;
  Convolver convolver_;
  std::vector<std::vector<float>> dry_;  // as late as the bands
  std::vector<const float*> low_;
  Dynamics bands_[max_rows];
  std::vector<Line> lines_;
  std::vector<float> memory_;
  std::vector<std::vector<float>> sums_;  // of the bands, by channel
  std::vector<float*> pointers_;          // by band and channel
  alignas(64) float curve_[chunk];
};

}  // namespace

const lacquer_node_type& lacquer_node_multiband = lacquer::node_type<Multiband>;
