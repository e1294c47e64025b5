// nodes/silence.cpp

#include "core/node.hpp"

#include <algorithm>

namespace {
using namespace lacquer;

struct Silence {
  static constexpr Info info{.name = "silence", .doc = "Silences a passage, or all there is; its edges are faded."};
  static constexpr Param params[] = {
      {"from", ms, 0,        {0, 36000000}, "Where it starts, in programme time.",                         fixed},
      {"to",   ms, 36000000, {0, 36000000}, "Where it ends; the default lies behind any programme.",       fixed},
      {"fade", ms, 5,        {0, 10000},    "Length of each edge, half a cosine, outside of the passage.", fixed}
  };

  void prepare(const Setup<Silence>& s) {
    const auto frame = [&](float at) { return std::int64_t(std::llround(double(at) * 0.001 * s.rate())); };
    from_ = frame(s["from"]);
    to_ = std::max(from_, frame(s["to"]));
    edge_ = frame(s["fade"]);
    open_ = s["to"] >= 36000000;
  }
  void process(Block<Silence>& b) noexcept {
    b.pass();
    if (from_ == to_) return;
    const std::int64_t start = b.time(), stop = start + b.frames();
    const std::int64_t out = from_ > 0 ? from_ - edge_ : start, in = open_ ? stop : to_ + edge_;
    for (std::int64_t t = std::max(start, out); t < std::min(stop, in); ++t) {
      double gain = 0;
      if (t < from_ && from_ > 0) gain = rising(double(from_ - t) - 0.5);
      if (t >= to_ && !open_) gain = rising(double(t - to_) + 0.5);
      for (float* x : b.output("out")) x[t - start] *= float(gain);
    }
  }

private:
  double rising(double way) const noexcept { return (1 - sin_cos(way / double(edge_) * std::numbers::pi).cos) / 2; }
  std::int64_t from_ = 0, to_ = 0, edge_ = 0;
  bool open_ = true;
};

}  // namespace

const lacquer_node_type& lacquer_node_silence = lacquer::node_type<Silence>;
