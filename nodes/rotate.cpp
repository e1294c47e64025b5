// nodes/rotate.cpp

#include "core/node.hpp"

#include <stdexcept>

namespace {
using namespace lacquer;

struct Rotate {
  static constexpr Info info{.name = "rotate",
                             .doc = "Turns the stereo image about the listener: the middle moves, no power is lost.",
                             .source = "Gerzon: Stereo Shuffling, Studio Sound, July 1986"};
  static constexpr Param params[] = {
      {"angle", unit("deg"), 0, {-180, 180}, "45 puts the middle on the right, -45 on the left."}
  };

  void prepare(const Setup<Rotate>& s) {
    if (s.channels() != 2) throw std::runtime_error("rotate needs a stereo signal");
  }
  void process(Block<Rotate>& b) noexcept {
    const Ramp angle = b.ramp("angle");
    const SinCos from = at(angle.from), to = at(angle.to);
    const Ramp sin{float(from.sin), float(to.sin), angle.at, angle.frames};
    const Ramp cos{float(from.cos), float(to.cos), angle.at, angle.frames};
    if (!angle.moves() && angle.to == 0) return b.pass();
    const auto in = b.input("in");
    const auto out = b.output("out");
    for (int i = 0; i < b.frames(); ++i) {
      const float l = in[0][i], r = in[1][i], s = sin[i], c = cos[i];
      out[0][i] = c * l - s * r;
      out[1][i] = s * l + c * r;
    }
  }

private:
  static SinCos at(float degrees) noexcept { return sin_cos(double(degrees) * (std::numbers::pi / 180)); }
};

}  // namespace

const lacquer_node_type& lacquer_node_rotate = lacquer::node_type<Rotate>;
