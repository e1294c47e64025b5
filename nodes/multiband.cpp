// nodes/multiband.cpp

#include "core/dsp/ballistics.hpp"
#include "core/dsp/band_split.hpp"
#include "core/dsp/convolver.hpp"
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
  static constexpr int max_rows = BandSplit::most;
  static constexpr Port inputs[] = {
      main_in, {"key", LACQUER_OR_MAIN, "What the detectors hear, in the same bands."}
  };
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
    constexpr int columns = int(std::size(row));
    double to[max_rows] = {};
    for (int k = 0; k + 1 < count_; ++k) {
      to[k] = double(s.values()[int(std::size(params)) + k * columns + 1]);
      if (k && !(to[k] > to[k - 1]))
        throw std::runtime_error("multiband: each band must end higher than the one before; set 'to'");
      if (to[k] > 0.45 * rate_) throw std::runtime_error("multiband: 'to' lies too close to half the sample rate");
    }
    const bool linear = s["phase"] > 0 && count_ > 1;
    signal_.prepare(rate_, s.channels(), to, count_, linear);
    key_.prepare(rate_, s.channels("key"), to, count_, linear);
    sums_.assign(std::size_t(s.channels()), std::vector<float>(chunk));
    engaged_.prepare(rate_);
    detector_.prepare(s.channels("key"), rate_, count_);
    for (int k = 0; k < max_rows; ++k) curves_[k] = memory_[k];
    reset();
  }
  void reset() noexcept {
    signal_.reset();
    key_.reset();
    detector_.reset();
    for (int k = 0; k < max_rows; ++k) {
      moves_[k].reset();
      deepest_[k] = 0;
      open_[k] = -1;
    }
    engaged_.reset();
  }
  int latency() const noexcept { return signal_.late(); }

  void process(Block<Multiband>& b) noexcept {
    bool alone = false, needed = false;
    float attack = 1000, release = 1000;
    for (int k = 0; k < count_; ++k)
      attack = std::min(attack, b(k, "attack")), release = std::min(release, b(k, "release"));
    detector_.suit(double(attack), double(release));
    for (int k = 0; k < count_; ++k) {
      pace_[k].attack = detector_.rise(double(b(k, "attack")));
      pace_[k].release = detector_.fall(double(b(k, "release")));
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
    for (int k = 0; k < count_; ++k) deepest.push_back(double(deepest_[k]));
    return nlohmann::json{
        {"bands_deepest_db", deepest}
    }
        .dump();
  }

private:
  static constexpr int chunk = 256;

  /// A signal in bands, by whichever way.
  class Bands {
  public:
    void prepare(double rate, int channels, const double* to, int count, bool linear) {
      channels_ = channels;
      count_ = count;
      linear_ = linear;
      memory_.assign(std::size_t(count * channels * chunk), 0.0f);
      of_.clear();
      for (int i = 0; i < count * channels; ++i) of_.push_back(memory_.data() + i * chunk);
      in_.resize(std::size_t(channels));
      late_ = linear ? prepare_linear(rate, to) : 0;
      if (!linear) split_.prepare(rate, channels, to, std::max(0, count - 1));
    }
    void reset() noexcept {
      split_.reset();
      if (!linear_) return;
      convolver_.reset();
      for (auto& d : dry_) std::fill(d.begin(), d.end(), 0.0f);
      moved_ = 0;
    }
    int late() const noexcept { return late_; }
    /// n frames from `at` on, the first of them at `time`.
    void process(const Bus<const float>& in, int at, int n, std::int64_t time) noexcept {
      for (int c = 0; c < channels_; ++c) in_[std::size_t(c)] = in[c] + at;
      if (linear_)
        split_linear(n, time);
      else
        split_.process(of_.data(), in_.data(), n);
    }
    float* const* data() const noexcept { return of_.data(); }  ///< [band * channels + channel]
    float* const* operator[](int band) const noexcept { return of_.data() + band * channels_; }
    /// What went in, as late as the bands.
    const float* dry(int c) const noexcept { return linear_ ? dry_[std::size_t(c)].data() : in_[std::size_t(c)]; }

  private:
    /// Low-passes with the magnitude of two Butterworth filters in a row and no phase, their middle half their length
    /// late. Returns how late what comes out is in all.
    int prepare_linear(double rate, const double* to) {
      int taps = 2 * Convolver::block;
      while (taps < 8 * rate / to[0]) taps *= 2;  // poles at 45 degrees: 150 dB down where it ends
      convolver_.prepare(channels_, count_ - 1, taps);
      Fft fft;
      fft.prepare(taps);
      std::vector<Fft::Complex> spectrum(static_cast<std::size_t>(taps)), time(spectrum.size());
      for (int k = 0; k + 1 < count_; ++k) {
        for (int i = 0; i < taps; ++i) {
          const double f = std::min(i, taps - i) * rate / taps / to[k];
          spectrum[std::size_t(i)] = {float(1 / (1 + f * f * f * f)), 0};
        }
        fft.inverse(time.data(), spectrum.data());
        convolver_.set(k, taps, [&](int i) { return time[std::size_t((i + taps / 2) % taps)].r / float(taps); });
      }
      const int late = taps / 2 + Convolver::block;
      dry_.assign(std::size_t(channels_), std::vector<float>(std::size_t(late + chunk)));
      return late;
    }
    /// What each low-pass lets through less what the one below does; the last band is what is left. Their sum is the
    /// signal itself.
    void split_linear(int n, std::int64_t time) noexcept {
      for (int c = 0; c < channels_; ++c) {
        auto& d = dry_[std::size_t(c)];
        std::memmove(d.data(), d.data() + moved_, std::size_t(late_) * sizeof(float));
        std::memcpy(d.data() + late_, in_[std::size_t(c)], std::size_t(n) * sizeof(float));
      }
      moved_ = n;
      convolver_.process(of_.data(), in_.data(), n, time);
      for (int k = count_ - 1; k > 0; --k)
        for (int c = 0; c < channels_; ++c) {
          const float* below = (*this)[k - 1][c];
          float* to = (*this)[k][c];
          const float* all = k == count_ - 1 ? dry_[std::size_t(c)].data() : to;
          for (int i = 0; i < n; ++i) to[i] = all[i] - below[i];
        }
    }

    int channels_ = 0, count_ = 0, late_ = 0, moved_ = 0;
    bool linear_ = false;
    BandSplit split_;
    Convolver convolver_;
    std::vector<float> memory_;
    std::vector<float*> of_;
    std::vector<const float*> in_;
    std::vector<std::vector<float>> dry_;
  };

  void part(Block<Multiband>& b, int at, int n, bool alone) noexcept {
    const auto in = b.input("in"), key = b.input("key");
    const auto out = b.output("out");
    signal_.process(in, at, n, b.time() + at);
    bool own = key.channels == in.channels;  // nothing is connected: the same buffers
    for (int c = 0; c < in.channels && own; ++c) own = key[c] == in[c];
    if (!own) key_.process(key, at, n, b.time() + at);
    detector_.process(curves_, own ? signal_.data() : key_.data(), 0, n);
    for (int k = 0; k < count_; ++k) {
      Ramp slope = b.ramp(k, "ratio").later(at);
      slope.from = 1 - 1 / slope.from, slope.to = 1 - 1 / slope.to;
      simd().dynamics.bend(curves_[k], b.ramp(k, "threshold").later(at), slope, b.ramp(k, "knee").later(at),
                           b.ramp(k, "range").later(at), n);
    }
    Ballistics::process(moves_, curves_, pace_, count_, n);
    for (int c = 0; c < in.channels; ++c) std::fill_n(sums_[std::size_t(c)].data(), n, 0.0f);
    for (int k = 0; k < count_; ++k) {
      float* const curve = curves_[k];
      deepest_[k] = std::max(deepest_[k], simd().peak(curve, n));
      const Ramp gain = b.ramp(k, "gain").later(at);
      if (gain.moves())
        for (int i = 0; i < n; ++i) curve[i] = gain[i] - curve[i];
      else
        for (int i = 0; i < n; ++i) curve[i] = gain.to - curve[i];
      simd().to_gain(curve, n);
      open(k, b.as<Heard>(k, "heard"), alone, n);
      for (int c = 0; c < in.channels; ++c) {
        float *x = signal_[k][c], *sum = sums_[std::size_t(c)].data();
        simd().multiply(x, x, curve, n);
        simd().add(sum, sum, x, n);
      }
    }
    const bool moving = !engaged_.out() && !engaged_.in();
    float* const share = curves_[0];
    for (int i = 0; i < n && moving; ++i) share[i] = float(engaged_.next());
    for (int c = 0; c < in.channels; ++c) {
      const float *x = signal_.dry(c), *sum = sums_[std::size_t(c)].data();
      float* y = out[c] + at;
      if (!moving)
        std::memmove(y, engaged_.out() ? x : sum, std::size_t(n) * sizeof(float));
      else
        for (int i = 0; i < n; ++i) y[i] = share[i] * sum[i] + (1 - share[i]) * x[i];
    }
  }
  /// Solo and mute take 20 ms, without an edge.
  void open(int k, Heard heard, bool alone, int n) noexcept {
    double& now = open_[k];
    const double goal = heard == mute || (alone && heard != solo) ? 0 : 1, step = 1 / (0.020 * rate_);
    if (now < 0) now = goal;
    if (now == goal && goal == 1) return;
    for (int i = 0; i < n; ++i) {
      now += std::clamp(goal - now, -step, step);
      curves_[k][i] *= float(now * now * (3 - 2 * now));
    }
  }
  void report(Block<Multiband>& b) const noexcept {
    double now = 0, deepest = 0;
    for (int k = 0; k < count_; ++k) {
      now = std::max(now, moves_[k].now());
      deepest = std::max(deepest, double(deepest_[k]));
    }
    b.report("reduction", now > 1e-6 ? now : 0);
    b.report("deepest", deepest);
  }

  double rate_ = 0;
  int count_ = 0;
  Engagement engaged_;
  Bands signal_, key_;
  RmsLevel detector_;
  Ballistics moves_[max_rows];
  Ballistics::Pace pace_[max_rows];
  float deepest_[max_rows] = {};
  double open_[max_rows] = {};            // how far a band is heard; < 0: not begun
  std::vector<std::vector<float>> sums_;  // of the bands, by channel
  float* curves_[max_rows];               // level, then decibels, then gain of each band
  alignas(64) float memory_[max_rows][chunk];
};

}  // namespace

const lacquer_node_type& lacquer_node_multiband = lacquer::node_type<Multiband>;
