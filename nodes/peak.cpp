// nodes/peak.cpp

#include "core/node.hpp"

#include <algorithm>

namespace {
using namespace lacquer;

struct Peak {
  static constexpr Info info{.name = "peak", .doc = "Measures the highest sample; the signal passes unchanged."};
  static constexpr Result results[] = {
      {"peak", dBFS, "Highest sample since reset."}
  };

  void reset() noexcept { highest = 0; }

  void process(Block<Peak>& b) noexcept {
    for (auto [out, in] : b) highest = std::max(highest, simd().peak(in, b.frames()));
    b.pass();
    b.report("peak", gain_to_db(double(highest)));
  }

private:
  float highest = 0;
};

}  // namespace

const lacquer_node_type& lacquer_node_peak = lacquer::node_type<Peak>;
