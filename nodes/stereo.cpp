// nodes/stereo.cpp

#include "core/dsp/chunks.hpp"
#include "core/dsp/cross_spectrum.hpp"
#include "core/dsp/loudness.hpp"
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
    if (by_band) spectrum.prepare(rate);
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
    if (by_band) spectrum.reset();
  }

  void process(Block<Stereo>& b) noexcept {
    if (in_mono) loudness.add(b.in(), b.first(), b.last());
    if (two) chunks.add(b.in(), b.first(), b.last(), [&](const float* const* x) { eat(x, chunk); });
    if (by_band) spectrum.add(b.in(), b.first(), b.last());
    b.pass();
    publish([&](auto name, double x) { b.report(name, x); });
  }

  void finish(Report<Stereo>& r) noexcept {
    if (in_mono) loudness.finish();
    if (const int n = chunks.waiting()) eat(chunks.rest(), n);
    if (by_band) spectrum.finish();
    if (two) read();
    if (by_band) now.delay = spectrum.delay_frames() * 1000 / rate;
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
      const auto s = spectrum.between(edges[i], edges[i + 1]);
      if (spectrum.weight() > 0 && s.ll + s.rr > 1e-12 * spectrum.weight())
        d["bands"].push_back({
            {"from_hz",                               edges[i]                },
            {             "to_hz",                           edges[i + 1]                        },
            { "correlation",                                   finite(correlation_of(s.ll,                                                     s.rr, s.lr))},
            {             "balance_db",                   finite(ratio_db(s.ll,                   s.rr))},
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
  Chunks chunks;
  LoudnessMeter loudness;
  Sums all, in_step;
  std::array<Sums, 4> window{};
  std::int64_t time = 0, steps = 0, lowest_at = 0;
  double lowest = none;
  bool two = true, by_band = true, in_mono = true;
  CrossSpectrum spectrum;
  Values now;
};

}  // namespace

const lacquer_node_type& lacquer_node_stereo = lacquer::node_type<Stereo>;
