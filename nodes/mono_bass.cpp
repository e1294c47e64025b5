// nodes/mono_bass.cpp

#include "core/dsp/crossover.hpp"
#include "core/dsp/engagement.hpp"
#include "core/node.hpp"

#include <stdexcept>

namespace {
using namespace lacquer;

struct MonoBass {
  static constexpr Info info{
      .name = "mono_bass",
      .doc = "Makes the bass mono, an elliptical filter: the side loses its low end, the mid keeps step with it.",
      .source =
          "S. H. Linkwitz, Active crossover networks for noncoincident drivers, JAES 24 (1976): 24 dB/octave, mid "
          "phase-matched by an all-pass"};
  static constexpr Param params[] = {
      {"freq",   Hz, 120, {20, 1000}, "Below it the side falls by 24 dB per octave, 6 dB down right there."},
      {"amount",
       percent,      100,
       {0, 100},
       "How much of the low side is taken away; 0 from the start on passes bit for bit."                   }
  };

  void prepare(const Setup<MonoBass>& s) {
    if (s.channels() != 2) throw std::runtime_error("mono_bass needs a stereo signal");
    rate_ = s.rate();
    engaged_.prepare(rate_);
  }
  void reset() noexcept {
    mid_ = {};
    side_ = {};
    engaged_.reset();
  }
  void process(Block<MonoBass>& b) noexcept {
    const Ramp amount = b.ramp("amount"), freq = b.ramp("freq");
    engaged_.need(amount.from != 0 || amount.to != 0);
    if (b.ramp_starts() || freq.moves()) corner_ = {freq, rate_};
    const auto in = b.input("in");
    const auto out = b.output("out");
    for (int i = 0; i < b.frames(); ++i) {
      const double l = double(in[0][i]), r = double(in[1][i]);
      const Corner corner = corner_[i];
      const double m = mid_((l + r) / 2, corner);
      const auto [low, high] = side_((l - r) / 2, corner);
      const double s = high + low * (1 - double(amount[i]) / 100);
      if (engaged_.out()) {
        out[0][i] = in[0][i], out[1][i] = in[1][i];
        continue;
      }
      const double share = engaged_.in() ? 1 : engaged_.next();
      out[0][i] = float(share * (m + s) + (1 - share) * l);
      out[1][i] = float(share * (m - s) + (1 - share) * r);
    }
  }

private:
  double rate_ = 0;
  Engagement engaged_;
  GlidingCorner corner_;
  CrossoverPhase mid_;
  Crossover side_;
};

}  // namespace

const lacquer_node_type& lacquer_node_mono_bass = lacquer::node_type<MonoBass>;
