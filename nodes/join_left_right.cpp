// nodes/join_left_right.cpp

#include "core/node.hpp"

#include <algorithm>

namespace {
using namespace lacquer;

struct JoinLeftRight {
  static constexpr Info info{.name = "join_left_right", .doc = "Closes left_right: two channels make a stereo signal."};
  static constexpr Port inputs[] = {
      {"left",  LACQUER_MONO, "The left channel." },
      {"right", LACQUER_MONO, "The right channel."}
  };

  void process(Block<JoinLeftRight>& b) noexcept {
    const auto out = b.output("out");
    const float *left = b.input("left")[0], *right = b.input("right")[0];
    if (out[0] != left) std::copy_n(left, b.frames(), out[0]);
    if (out[1] != right) std::copy_n(right, b.frames(), out[1]);
  }
};

}  // namespace

const lacquer_node_type& lacquer_node_join_left_right = lacquer::node_type<JoinLeftRight>;
