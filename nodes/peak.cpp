// nodes/peak.cpp

#include "core/node.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <limits>
#include <vector>

namespace {
using namespace lacquer;

struct Peak {
  static constexpr Info info{.name = "peak", .doc = "Measures the highest sample; the signal passes unchanged."};
  static constexpr Result results[] = {
      {"peak", dBFS, "Highest sample of any channel; minus infinity when silent."}
  };

  void prepare(const Setup<Peak>& s) {
    rate = s.rate();
    channels.assign(std::size_t(s.channels()), {});
  }
  void reset() noexcept { std::fill(channels.begin(), channels.end(), Channel{}); }

  void process(Block<Peak>& b) noexcept {
    const int first = b.first(), n = b.last() - first;
    float all = 0;
    std::size_t i = 0;
    for (auto [out, in] : b) {
      Channel& c = channels[i++];
      const float here = simd().peak(in + first, n);
      if (here > c.highest) {
        const float* at = std::find_if(in + first, in + first + n, [&](float x) { return std::abs(x) == here; });
        c = {here, b.time() + (at - in)};
      }
      all = std::max(all, c.highest);
    }
    b.pass();
    b.report("peak", db_of(all));
  }

  std::string details() const {
    nlohmann::json d = nlohmann::json::array();
    for (const Channel& c : channels)
      d.push_back({
          {"peak_dbfs", db_of(c.highest)   },
          {"at_s",      double(c.at) / rate}
      });
    return nlohmann::json{
        {"channels", d}
    }
        .dump();
  }

private:
  struct Channel {
    float highest = 0;
    std::int64_t at = 0;
  };
  static double db_of(float gain) {
    return gain > 0 ? log2_of(double(gain)) * (20 * std::numbers::ln2 / std::numbers::ln10)
                    : -std::numeric_limits<double>::infinity();
  }
  double rate = 0;
  std::vector<Channel> channels;
};

}  // namespace

const lacquer_node_type& lacquer_node_peak = lacquer::node_type<Peak>;
