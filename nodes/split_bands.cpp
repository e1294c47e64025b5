// nodes/split_bands.cpp

#include "core/dsp/crossover.hpp"
#include "core/node.hpp"

#include <stdexcept>
#include <vector>

namespace {
using namespace lacquer;

struct SplitBands {
  static constexpr Info info{
      .name = "split_bands",
      .doc =
          "Opens a low and a high branch; they are summed where it ends, flat when nothing is done to them. One inside "
          "the other makes more bands.",
      .source = "S. H. Linkwitz, Active crossover networks for noncoincident drivers, JAES 24 (1976): 24 dB/octave"};
  static constexpr Port outputs[] = {
      {"low",  LACQUER_MAIN, "Below the split."},
      {"high", LACQUER_MAIN, "Above the split."}
  };
  static constexpr Param params[] = {
      {"split", Hz, 200, {20, 20000}, "Where low meets high, each 6 dB down."}
  };

  void prepare(const Setup<SplitBands>& s) {
    rate_ = s.rate();
    if (double(s["split"]) > 0.45 * rate_)
      throw std::runtime_error("split_bands: split lies too close to half the sample rate");
    lines_.resize(std::size_t(s.channels()));
    reset();
  }
  void reset() noexcept { std::fill(lines_.begin(), lines_.end(), Crossover{}); }
  void process(Block<SplitBands>& b) noexcept {
    if (b.ramp_starts() || b.ramp("split").moves()) corner_ = {b.ramp("split"), rate_};
    const auto in = b.input("in");
    const auto low = b.output("low"), high = b.output("high");
    for (int c = 0; c < in.channels; ++c) {
      Crossover line = lines_[std::size_t(c)];
      for (int i = 0; i < b.frames(); ++i) {
        const auto [below, above] = line(double(in[c][i]), corner_[i]);
        low[c][i] = float(below);
        high[c][i] = float(above);
      }
      lines_[std::size_t(c)] = line;
    }
  }

private:
  double rate_ = 0;
  GlidingCorner corner_;
  std::vector<Crossover> lines_;
};

}  // namespace

const lacquer_node_type& lacquer_node_split_bands = lacquer::node_type<SplitBands>;
