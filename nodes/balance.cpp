// nodes/balance.cpp

#include "core/node.hpp"

#include <stdexcept>

namespace {
using namespace lacquer;

struct Balance {
  static constexpr Info info{.name = "balance",
                             .doc = "Moves the weight between left and right; mono sources: a panorama."};
  static constexpr Param params[] = {
      {"position", percent,                   0,             {-100, 100},                                          "-100 left only, 100 right only."},
      {"law",      one_of("cut|equal_power"), "equal_power",
       "cut only turns the far side down; equal_power, sine and cosine, keeps the power and the middle as it is.", fixed                            }
  };

  void prepare(const Setup<Balance>& s) {
    equal_power_ = s["law"] == 1;
    if (s.channels() != 2) throw std::runtime_error("balance needs a stereo signal");
  }
  void process(Block<Balance>& b) noexcept {
    const Ramp position = b.ramp("position");
    const Gains from = at(double(position.from) / 100), to = at(double(position.to) / 100);
    int channel = 0;
    for (auto [out, in] : b) {
      const Ramp gain{from.of[channel], to.of[channel], position.at, position.frames};
      ++channel;
      for (int i = 0; i < b.frames(); ++i) out[i] = in[i] * gain[i];
    }
  }

private:
  struct Gains {
    float of[2];
  };
  Gains at(double position) const noexcept {
    if (!equal_power_)
      return {
          {float(std::min(1.0, 1 - position)), float(std::min(1.0, 1 + position))}
      };
    const SinCos t = sin_cos((1 + position) * (std::numbers::pi / 4));
    return {
        {float(t.cos * std::numbers::sqrt2), float(t.sin * std::numbers::sqrt2)}
    };
  }
  bool equal_power_ = true;
};

}  // namespace

const lacquer_node_type& lacquer_node_balance = lacquer::node_type<Balance>;
