#include "core/dsp/bass_hold.hpp"
#include "core/dsp/limit_curve.hpp"
#include "core/dsp/peak_bank.hpp"
#include "core/node.hpp"

#include <cstring>
#include <vector>

namespace {
using namespace lacquer;

/// Milliseconds of the fast recovery and of the slow average's attack, and how far past the slow average the fast
/// recovery begins to give way to the slow one.
struct Manner {
  double fast_ms, settle_ms, share;
};
constexpr Manner manners[] = {
    {2,   130,  1.3},
    {2,   250,  1.0},
    {1.5, 400,  0.7},
    {1,   1000, 0  }
};

struct Limiter {
  static constexpr Info info{
      .name = "limiter",
      .doc =
          "Holds the true peak under a ceiling, for ideal converters and common meters alike; what stays below it "
          "passes bit for bit.",
      .source =
          "true peak: ITU-R BS.1770-5 annex 2; look-ahead by box filters: G. Luff, Signalsmith basics; held bass: "
          "F. Adriaensen, zita-dpl1"};
  // clang-format off
  static constexpr Param params[] = {
      {"ceiling",      dBTP, -1, {-24, 0}, "No peak, on or between the samples, comes out above it."},
      {"release",      ms, 300, {20, 3000}, "Time to cover 63 % of the way back from sustained reduction."},
      {"lookahead",    ms, 1.2f, {0.3f, 10}, "Time in which the gain goes down before a peak.", fixed},
      {"character",    one_of("transparent|punchy|aggressive|wall"), "transparent", "From cleanest to loudest."},
      {"link",         percent, 100, {0, 100}, "How much a peak in one channel turns the others down.", fixed},
      {"link_release", percent, 100, {0, 100}, "How much the channels share their sustained reduction.", fixed},
      {"band_limit",   on_off, "off", "Removes what lies above 0.46 of the rate first: meters disagree on it.", fixed},
  };
  // clang-format on
  static constexpr Result results[] = {
      {"reduction", dB, "How far the signal is turned down."                                           },
      {"deepest",   dB, "The furthest it has been turned down."                                        },
      {"disputed",  dB, "How far apart good meters read a peak; from 0.3 dB on, band_limit settles it."},
  };

  void prepare(const Setup<Limiter>& s) {
    rate = s.rate();
    const int channels = s.channels();
    link = s["link"] / 100;
    link_release = s["link_release"] / 100;
    const int look = std::max(4, int(double(s["lookahead"]) * 0.001 * rate + 0.5));
    delay = PeakBank::far + LimitCurve::delay(look);
    bank = design_peak_bank();
    low_pass = s["band_limit"] == 0 ? std::vector<float>() : design_low_pass(112, 0.4705, 11.2);
    lead = std::max(0, int(low_pass.size()) - 1);
    raw.assign(std::size_t(channels), std::vector<float>(low_pass.empty() ? 0 : std::size_t(2 * lead + chunk + 64)));
    history = delay + 2 * PeakBank::far + 16;
    sound.assign(std::size_t(channels), std::vector<float>(std::size_t(history + chunk + 64)));
    heard.clear();
    for (const auto& x : sound) heard.push_back(x.data() + history);
    paths.resize(link == 1 && link_release == 1 ? 1 : std::size_t(channels));
    for (Path& p : paths) {
      p.curve.prepare(look);
      p.bass.prepare(rate, paths.size() == 1 ? channels : 1, 300, int(0.016 * rate));
    }
    trails.resize(std::size_t(channels));
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

  void process(Block<Limiter>& b) noexcept {
    const Manner& m = manners[int(b["character"])];
    const Recovery r{one_pole(m.fast_ms, rate), one_pole(double(b["release"]), rate), one_pole(m.settle_ms, rate),
                     m.share};
    for (int at = 0; at < b.frames(); at += chunk) part(b, r, at, std::min(chunk, b.frames() - at));
    double now = 0, deepest = 0;
    for (const Path& p : paths) {
      now = std::max(now, p.curve.reduction());
      deepest = std::max(deepest, p.curve.deepest());
    }
    b.report("reduction", now);
    b.report("deepest", deepest);
    float disputed = 0;
    for (const PeakTrail& t : trails) disputed = std::max(disputed, t.disputed);
    b.report("disputed", gain_to_db(1 + double(disputed)));
  }

  void part(Block<Limiter>& b, const Recovery& r, int at, int n) noexcept {
    Ramp way = b.ramp("ceiling");
    way.at += at;
    std::fill_n(ceiling, n, float(db_to_gain(margin)));
    simd().gain(ceiling, ceiling, way, n);
    take(b.input("in"), at, n);
    require(n);

    bool down = false;
    for (Path& p : paths) down |= p.curve.want(p.gain, p.quiet, n);
    if (down && paths.size() == 1) paths[0].curve.move(paths[0].gain, paths[0].gain, r, n);
    if (down && paths.size() > 1) {
      share(link_release, &Path::gain, &Path::sustained, n);
      for (Path& p : paths) p.curve.move(p.gain, p.sustained, r, n);
    }
    for (std::size_t c = 0; c < sound.size(); ++c) {
      float* out = b.output("out")[int(c)] + at;
      const float* late = sound[c].data() + history - delay;
      if (down)
        simd().multiply(out, late, paths[paths.size() == 1 ? 0 : c].gain, n);
      else
        std::memcpy(out, late, std::size_t(n) * sizeof(float));
    }
  }

  /// Appends the input, band-limited when asked, to what is kept of each channel.
  void take(const Bus<const float>& in, int at, int n) noexcept {
    for (std::size_t c = 0; c < sound.size(); ++c) {
      slide(sound[c], history);
      if (low_pass.empty()) {
        std::memcpy(sound[c].data() + history, in[int(c)] + at, std::size_t(n) * sizeof(float));
        continue;
      }
      slide(raw[c], 2 * lead);
      std::memcpy(raw[c].data() + 2 * lead, in[int(c)] + at, std::size_t(n) * sizeof(float));
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
      path.bass.process(heard.data() + first, path.gain, n);
      for (std::size_t c = first; c < end; ++c)
        simd().dynamics.true_peak(path.gain, trails[c], heard[c] - PeakBank::far, bank, floor, n);
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
    for (Path& p : paths) simd().dynamics.smaller(lowest, p.*from, n);
    for (Path& p : paths)
      for (int i = 0; i < n; ++i) (p.*to)[i] = (p.*from)[i] + amount * (lowest[i] - (p.*from)[i]);
  }

  static constexpr int chunk = 512;
  static constexpr double margin = -0.02;  // dB: roundings on the way, and what 64 taps do not see
  struct Path {
    LimitCurve curve;
    BassHold bass;
    bool quiet = true;
    alignas(64) float gain[chunk + 16], sustained[chunk + 16];
  };
  double rate = 0;
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

}  // namespace

const lacquer_node_type& lacquer_node_limiter = lacquer::node_type<Limiter>;
