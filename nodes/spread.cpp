// nodes/spread.cpp
//
// The side of a mono source: its mid through all-passes, which turn phases and leave levels. L = M + a S and R = M - a
// S have M as their mono sum whatever S is, and at each frequency the two differ by what the all-passes turned: a comb
// of a few wide teeth an octave, without an echo (no Haas delay).

#include "core/dsp/crossover.hpp"
#include "core/dsp/engagement.hpp"
#include "core/math.hpp"
#include "core/node.hpp"

#include <array>
#include <stdexcept>

namespace {
using namespace lacquer;

struct Spread {
  static constexpr Info info{
      .name = "spread",
      .doc = "Gives a mono source width: a side made of its mid by all-passes. The mono sum stays as it is.",
      .source =
          "M. R. Schroeder, An artificial stereophonic effect obtained from a single audio signal, JAES 6 (1958); "
          "R. Orban, A rational technique for synthesizing pseudo-stereo from monophonic sources, JAES 18 (1970)"};
  static constexpr Param params[] = {
      {"amount",
       percent,      0,
       {0, 100},
       "Level of the new side against the mid; 0 from the start on passes bit for bit."      },
      {"from",   Hz, 250, {20, 2000}, "Below it nothing is spread: bass stays in the middle."}
  };

  void prepare(const Setup<Spread>& s) {
    if (s.channels() != 2) throw std::runtime_error("spread needs a stereo signal");
    rate_ = s.rate();
    engaged_.prepare(rate_);
    for (std::size_t k = 0; k < stages; ++k) {
      // two an octave from 180 Hz on; their phases turn slowly enough to ring for a millisecond or two only
      const double freq = std::min(180 * pow_of(2, 0.5 * double(k)), 0.45 * rate_);
      const SinCos w = sin_cos(2 * std::numbers::pi * freq / rate_);
      const double alpha = w.sin / (2 * quality);
      a1_[k] = -2 * w.cos / (1 + alpha);
      a2_[k] = (1 - alpha) / (1 + alpha);
    }
    reset();
  }
  void reset() noexcept {
    state_ = {};
    high_ = {};
    engaged_.reset();
  }
  void process(Block<Spread>& b) noexcept {
    const Ramp amount = b.ramp("amount"), from = b.ramp("from");
    engaged_.need(amount.from != 0 || amount.to != 0);
    if (b.ramp_starts() || from.moves()) corner_ = {from, rate_};
    const auto in = b.input("in");
    const auto out = b.output("out");
    for (int i = 0; i < b.frames(); ++i) {
      const double l = double(in[0][i]), r = double(in[1][i]), mid = (l + r) / 2;
      const auto [band, low] = high_(mid, corner_[i]);
      const double side = turned(mid - Corner::damping * band - low);  // a high-pass of 12 dB/octave
      if (engaged_.out()) {
        out[0][i] = in[0][i], out[1][i] = in[1][i];
        continue;
      }
      const double added = (engaged_.in() ? 1 : engaged_.next()) * double(amount[i]) / 100 * side;
      out[0][i] = float(l + added);
      out[1][i] = float(r - added);
    }
  }

private:
  static constexpr std::size_t stages = 12;
  static constexpr double quality = 0.9;

  double turned(double x) noexcept {
    for (std::size_t k = 0; k < stages; ++k) {  // transposed direct form II of an all-pass
      auto& s = state_[k];
      const double y = a2_[k] * x + s[0];
      s[0] = a1_[k] * x - a1_[k] * y + s[1];
      s[1] = x - a2_[k] * y;
      x = y;
    }
    return x;
  }

  double rate_ = 0;
  Engagement engaged_;
  std::array<double, stages> a1_{}, a2_{};
  std::array<std::array<double, 2>, stages> state_{};
  GlidingCorner corner_;
  StateVariable high_;
};

}  // namespace

const lacquer_node_type& lacquer_node_spread = lacquer::node_type<Spread>;
