// nodes/loudness.cpp

#include "core/dsp/loudness.hpp"

#include "core/dsp/true_peak.hpp"
#include "core/node.hpp"

#include <nlohmann/json.hpp>

#include <limits>

namespace {
using namespace lacquer;
using nlohmann::json;

constexpr double none = std::numeric_limits<double>::quiet_NaN();
double db_of(double gain) {
  return gain > 0 ? log2_of(gain) * (20 * std::numbers::ln2 / std::numbers::ln10)
                  : -std::numeric_limits<double>::infinity();
}
// Two decimals for lists: enough for any plot.
json rounded(double x) { return std::isfinite(x) ? json(std::round(x * 100) / 100) : json(nullptr); }

struct Loudness {
  static constexpr Info info{.name = "loudness",
                             .doc = "Measures loudness, its range and the true peak; the signal passes unchanged.",
                             .source = "ITU-R BS.1770-5; EBU R 128, Tech 3341, Tech 3342"};
  static constexpr Param params[] = {
      {"dual_mono", on_off, "off", "A single channel counts as two speakers: 3 LU more.",                 fixed},
      {"peaks",     on_off, "on",  "Also measures true peak, overs, plr and psr, in as much time again.", fixed}
  };
  static constexpr Result results[] = {
      {"integrated",     LUFS,       "Loudness of the programme, gated; none before 400 ms, minus infinity when silent."},
      {"range",          LU,         "Loudness range; settles after 60 s, none before the first 3 s."                   },
      {"momentary",      LUFS,       "Loudness of the last 400 ms."                                                     },
      {"short_term",     LUFS,       "Loudness of the last 3 s."                                                        },
      {"momentary_max",  LUFS,       "Loudest 400 ms, wherever they start."                                             },
      {"short_term_max", LUFS,       "Loudest 3 s, wherever they start."                                                },
      {"range_low",      LUFS,       "Lower end of the range: 10 % of the short-term values lie below."                 },
      {"range_high",     LUFS,       "Upper end of the range: 5 % lie above."                                           },
      {"true_peak",      dBTP,       "Highest true peak of any channel; minus infinity when silent."                    },
      {"plr",            unit("dB"), "Peak to loudness ratio: true peak over integrated loudness."                      },
      {"psr",            unit("dB"), "Ratio of true peak to short-term loudness, both of the last 3 s."                 },
      {"psr_min",        unit("dB"), "The smallest it was; where nothing is above -70 LUFS it does not count."          },
      {"mono_loss",      LU,         "Loudness of the mono sum less that of two channels: 0 or below; none of others."  },
      {"overs",          plain,      "Stretches of true peak over 0 dBTP, in all channels; 10 ms apart is a new one."   }
  };

  void prepare(const Setup<Loudness>& s) {
    rate = s.rate();
    peaks = s["peaks"] > 0;
    loudness.prepare({.rate = rate, .channels = s.channels(), .dual_mono = s["dual_mono"] > 0, .mono = true});
    step = int(rate / 10 + 0.5);
    if (peaks) true_peak.prepare({.channels = s.channels(), .over = 1, .step = step, .apart = int(rate / 100)});
    psr_series.prepare(StepSeries::Keep::lowest);
    channels = s.channels();
    reset();
  }

  void reset() noexcept {
    loudness.reset();
    if (peaks) true_peak.reset();
    steps = psr_steps = 0;
    now = {};
    psr = psr_min = none;
    psr_series.reset();
    highest = -1;
  }

  void process(Block<Loudness>& b) noexcept {
    // half a step at a time: so no step is passed over, and each one's short-term loudness meets its peaks
    for (int at = b.first(); at < b.last(); at += step / 2) {
      const int end = std::min(at + step / 2, b.last());
      loudness.add(b.in(), at, end);
      if (peaks) true_peak.add(b.in(), at, end);
      follow();
    }
    b.pass();
    publish(b);
  }

  void finish(Report<Loudness>& r) noexcept {
    loudness.finish();
    if (peaks) true_peak.finish();
    follow();
    now = read();
    publish(r);
  }

  std::string details() const {
    const auto window = [&](LoudnessMeter::Maximum m, double length) {
      return json{
          {"lufs",   rounded(m.loudness)                    },
          {"from_s", rounded(double(m.from) / rate)         },
          {"to_s",   rounded(double(m.from) / rate + length)}
      };
    };
    json d{
        {"momentary_max",                         window(loudness.momentary_max(),           0.4)},
        {"short_term_max",                                       window(loudness.short_term_max(),                                                                 3)},
        {"gate_lufs",                                     rounded(loudness.integrated_gate())             },
        {"range_gate_lufs",rounded(loudness.range().gate)},
        {"range_settled",                                          double(loudness.frames()) >= 60 * rate                                                                                       },
        {"blocks",json::array()}
    };
    if (peaks)
      for (int c = 0; c < channels; ++c) {
        const auto p = true_peak.peak(c);
        d["true_peak"].push_back({
            {"dbtp",        rounded(db_of(double(p.level)))},
            { "at_s", std::max(0.0,                    p.at / rate)}
        });
      }
    const auto s = loudness.series();
    d["series"]["every_s"] = s.every;
    const auto list = [&](const char* name, const std::vector<float>& v) {
      json& l = d["series"][name] = json::array();
      for (float x : v) l.push_back(x > -200 ? rounded(double(x)) : json(nullptr));
    };
    list("momentary", s.momentary);
    list("short_term", s.short_term);
    list("psr", psr_series.points());
    // level, count and summed power of the gating blocks: those of many programmes together are an album's
    for (const auto& bin : loudness.blocks().bins()) d["blocks"].push_back({bin.level, bin.count, bin.sum});
    return d.dump();
  }

private:
  struct Values {
    double integrated = none, range = none, range_low = none, range_high = none, momentary = none, short_term = none,
           momentary_max = none, short_term_max = none, mono_loss = none;
  };
  Values read() const noexcept {
    const auto range = loudness.range();
    return {loudness.integrated(),
            range.width(),
            range.low,
            range.high,
            loudness.momentary(),
            loudness.short_term(),
            loudness.momentary_max().loudness,
            loudness.short_term_max().loudness,
            loudness.mono_loss()};
  }

  void follow() noexcept {
    if (loudness.steps() != steps) {
      steps = loudness.steps();
      now = read();
      short_terms[steps % kept] = now.short_term;
    }
    for (; peaks && psr_steps < std::min(true_peak.steps(), std::int64_t(steps)); ++psr_steps) {
      const double s = short_terms[std::size_t(psr_steps + 1) % kept];
      psr = none;
      if (psr_steps + 1 >= window && s > -70) {
        float peak = 0;
        for (std::int64_t i = psr_steps + 1 - window; i <= psr_steps; ++i)
          peak = std::max(peak, true_peak.step_peak(i));
        psr = db_of(double(peak)) - s;
        if (!(psr >= psr_min)) psr_min = psr;
      }
      psr_series.add(psr == psr ? float(psr) : std::numeric_limits<float>::infinity());
    }
  }

  template <class To>
  static void put(To& to, detail::ResultName<Loudness> r, double x) noexcept {
    if constexpr (requires { to.report(r, x); })
      to.report(r, x);
    else
      to(r, x);
  }
  template <class To>
  void publish(To& to) noexcept {
    put(to, "integrated", now.integrated);
    put(to, "range", now.range);
    put(to, "range_low", now.range_low);
    put(to, "range_high", now.range_high);
    put(to, "momentary", now.momentary);
    put(to, "short_term", now.short_term);
    put(to, "momentary_max", now.momentary_max);
    put(to, "short_term_max", now.short_term_max);
    const float level = peaks ? true_peak.peak().level : 0;
    if (level != highest) highest = level, highest_db = db_of(double(level));
    put(to, "true_peak", peaks ? highest_db : none);
    put(to, "plr", peaks && now.integrated > -70 ? highest_db - now.integrated : none);
    put(to, "mono_loss", now.mono_loss);
    put(to, "psr", psr);
    put(to, "psr_min", psr_min);
    put(to, "overs", peaks ? double(true_peak.overs()) : none);
  }

  static constexpr std::size_t kept = 64;
  static constexpr std::int64_t window = 30;  // steps of 3 s
  double rate = 0;
  int step = 1, channels = 0;
  bool peaks = true;
  LoudnessMeter loudness;
  TruePeakMeter true_peak;
  std::uint64_t steps = 0;
  std::int64_t psr_steps = 0;
  double short_terms[kept] = {};
  Values now;
  double psr = none, psr_min = none, highest_db = none;
  StepSeries psr_series;
  float highest = -1;
};

}  // namespace

const lacquer_node_type& lacquer_node_loudness = lacquer::node_type<Loudness>;
