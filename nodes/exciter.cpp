// nodes/exciter.cpp

#include "core/dsp/crossover.hpp"
#include "core/dsp/oversampling.hpp"
#include "core/node.hpp"

#include <vector>

namespace {
using namespace lacquer;

struct Exciter {
  static constexpr Info info{.name = "exciter",
                             .doc = "Adds harmonics of the treble, oversampled; the signal itself passes bit for bit.",
                             .source = "J. O. Knoppel, US patent 4150253, 1979; half-bands: J. F. Kaiser, 1974"};
  // clang-format off
  static constexpr Param params[] = {
      {"freq",         Hz, 3500, {500, 16000}, "Harmonics are made of what lies above, and heard above: 12 dB per octave."},
      {"drive",        dB, 12, {0, 24}, "How far into the curve: how rich the harmonics are."},
      {"amount",       percent, 25, {0, 100}, "How much of the harmonics is added."},
      {"kind",         one_of("odd|even"), "odd", "odd, a symmetric curve; even, one that leans, which has both.", fixed},
      {"oversampling", one_of("1|2|4|8|16"), "8", "How many times the sample rate the curve runs at.", fixed},
  };
  // clang-format on

  void prepare(const Setup<Exciter>& s) {
    rate_ = s.rate();
    channels_ = s.channels();
    even_ = s["kind"] == 1;
    pairs_.resize(std::size_t(channels_ + 1) / 2);
    for (std::size_t p = 0; p < pairs_.size(); ++p)
      pairs_[p].prepare(1 << int(s["oversampling"]), std::min(2, channels_ - 2 * int(p)), s.rate());
    const int late = latency();
    lines_.resize(std::size_t(channels_));
    for (Line& l : lines_) {
      l.treble.assign(chunk, 0.0f);
      l.harmonics.assign(chunk, 0.0f);
      l.signal.assign(std::size_t(late + chunk), 0.0f);
    }
    pointers_.clear();
    for (Line& l : lines_) pointers_.push_back(l.treble.data());
    reset();
  }
  void reset() noexcept {
    for (Oversampled& pair : pairs_) pair.reset();
    for (Line& l : lines_) {
      l.before = l.after = {};
      std::fill(l.signal.begin(), l.signal.end(), 0.0f);
    }
    last_ = 0;
  }
  int latency() const noexcept { return pairs_.empty() ? 0 : pairs_[0].latency(); }

  void process(Block<Exciter>& b) noexcept {
    const Ramp freq = b.ramp("freq");
    if (b.ramp_starts() || freq.moves()) corner_ = {freq, rate_};
    for (int at = 0; at < b.frames(); at += chunk) part(b, at, std::min(chunk, b.frames() - at));
  }

private:
  static constexpr int chunk = 128;
  struct Line {
    StateVariable before, after;
    std::vector<float> treble, harmonics, signal;
  };

  void part(Block<Exciter>& b, int at, int n) noexcept {
    const auto in = b.input("in");
    const auto out = b.output("out");
    for (int c = 0; c < channels_; ++c) {
      Line& l = lines_[std::size_t(c)];
      float* signal = l.signal.data();
      const int late = latency();
      std::copy(signal + last_, signal + last_ + late, signal);
      std::copy_n(in[c] + at, n, signal + late);
      for (int i = 0; i < n; ++i) l.treble[std::size_t(i)] = float(high(l.before, double(in[c][at + i]), at + i));
    }
    const Ramp drive = b.ramp("drive"), amount = b.ramp("amount").later(at);
    const auto curve = [&](float* added, const float* x, float phase, int done, int count) {
      simd().colour.bend(added, x,
                         {
                             false, even_ ? 0.4f : 0.0f, drive.later(at + done), {0, 0},
                                      phase
      },
                         count);
    };
    for (std::size_t p = 0; p < pairs_.size(); ++p) {
      const auto keep = [&](int channel, const float* added, int count) {
        Line& l = lines_[2 * p + std::size_t(channel)];
        for (int i = 0; i < count; ++i) l.harmonics[std::size_t(i)] = float(high(l.after, double(added[i]), at + i));
      };
      pairs_[p].run(pointers_.data() + 2 * p, pointers_.data() + 2 * p, n, curve, keep);
    }
    for (int c = 0; c < channels_; ++c) {
      const Line& l = lines_[std::size_t(c)];
      for (int i = 0; i < n; ++i) {
        const float share = amount[i] / 100, x = l.signal[std::size_t(i)];
        out[c][at + i] = share == 0 ? x : x + share * l.harmonics[std::size_t(i)];
      }
    }
    last_ = n;
  }
  double high(StateVariable& filter, double x, int i) const noexcept {
    const auto [band, low] = filter(x, corner_[i]);
    return x - Corner::damping * band - low;
  }

  double rate_ = 0;
  int channels_ = 0, last_ = 0;
  bool even_ = false;
  GlidingCorner corner_;
  std::vector<Oversampled> pairs_;
  std::vector<Line> lines_;
  std::vector<float*> pointers_;
};

}  // namespace

const lacquer_node_type& lacquer_node_exciter = lacquer::node_type<Exciter>;
