#include "core/dsp/cut_filter.hpp"
#include "core/node.hpp"

namespace {
using namespace lacquer;

struct HighCut : CutFilter<HighCut, BandKind::high_cut> {
  static constexpr Info info{.name = "high_cut",
                             .doc = "Takes away what lies above a frequency, with 6 to 96 dB per octave.",
                             .source = cut_source};
  static constexpr Param params[] = {
      {"freq", Hz,    18000,  {10, 40000}, "Corner frequency."                                     },
      slope_param,
      alignment_param,
      {"q",    plain, 0.707f, q_range,     "Resonance at the corner: 0.707 is the alignment's own."},
  };
};

}  // namespace

const lacquer_node_type& lacquer_node_high_cut = lacquer::node_type<HighCut>;
