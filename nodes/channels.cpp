// nodes/channels.cpp

#include "core/node.hpp"

#include <stdexcept>

namespace {
using namespace lacquer;

struct Channels {
  static constexpr Info info{.name = "channels", .doc = "Swaps the two channels, or puts one of them or both on each."};
  static constexpr Param params[] = {
      {"as", one_of("they_are|swapped|left|right|mono"), "they_are",
       "swapped; left or right, on both; mono, half the sum on both.", fixed}
  };
  enum As { they_are, swapped, left, right, mono };

  void prepare(const Setup<Channels>& s) {
    as_ = As(int(s["as"]));
    if (as_ != they_are && s.channels() != 2) throw std::runtime_error("channels needs a stereo signal");
  }
  void process(Block<Channels>& b) noexcept {
    if (as_ == they_are) return b.pass();
    const auto in = b.input("in");
    const auto out = b.output("out");
    for (int i = 0; i < b.frames(); ++i) {  // both are read before either is written: out may be in
      const float l = in[0][i], r = in[1][i], both = 0.5f * l + 0.5f * r;
      out[0][i] = as_ == left ? l : as_ == mono ? both : r;
      out[1][i] = as_ == right ? r : as_ == mono ? both : l;
    }
  }

private:
  As as_ = they_are;
};

}  // namespace

const lacquer_node_type& lacquer_node_channels = lacquer::node_type<Channels>;
