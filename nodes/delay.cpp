// nodes/delay.cpp

#include "core/node.hpp"

#include <cmath>
#include <vector>

namespace {
using namespace lacquer;

struct Delay {
  static constexpr Info info{
      .name = "delay",
      .doc =
          "Makes the signal late, on purpose: the graph does not make up for it, so that it can align one branch with "
          "another."};
  static constexpr Param params[] = {
      {"time", ms, 0, {0, 1000}, "How late, to the nearest whole frame.", fixed}
  };

  void prepare(const Setup<Delay>& s) {
    late_ = std::size_t(std::lround(double(s["time"]) / 1000 * s.rate()));
    lines_.assign(std::size_t(s.channels()), std::vector<float>(late_));
    at_ = 0;
  }
  void reset() noexcept {
    for (auto& line : lines_) std::fill(line.begin(), line.end(), 0.0f);
    at_ = 0;
  }
  void process(Block<Delay>& b) noexcept {
    if (late_ == 0) return b.pass();
    std::size_t c = 0, at = at_;
    for (auto [out, in] : b) {
      auto& line = lines_[c++];
      at = at_;
      for (int i = 0; i < b.frames(); ++i) {
        const float now = in[i];  // out may be in
        out[i] = line[at];
        line[at] = now;
        if (++at == late_) at = 0;
      }
    }
    at_ = at;
  }

private:
  std::size_t late_ = 0, at_ = 0;
  std::vector<std::vector<float>> lines_;
};

}  // namespace

const lacquer_node_type& lacquer_node_delay = lacquer::node_type<Delay>;
