// nodes/stereo.cpp

#include "core/dsp/chunks.hpp"
#include "core/dsp/loudness.hpp"
#include "core/dsp/pair_fft.hpp"
#include "core/node.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <limits>
#include <vector>

namespace {
using namespace lacquer;
using nlohmann::json;

constexpr double none = std::numeric_limits<double>::quiet_NaN(), infinity = std::numeric_limits<double>::infinity();
constexpr int chunk = 64;
constexpr double silent = 1e-7;  // mean square below which a direction means nothing: -70 dBFS

double power_db(double power) {
  return power > 0 ? log2_of(power) * (10 * std::numbers::ln2 / std::numbers::ln10) : -infinity;
}
double ratio_db(double a, double b) { return a > 0 || b > 0 ? power_db(a) - power_db(b) : none; }
double correlation_of(double ll, double rr, double lr) { return ll > 0 && rr > 0 ? lr / std::sqrt(ll * rr) : none; }

struct Stereo {
  static constexpr Info info{
      .name = "stereo",
      .doc = "Measures correlation, balance, width and what mono loses, of two channels; the signal passes.",
      .source = "ITU-R BS.1770-5 (weighting and gating of the loss in mono)"};
  static constexpr Param params[] = {
      {"bands",     on_off, "on", "Also by frequency band, with the delay between the channels; takes most of the time.",
       fixed                                                                                                                   },
      {"mono_loss", on_off, "on", "Also what mono loses, in the time of a loudness meter.",                               fixed}
  };
  static constexpr Result results[] = {
      {"correlation",     plain,      "1: both channels the same, 0: unrelated, -1: opposite; none when one is silent."},
      {"correlation_min", plain,      "The lowest over any 400 ms that are not silent."                                },
      {"mono_loss",       LU,         "Loudness of the mono sum less that of the stereo: 0 or below."                  },
      {"balance",         unit("dB"), "Level of the left channel over the right."                                      },
      {"side_mid",        unit("dB"), "Level of the side signal over the mid."                                         },
      {"delay",           unit("ms"), "By how much the right channel is late, when both carry the same signal."        },
      {"inverted",        plain,      "1 when one channel's polarity seems to be inverted."                            },
      {"dual_mono",       plain,      "1 when both channels carry the same signal."                                    },
      {"false_stereo",    plain,      "1 when they carry the same signal at different levels."                         }
  };

  void prepare(const Setup<Stereo>& s) {
    rate = s.rate();
    two = s.channels() == 2;
    step = std::max(1, int(rate / 10 / chunk + 0.5)) * chunk;  // 100 ms in whole chunks
    chunks.prepare(2, chunk);
    in_mono = two && s["mono_loss"] > 0;
    if (in_mono) loudness.prepare({.rate = rate, .channels = 2, .integrated_only = true, .mono = true});
    by_band = two && s["bands"] > 0;
    if (by_band) {
      int size = 256;
      while (size < rate / 16) size *= 2;  // 4096 at 44.1 and 48 kHz
      fft.prepare(size);
      halves.prepare(2, size / 2);
      for (auto& b : before) b.assign(std::size_t(size / 2), 0);
      spectra.assign(std::size_t(fft.bins()), {});
    }
    reset();
  }

  void reset() noexcept {
    chunks.reset();
    if (in_mono) loudness.reset();
    all = in_step = {};
    window = {};
    time = steps = 0;
    lowest = none;
    lowest_at = 0;
    now = {};
    if (!by_band) return;
    halves.reset();
    std::fill(spectra.begin(), spectra.end(), PairFft::Powers{});
    weight = 0;
    started = false;
  }

  void process(Block<Stereo>& b) noexcept {
    if (in_mono) loudness.add(b.in(), b.first(), b.last());
    if (two) chunks.add(b.in(), b.first(), b.last(), [&](const float* const* x) { eat(x, chunk); });
    if (by_band) halves.add(b.in(), b.first(), b.last(), [&](const float* const* x) { transform(x, fft.size() / 2); });
    b.pass();
    publish([&](auto name, double x) { b.report(name, x); });
  }

  void finish(Report<Stereo>& r) noexcept {
    if (in_mono) loudness.finish();
    if (const int n = chunks.waiting()) eat(chunks.rest(), n);
    if (by_band) {
      // an incomplete window at the end is left out, as its edge would be heard as energy everywhere; unless it is all
      if (const int n = halves.waiting(); n && weight == 0) transform(halves.rest(), n);
      if (weight == 0 && started) transform(halves.rest(), 0);
    }
    if (two) read();
    if (by_band) now.delay = delay();
    publish([&](auto name, double x) { r(name, x); });
  }

  std::string details() const {
    const auto finite = [](double x) { return std::isfinite(x) ? json(std::round(x * 1000) / 1000) : json(nullptr); };
    json d{
        {"correlation_min_at_s", lowest == lowest ? json(double(lowest_at) / rate) : json(nullptr)},
        {"left_dbfs",            finite(time ? power_db(all.ll / double(time)) : none)            },
        {"right_dbfs",           finite(time ? power_db(all.rr / double(time)) : none)            }
    };
    if (!by_band) return d.dump();
    d["bands"] = json::array();
    static constexpr double edges[] = {20, 120, 500, 2000, 8000, 20000};
    for (std::size_t i = 0; i + 1 < std::size(edges); ++i) {
      Sums s;
      for (int bin = 1; bin < fft.bins(); ++bin) {
        const double freq = bin * rate / fft.size();
        if (freq < edges[i] || freq >= edges[i + 1]) continue;
        const auto& p = spectra[std::size_t(bin)];
        s.ll += p.a, s.rr += p.b, s.lr += p.ab;
      }
      if (weight > 0 && s.ll + s.rr > 1e-12 * weight)
        d["bands"].push_back({
            {"from_hz",                               edges[i]                },
            {             "to_hz",                           edges[i + 1]                        },
            { "correlation",                                   finite(correlation_of(s.ll,                                                     s.rr, s.lr))},
            {             "balance_db",                   finite(ratio_db(s.rr,                   s.ll))},
            {             "side_mid_db", finite(ratio_db(s.ll + s.rr - 2 * s.lr, s.ll + s.rr + 2 * s.lr))}
        });
    }
    return d.dump();
  }

private:
  struct Sums {
    double ll = 0, rr = 0, lr = 0;
    Sums& operator+=(const Sums& o) noexcept {
      ll += o.ll, rr += o.rr, lr += o.lr;
      return *this;
    }
    // of mid and side, (L + R) / 2 and (L - R) / 2: exactly 0 for equal channels, as the sums are in double
    double mid() const noexcept { return std::max(0.0, (ll + rr + 2 * lr) / 4); }
    double side() const noexcept { return std::max(0.0, (ll + rr - 2 * lr) / 4); }
  };

  void eat(const float* const* x, int n) noexcept {
    const auto [ll, rr, lr] = simd().meter.products(x[0], x[1], n);
    in_step += {ll, rr, lr};
    all += {ll, rr, lr};
    time += n;
    if (time % step == 0) end_step();
  }

  void end_step() noexcept {
    const std::size_t at = std::size_t(steps++ % 4);
    window[at] = in_step;
    in_step = {};
    if (steps >= 4) {
      Sums w;
      for (const Sums& s : window) w += s;
      const double frames = 4.0 * step;
      const double c = correlation_of(w.ll, w.rr, w.lr);
      if (std::min(w.ll, w.rr) > silent * frames && !(c >= lowest)) {
        lowest = c;
        lowest_at = time - 4 * step;
      }
    }
    read();
  }

  void transform(const float* const* x, int n) noexcept {
    const int half = fft.size() / 2;
    if (started) {
      fft.run(before[0].data(), x[0], before[1].data(), x[1]);
      for (int i = 0; i < fft.bins(); ++i) {
        const auto p = fft.bin(i);
        auto& s = spectra[std::size_t(i)];
        s.a += p.a, s.b += p.b, s.ab += p.ab, s.ab_imag += p.ab_imag;
      }
      weight += n == half ? 1 : fft.share(half + n);
    }
    started = true;
    for (std::size_t c : {0u, 1u}) std::copy_n(x[c], half, before[c].begin());
  }

  // Where the cross-correlation is highest, if the channels agree there clearly better than side by side.
  double delay() noexcept {
    if (!(weight > 0)) return none;
    const int size = fft.size();
    double ll = 0, rr = 0;
    for (const auto& s : spectra) ll += s.a, rr += s.b;
    if (!(ll > 0 && rr > 0)) return none;
    // the inverse transform of the cross spectrum
    std::unique_ptr<kiss_fft_state, void (*)(kiss_fft_cfg)> plan(kiss_fft_alloc(size, 1, nullptr, nullptr),
                                                                 [](kiss_fft_cfg c) { kiss_fft_free(c); });
    std::vector<kiss_fft_cpx> in(static_cast<std::size_t>(size)), out(static_cast<std::size_t>(size));
    const double scale = 1 / std::sqrt(ll * rr);
    for (int i = 0; i < fft.bins(); ++i) {
      const auto& s = spectra[std::size_t(i)];
      const double f = scale * (i == 0 || i == size / 2 ? 1 : 0.5);
      in[std::size_t(i)] = {float(s.ab * f), float(s.ab_imag * f)};
      in[std::size_t((size - i) % size)] = {float(s.ab * f), float(-s.ab_imag * f)};
    }
    kiss_fft(plan.get(), in.data(), out.data());
    int best = 0;
    for (int i = 0; i < size; ++i)
      if (std::abs(out[std::size_t(i)].r) > std::abs(out[std::size_t(best)].r)) best = i;
    const float there = std::abs(out[std::size_t(best)].r), here = std::abs(out[0].r);
    if (there < 0.5f || there < 1.1f * here) return there < 0.5f ? none : 0.0;
    // a times the conjugate of b: a later b lies at negative time
    const int lag = best > size / 2 ? size - best : -best;
    return lag * 1000.0 / rate;
  }

  void read() noexcept {
    const double c = correlation_of(all.ll, all.rr, all.lr);
    now.correlation = c;
    now.correlation_min = lowest;
    now.mono_loss = in_mono ? loudness.mono_loss() : none;
    now.balance = ratio_db(all.ll, all.rr);
    now.side_mid = ratio_db(all.side(), all.mid());
    const bool sound = all.ll + all.rr > 0;
    const bool same = sound && all.side() <= 1e-8 * all.mid();
    now.dual_mono = same;
    now.false_stereo = sound && !same && std::abs(c) > 0.9995;
    now.inverted = sound && c < -0.5;
  }

  template <class Put>
  void publish(Put&& put) const noexcept {
    using Name = detail::ResultName<Stereo>;
    put(Name("correlation"), now.correlation);
    put(Name("correlation_min"), now.correlation_min);
    put(Name("mono_loss"), now.mono_loss);
    put(Name("balance"), now.balance);
    put(Name("side_mid"), now.side_mid);
    put(Name("delay"), now.delay);
    put(Name("inverted"), now.inverted);
    put(Name("dual_mono"), now.dual_mono);
    put(Name("false_stereo"), now.false_stereo);
  }

  struct Values {
    double correlation = none, correlation_min = none, mono_loss = none, balance = none, side_mid = none, delay = none,
           inverted = none, dual_mono = none, false_stereo = none;
  };
  double rate = 0;
  int step = 1;
  Chunks chunks, halves;
  LoudnessMeter loudness;
  Sums all, in_step;
  std::array<Sums, 4> window{};
  std::int64_t time = 0, steps = 0, lowest_at = 0;
  double lowest = none;
  bool two = true, by_band = true, in_mono = true, started = false;
  PairFft fft;
  std::array<std::vector<float>, 2> before;
  std::vector<PairFft::Powers> spectra;
  double weight = 0;
  Values now;
};

}  // namespace

const lacquer_node_type& lacquer_node_stereo = lacquer::node_type<Stereo>;
