// nodes/pan.cpp

#include "core/math.hpp"
#include "core/node.hpp"

#include <stdexcept>

namespace {
using namespace lacquer;

struct Pan {
  static constexpr Info info{
      .name = "pan",
      .doc = "Moves the image aside: what one channel loses the other gains, where balance only turns one down.",
      .source = "Equal power: the squares of a quarter sine and a quarter cosine add up to 1"};
  static constexpr Param params[] = {
      {"position", percent, 0, {-100, 100}, "-100 is all left, 100 all right; 0 passes bit for bit."}
  };

  void prepare(const Setup<Pan>& s) {
    if (s.channels() != 2) throw std::runtime_error("pan needs a stereo signal");
  }
  void process(Block<Pan>& b) noexcept {
    const Ramp position = b.ramp("position");
    if (!position.moves() && position.to == 0) return b.pass();
    const auto in = b.input("in");
    const auto out = b.output("out");
    const SinCos rest = turned(position.to);
    for (int i = 0; i < b.frames(); ++i) {
      const float at = position.moves() ? position[i] : position.to;
      const SinCos way = position.moves() ? turned(at) : rest;
      const double l = double(in[0][i]), r = double(in[1][i]);
      out[0][i] = float(at > 0 ? l * way.cos : l + r * way.sin);
      out[1][i] = float(at > 0 ? r + l * way.sin : r * way.cos);
    }
  }

private:
  static SinCos turned(float position) noexcept {
    return sin_cos(double(std::abs(position)) / 100 * std::numbers::pi / 2);
  }
};

}  // namespace

const lacquer_node_type& lacquer_node_pan = lacquer::node_type<Pan>;
