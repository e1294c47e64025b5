// nodes/polarity.cpp

#include "core/node.hpp"

#include <stdexcept>

namespace {
using namespace lacquer;

struct Polarity {
  static constexpr Info info{.name = "polarity", .doc = "Turns the wave upside down, in all channels or in one."};
  static constexpr Param params[] = {
      {"invert", one_of("both|left|right"), "both", "Which channels; both means all there are.", fixed}
  };
  enum Which { both, left, right };

  void prepare(const Setup<Polarity>& s) {
    which_ = Which(int(s["invert"]));
    if (which_ != both && s.channels() != 2) throw std::runtime_error("polarity of one side needs a stereo signal");
  }
  void process(Block<Polarity>& b) noexcept {
    int channel = 0;
    for (auto [out, in] : b) {
      const bool turn = which_ == both || which_ == (channel++ == 0 ? left : right);
      for (int i = 0; i < b.frames(); ++i) out[i] = turn ? -in[i] : in[i];
    }
  }

private:
  Which which_ = both;
};

}  // namespace

const lacquer_node_type& lacquer_node_polarity = lacquer::node_type<Polarity>;
