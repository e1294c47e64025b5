// nodes/maximizer.cpp
//
// A loud bass drum turns down the bass, not the voice: each band has a limiter of its own, for samples alone, and what
// they add up to goes through the true-peak limiter. Driven by 0 dB the bands are left out, bit for bit.

#include "core/dsp/band_split.hpp"
#include "core/dsp/engagement.hpp"
#include "core/dsp/peak_limiter.hpp"
#include "core/node.hpp"

#include <array>
#include <stdexcept>
#include <vector>

namespace {
using namespace lacquer;

struct Maximizer {
  static constexpr Info info{
      .name = "maximizer",
      .doc = "Drives the signal into a limiter for each of three bands and then into a true-peak ceiling for them all.",
      .source =
          "S. H. Linkwitz, Active crossover networks for noncoincident drivers, JAES 24 (1976); true peak: ITU-R "
          "BS.1770-5 annex 2; see limiter"};
  // clang-format off
  static constexpr Param params[] = {
      {"drive",      dB, 0, {0, 24}, "How far the signal is turned up first; 0 leaves the bands out."},
      {"ceiling",    dBTP, -1, {-24, 0}, "No peak, on or between the samples, comes out above it."},
      {"release",    ms, 300, {20, 3000}, "Time to cover 63 % of the way back from sustained reduction."},
      {"character",  one_of("transparent|punchy|aggressive|wall"), "transparent", "From cleanest to loudest."},
      {"low_split",  Hz, 150, {20, 1000}, "Where the low band meets the middle one.", fixed},
      {"high_split", Hz, 3000, {500, 16000}, "Where the middle band meets the high one.", fixed},
      {"band_limit", on_off, "off", "Removes what lies above 0.46 of the rate first: meters disagree on it.", fixed},
      {"lookahead",  ms, 1.2f, {0.3f, 10}, "Of the ceiling: time in which the gain goes down before a peak.", fixed},
  };
  // clang-format on
  static constexpr Result results[] = {
      {"reduction",     dB, "How far the signal is turned down by the ceiling."             },
      {"deepest",       dB, "The furthest it has been turned down by the ceiling."          },
      {"bands_deepest", dB, "The furthest any band has been turned down by its own limiter."}
  };

  void prepare(const Setup<Maximizer>& s) {
    rate_ = s.rate();
    channels_ = s.channels();
    const double low = double(s["low_split"]), high = double(s["high_split"]);
    if (!(low < high)) throw std::runtime_error("maximizer: low_split must lie below high_split");
    if (high > 0.45 * rate_) throw std::runtime_error("maximizer: high_split lies too close to half the sample rate");
    const double splits[] = {low, high};
    split_.prepare(rate_, s.channels(), splits, 2);
    for (std::size_t k = 0; k < bands; ++k)
      limiters_[k].prepare({.rate = rate_, .channels = channels_, .lookahead_ms = look_ms, .between = false});
    ceiling_.prepare({.rate = rate_,
                      .channels = channels_,
                      .lookahead_ms = double(s["lookahead"]),
                      .band_limit = s["band_limit"] > 0});
    late_ = limiters_[0].latency();
    engaged_.prepare(rate_);
    for (auto& m : memory_) m.assign(std::size_t(channels_), std::vector<float>(chunk));
    at_.clear();
    for (auto& m : memory_)
      for (auto& c : m) at_.push_back(c.data());
    out_.resize(std::size_t(channels_));
    dry_.assign(std::size_t(channels_), std::vector<float>(std::size_t(late_)));
    reset();
  }
  void reset() noexcept {
    for (PeakLimiter& l : limiters_) l.reset();
    ceiling_.reset();
    engaged_.reset();
    split_.reset();
    for (auto& d : dry_) std::fill(d.begin(), d.end(), 0.0f);
    dry_at_ = 0;
  }
  int latency() const noexcept { return late_ + ceiling_.latency(); }

  void process(Block<Maximizer>& b) noexcept {
    const Ramp drive = b.ramp("drive");
    engaged_.need(drive.from != 0 || drive.to != 0);
    for (int at = 0; at < b.frames(); at += chunk) part(b, at, std::min(chunk, b.frames() - at));
    b.report("reduction", ceiling_.reduction());
    b.report("deepest", ceiling_.deepest());
    double most = 0;
    for (const PeakLimiter& l : limiters_) most = std::max(most, l.deepest());
    b.report("bands_deepest", most);
  }

private:
  static constexpr std::size_t bands = 3, driven = bands;  // the last of `memory_` is the driven signal
  static constexpr int chunk = 256;
  static constexpr double look_ms = 4;
  float* const* band(std::size_t k) const noexcept { return at_.data() + k * std::size_t(channels_); }

  void part(Block<Maximizer>& b, int at, int n) noexcept {
    const auto in = b.input("in");
    const Ramp ceiling = b.ramp("ceiling").later(at);
    const double release = double(b["release"]);
    const auto character = b.as<PeakLimiter::Character>("character");
    for (int c = 0; c < channels_; ++c) simd().gain(band(driven)[c], in[c] + at, b.ramp("drive").later(at), n);
    split_.process(at_.data(), band(driven), n);
    for (std::size_t k = 0; k < bands; ++k) limiters_[k].process(band(k), band(k), n, ceiling, release, character);
    const std::size_t begin = dry_at_;
    alignas(64) float share[chunk];
    const bool moving = !engaged_.out() && !engaged_.in();
    for (int i = 0; i < n && moving; ++i) share[i] = float(engaged_.next());
    for (int c = 0; c < channels_; ++c) {
      float *x = band(driven)[c], *wet = band(0)[c];
      simd().add(wet, wet, band(1)[c], n);
      simd().add(wet, wet, band(2)[c], n);
      auto& line = dry_[std::size_t(c)];
      dry_at_ = begin;
      for (int i = 0; i < n; ++i) {
        const float now = x[i];
        x[i] = line[dry_at_];
        line[dry_at_] = now;
        if (++dry_at_ == line.size()) dry_at_ = 0;
      }
      if (moving)
        for (int i = 0; i < n; ++i) x[i] = share[i] * wet[i] + (1 - share[i]) * x[i];
      else if (engaged_.in())
        std::copy_n(wet, n, x);
    }
    for (int c = 0; c < channels_; ++c) out_[std::size_t(c)] = b.output("out")[c] + at;
    ceiling_.process(out_.data(), band(driven), n, ceiling, release, character);
  }

  double rate_ = 0;
  int channels_ = 0, late_ = 0;
  BandSplit split_;
  std::array<PeakLimiter, bands> limiters_;
  PeakLimiter ceiling_;
  Engagement engaged_;
  std::array<std::vector<std::vector<float>>, bands + 1> memory_;
  std::vector<float*> at_, out_;  // of `memory_`, band by band; where the output goes
  std::vector<std::vector<float>> dry_;
  std::size_t dry_at_ = 0;
};

}  // namespace

const lacquer_node_type& lacquer_node_maximizer = lacquer::node_type<Maximizer>;
