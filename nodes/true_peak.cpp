// nodes/true_peak.cpp

#include "core/dsp/true_peak.hpp"

#include "core/node.hpp"

#include <nlohmann/json.hpp>

#include <limits>

namespace {
using namespace lacquer;
using nlohmann::json;

double db_of(float gain) {
  return gain > 0 ? log2_of(double(gain)) * (20 * std::numbers::ln2 / std::numbers::ln10)
                  : -std::numeric_limits<double>::infinity();
}

enum class Method { precise, standard };

struct TruePeak {
  static constexpr Info info{
      .name = "true_peak",
      .doc = "Measures the highest value between and at the samples; the signal passes unchanged.",
      .source = "ITU-R BS.1770-5, annex 2"};
  static constexpr Param params[] = {
      {"over", dBTP, 0,                             {-40, 20},   "What lies above this is an over.", fixed},
      {"method",      one_of("precise|standard"),   "precise",
       "Precise is within 0.05 dB up to 20 kHz; standard is the table of BS.1770.", fixed                 },
  };
  static constexpr Result results[] = {
      {"true_peak", dBTP,  "Highest true peak of any channel; minus infinity when silent."       },
      {"overs",     plain, "Stretches over the limit, in all channels; 10 ms apart is a new one."}
  };

  void prepare(const Setup<TruePeak>& s) {
    rate = s.rate();
    channels = s.channels();
    meter.prepare({.channels = channels,
                   .table = Method(int(s["method"])) == Method::standard,
                   .over = float(db_to_gain(double(s["over"]))),
                   .apart = int(rate / 100)});
    highest = -1;
  }
  void reset() noexcept {
    meter.reset();
    highest = -1;
  }

  void process(Block<TruePeak>& b) noexcept {
    meter.add(b.in(), b.first(), b.last());
    b.pass();
    read();
    b.report("true_peak", highest_db);
    b.report("overs", double(meter.overs()));
  }

  void finish(Report<TruePeak>& r) noexcept {
    meter.finish();
    read();
    r("true_peak", highest_db);
    r("overs", double(meter.overs()));
  }

  std::string details() const {
    json d{
        {"channels", json::array()},
        {"overs",    json::array()}
    };
    for (int c = 0; c < channels; ++c)
      d["channels"].push_back({
          {"true_peak_dbtp", db_of(meter.peak(c).level)},
          {"at_s",           std::max(0.0,               meter.peak(c).at / rate)},
          {"overs",                meter.overs(c)                                   }
      });
    for (const auto& o : meter.listed())
      d["overs"].push_back({
          {"channel", o.channel + 1                       },
          {"from_s",  double(std::max<std::int64_t>(o.from, 0)) / rate},
          {"to_s",         double(o.to) / rate                                       },
          {"true_peak_dbtp",         db_of(o.level)}
      });
    d["overs_listed_most"] = TruePeakMeter::listed_most;
    return d.dump();
  }

private:
  void read() noexcept {
    const float level = meter.peak().level;
    if (level != highest) highest = level, highest_db = db_of(level);
  }
  double rate = 0, highest_db = 0;
  int channels = 0;
  float highest = -1;
  TruePeakMeter meter;
};

}  // namespace

const lacquer_node_type& lacquer_node_true_peak = lacquer::node_type<TruePeak>;
