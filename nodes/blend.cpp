// nodes/blend.cpp

#include "core/node.hpp"

#include <algorithm>
#include <stdexcept>

namespace {
using namespace lacquer;

struct Blend {
  static constexpr Info info{.name = "blend",
                             .doc = "Replaces the signal by another one; its mix sets the share of each."};
  static constexpr Port inputs[] = {
      main_in, {"wet", LACQUER_MAIN, "What replaces the signal, as wide as it is."}
  };

  void prepare(const Setup<Blend>& s) {
    if (s.channels("wet") != s.channels())
      throw std::runtime_error("blend needs two signals with the same number of channels");
  }
  void process(Block<Blend>& b) noexcept {
    const auto wet = b.input("wet");
    const auto out = b.output("out");
    for (int c = 0; c < out.channels; ++c) std::copy_n(wet[c], b.frames(), out[c]);
  }
};

}  // namespace

const lacquer_node_type& lacquer_node_blend = lacquer::node_type<Blend>;
