// nodes/left_right.cpp

#include "core/node.hpp"

#include <algorithm>
#include <stdexcept>

namespace {
using namespace lacquer;

struct LeftRight {
  static constexpr Info info{.name = "left_right",
                             .doc = "Opens a branch for each channel; they are joined again where it ends."};
  static constexpr Port outputs[] = {
      {"left",  LACQUER_MONO, "The left channel." },
      {"right", LACQUER_MONO, "The right channel."}
  };

  void prepare(const Setup<LeftRight>& s) {
    if (s.channels() != 2) throw std::runtime_error("left_right needs a stereo signal");
  }
  void process(Block<LeftRight>& b) noexcept {
    const auto in = b.input("in");
    float *left = b.output("left")[0], *right = b.output("right")[0];
    if (left != in[0]) std::copy_n(in[0], b.frames(), left);
    if (right != in[1]) std::copy_n(in[1], b.frames(), right);
  }
};

}  // namespace

const lacquer_node_type& lacquer_node_left_right = lacquer::node_type<LeftRight>;
