// nodes/width.cpp

#include "core/node.hpp"

#include <stdexcept>

namespace {
using namespace lacquer;

struct Width {
  static constexpr Info info{
      .name = "width",
      .doc = "Widens or narrows the stereo image by the level of the side signal; the mono sum stays as it is."};
  static constexpr Param params[] = {
      {"width", percent, 100, {0, 200}, "0 is mono, 100 leaves it as it is, bit for bit."}
  };

  void prepare(const Setup<Width>& s) {
    if (s.channels() != 2) throw std::runtime_error("width needs a stereo signal");
  }
  void process(Block<Width>& b) noexcept {
    const Ramp width = b.ramp("width");
    if (!width.moves() && width.to == 100) return b.pass();
    const auto in = b.input("in");
    const auto out = b.output("out");
    simd().colour.widen(out[0], out[1], in[0], in[1], width, b.frames());
  }
};

}  // namespace

const lacquer_node_type& lacquer_node_width = lacquer::node_type<Width>;
