// core/dsp/filter_params.hpp — how filters are set, alike in every node that has some.

#pragma once

#include "core/dsp/filter_design.hpp"
#include "core/node.hpp"

#include <iterator>

namespace lacquer {

inline constexpr Choices slopes = one_of("6|12|18|24|36|48|72|96");  ///< dB per octave
inline constexpr int slope_orders[] = {1, 2, 3, 4, 6, 8, 12, 16};
inline constexpr Choices alignments = one_of("butterworth|linkwitz_riley|bessel");
inline constexpr Range q_range{0.1f, 40};

inline constexpr Param slope_param{"slope", slopes, "12", "Steepness of a cut in dB per octave."};
inline constexpr Param alignment_param{"alignment", alignments, "butterworth",
                                       "Shape of a cut: -3 dB at freq and flat, -6 dB and summing to an all-pass (12, "
                                       "24, ... dB), or -3 dB and the gentlest in time."};

inline int order_of(float slope) { return slope_orders[std::size_t(slope)]; }
inline bool exists(Alignment a, int order) { return a != Alignment::linkwitz_riley || order % 2 == 0; }
inline constexpr const char* no_such_alignment = "linkwitz_riley has slopes of 12, 24, 36, 48, 72 and 96 dB per octave";

}  // namespace lacquer
