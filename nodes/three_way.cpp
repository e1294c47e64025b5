// nodes/three_way.cpp

#include "core/dsp/crossover.hpp"
#include "core/node.hpp"

#include <stdexcept>
#include <vector>

namespace {
using namespace lacquer;

struct ThreeWay {
  static constexpr Info info{
      .name = "three_way",
      .doc = "Opens a low, a mid and a high branch; they are summed where it ends, flat when nothing is done to them.",
      .source =
          "S. H. Linkwitz, Active crossover networks for noncoincident drivers, JAES 24 (1976): 24 dB/octave, low "
          "band phase-matched by an all-pass"};
  static constexpr Port outputs[] = {
      {"low",  LACQUER_MAIN, "Below the first split." },
      {"mid",  LACQUER_MAIN, "Between the splits."    },
      {"high", LACQUER_MAIN, "Above the second split."}
  };
  static constexpr Param params[] = {
      {"low_split",  Hz, 150,  {20, 1000},   "Where low meets mid." },
      {"high_split", Hz, 2500, {500, 16000}, "Where mid meets high."}
  };

  void prepare(const Setup<ThreeWay>& s) {
    rate_ = s.rate();
    if (double(s["high_split"]) > 0.45 * rate_)
      throw std::runtime_error("three_way: high_split lies too close to half the sample rate");
    lines_.resize(std::size_t(s.channels()));
    reset();
  }
  void reset() noexcept {
    for (Line& l : lines_) l = {};
  }
  void process(Block<ThreeWay>& b) noexcept {
    if (b.ramp_starts() || b.ramp("low_split").moves() || b.ramp("high_split").moves()) {
      at_low_ = {b.ramp("low_split"), rate_};
      at_high_ = {b.ramp("high_split"), rate_};
    }
    const auto in = b.input("in");
    const auto low = b.output("low"), mid = b.output("mid"), high = b.output("high");
    for (int c = 0; c < in.channels; ++c) {
      Line line = lines_[std::size_t(c)];
      const float* x = in[c];
      for (int i = 0; i < b.frames(); ++i) {
        const Corner lower = at_low_[i], upper = at_high_[i];
        const auto [below, rest] = line.low(double(x[i]), lower);
        const auto [between, above] = line.high(rest, upper);
        low[c][i] = float(line.phase(below, upper));
        mid[c][i] = float(between);
        high[c][i] = float(above);
      }
      lines_[std::size_t(c)] = line;
    }
  }

private:
  struct Line {
    Crossover low, high;
    CrossoverPhase phase;  // what the low band misses by not passing the second split
  };
  double rate_ = 0;
  GlidingCorner at_low_, at_high_;
  std::vector<Line> lines_;
};

}  // namespace

const lacquer_node_type& lacquer_node_three_way = lacquer::node_type<ThreeWay>;
