// core/dsp/peak_limiter.hpp — a look-ahead limiter: what the limiter and the maximizer are made of.

#pragma once

#include "core/dsp/bass_hold.hpp"
#include "core/dsp/limit_curve.hpp"
#include "core/dsp/peak_bank.hpp"

#include <cstring>
#include <vector>

namespace lacquer {

class PeakLimiter {
public:
  struct Settings {
    double rate;  ///< Hz
    int channels;
    double lookahead_ms = 1.2;
    float link = 1, link_release = 1;  ///< 0 .. 1
    bool between = true;               ///< also what lies between the samples, and the bass held; else samples alone
    bool band_limit = false;           ///< removes what lies above 0.46 of the rate first
  };
  /// From cleanest to loudest.
  enum Character { transparent, punchy, aggressive, wall };

  void prepare(const Settings& s) {  ///< [control] allocates, and resets
    rate = s.rate;
    between = s.between;
    link = s.link;
    link_release = s.link_release;
    const int look = std::max(4, int(s.lookahead_ms * 0.001 * rate + 0.5));
    delay = (between ? PeakBank::far : 0) + LimitCurve::delay(look);
    bank = design_peak_bank();
    low_pass = s.band_limit ? design_low_pass(112, 0.4705, 11.2) : std::vector<float>();
    lead = std::max(0, int(low_pass.size()) - 1);
    raw.assign(std::size_t(s.channels), std::vector<float>(low_pass.empty() ? 0 : std::size_t(2 * lead + chunk + 64)));
    history = delay + 2 * PeakBank::far + 16;
    sound.assign(std::size_t(s.channels), std::vector<float>(std::size_t(history + chunk + 64)));
    heard.clear();
    for (const auto& x : sound) heard.push_back(x.data() + history);
    paths.resize(link == 1 && link_release == 1 ? 1 : std::size_t(s.channels));
    for (Path& p : paths) {
      p.curve.prepare(look);
      p.bass.prepare(rate, paths.size() == 1 ? s.channels : 1, 300, int(0.016 * rate));
    }
    trails.resize(std::size_t(s.channels));
    reset();
  }
  void reset() noexcept {
    for (auto& x : raw) std::fill(x.begin(), x.end(), 0.0f);
    for (auto& x : sound) std::fill(x.begin(), x.end(), 0.0f);
    for (Path& p : paths) {
      p.curve.reset();
      p.bass.reset();
    }
    std::fill(trails.begin(), trails.end(), PeakTrail{});
    before = 0;
  }
  int latency() const noexcept { return lead + delay; }

  /// [audio] n frames, under a ceiling in dBFS. out may be in.
  void process(float* const* out, const float* const* in, int n, const Ramp& ceiling_db, double release_ms,
               Character character) noexcept {
    const Manner& m = manners[character];
    const Recovery r{one_pole(m.fast_ms, rate), one_pole(release_ms, rate), one_pole(m.settle_ms, rate), m.share};
    for (int at = 0; at < n; at += chunk) part(out, in, ceiling_db, r, at, std::min(chunk, n - at));
  }

  double reduction() const noexcept {  ///< dB, now
    double most = 0;
    for (const Path& p : paths) most = std::max(most, p.curve.reduction());
    return most;
  }
  double deepest() const noexcept {  ///< dB, so far
    double most = 0;
    for (const Path& p : paths) most = std::max(most, p.curve.deepest());
    return most;
  }
  /// How far apart good meters read a peak, dB.
  double disputed() const noexcept {
    float most = 0;
    for (const PeakTrail& t : trails) most = std::max(most, t.disputed);
    return gain_to_db(1 + double(most));
  }

private:
  /// Milliseconds of the fast recovery and of the slow average's attack, and how far past the slow average the fast
  /// recovery begins to give way to the slow one.
  struct Manner {
    double fast_ms, settle_ms, share;
  };
  static constexpr Manner manners[] = {{2, 130, 1.3}, {2, 250, 1.0}, {1.5, 400, 0.7}, {1, 1000, 0}};

  void part(float* const* out, const float* const* in, const Ramp& ceiling_db, const Recovery& r, int at,
            int n) noexcept {
    std::fill_n(ceiling, n, float(db_to_gain(margin)));
    simd().gain(ceiling, ceiling, ceiling_db.later(at), n);
    take(in, at, n);
    require(n);

    bool down = false;
    for (Path& p : paths) down |= p.curve.want(p.gain, p.quiet, n);
    if (down && paths.size() == 1) paths[0].curve.move(paths[0].gain, paths[0].gain, r, n);
    if (down && paths.size() > 1) {
      share(link_release, &Path::gain, &Path::sustained, n);
      for (Path& p : paths) p.curve.move(p.gain, p.sustained, r, n);
    }
    for (std::size_t c = 0; c < sound.size(); ++c) {
      float* to = out[c] + at;
      const float* late = sound[c].data() + history - delay;
      if (down)
        simd().multiply(to, late, paths[paths.size() == 1 ? 0 : c].gain, n);
      else
        std::memcpy(to, late, std::size_t(n) * sizeof(float));
    }
  }

  /// Appends the input, band-limited when asked, to what is kept of each channel.
  void take(const float* const* in, int at, int n) noexcept {
    for (std::size_t c = 0; c < sound.size(); ++c) {
      slide(sound[c], history);
      if (low_pass.empty()) {
        std::memcpy(sound[c].data() + history, in[c] + at, std::size_t(n) * sizeof(float));
        continue;
      }
      slide(raw[c], 2 * lead);
      std::memcpy(raw[c].data() + 2 * lead, in[c] + at, std::size_t(n) * sizeof(float));
      simd().dynamics.fir_symmetric(sound[c].data() + history, raw[c].data() + lead, low_pass.data(), lead + 1, n);
    }
    before = n;
  }
  void slide(std::vector<float>& x, int keep) const noexcept {
    std::memmove(x.data(), x.data() + before, std::size_t(keep) * sizeof(float));
  }

  /// Decibels that the peaks and the held bass of every path require.
  void require(int n) noexcept {
    const float floor = std::min(ceiling[0], ceiling[n - 1]);
    bool quiet = true;
    for (std::size_t p = 0; p < paths.size(); ++p) {
      Path& path = paths[p];
      const std::size_t first = p, end = paths.size() == 1 ? sound.size() : p + 1;
      if (between) {
        path.bass.process(heard.data() + first, path.gain, n);
        for (std::size_t c = first; c < end; ++c)
          simd().dynamics.true_peak(path.gain, trails[c], heard[c] - PeakBank::far, bank, floor, n);
      } else {
        std::fill_n(path.gain, n, 0.0f);
        for (std::size_t c = first; c < end; ++c) simd().abs_max(path.gain, heard[c], n);
      }
      path.quiet = simd().peak(path.gain, n) <= floor;
      quiet = quiet && path.quiet;
    }
    for (Path& p : paths) {
      if (quiet) {
        std::fill_n(p.gain, n, 0.0f);
        continue;
      }
      simd().dynamics.required_gain(p.gain, ceiling, n);
      simd().to_db(p.gain, n);
      p.quiet = false;
    }
    if (!quiet && paths.size() > 1) share(link, &Path::gain, &Path::gain, n);
  }
  /// to = from, drawn towards the lowest of all paths by `amount`.
  template <class Member>
  void share(float amount, Member from, Member to, int n) noexcept {
    std::fill_n(lowest, n, 0.0f);
    for (Path& p : paths) simd().dynamics.smaller(lowest, lowest, p.*from, n);
    for (Path& p : paths)
      for (int i = 0; i < n; ++i) (p.*to)[i] = (p.*from)[i] + amount * (lowest[i] - (p.*from)[i]);
  }

  static constexpr int chunk = 512;
  static constexpr double margin = -0.03;  // dB: roundings on the way, and what 64 taps do not see
  struct Path {
    LimitCurve curve;
    BassHold bass;
    bool quiet = true;
    alignas(64) float gain[chunk + 16], sustained[chunk + 16];
  };
  double rate = 0;
  bool between = true;
  float link = 1, link_release = 1;
  int delay = 0, lead = 0, history = 0, before = 0;
  PeakBank bank{};
  std::vector<float> low_pass;  // right half, middle first
  std::vector<std::vector<float>> raw, sound;
  std::vector<const float*> heard;  // where in `sound` the newest frames are
  std::vector<Path> paths;
  std::vector<PeakTrail> trails;
  alignas(64) float ceiling[chunk], lowest[chunk];
};

}  // namespace lacquer
