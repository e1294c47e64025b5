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

inline constexpr Param band_param{"kind", one_of("bell|low_shelf|high_shelf|low_cut|high_cut|notch|band_pass|tilt"),
                                  "bell", "What the band does."};  ///< as BandKind
inline constexpr Param freq_param{"freq", Hz, 1000, {10, 40000}, "Centre, corner, or where a tilt turns."};
inline constexpr Param gain_param{
    "gain", dB, 0, {-24, 24}, "Of a bell or shelf; of a tilt, at the top, and as much less at the bottom."};
inline constexpr Param q_param{"q", plain, 0.707f, q_range,
                               "Narrowness of a bell, notch or band pass, slope of a shelf, resonance of a cut."};
inline constexpr Param slope_param{"slope", slopes, "12", "Steepness of a cut in dB per octave."};
inline constexpr Param alignment_param{"alignment", alignments, "butterworth",
                                       "Shape of a cut: -3 dB at freq and flat, -6 dB and summing to an all-pass (12, "
                                       "24, ... dB), or -3 dB and the gentlest in time."};

inline int order_of(float slope) { return slope_orders[std::size_t(slope)]; }
inline bool exists(Alignment a, int order) { return a != Alignment::linkwitz_riley || order % 2 == 0; }
inline constexpr const char* no_such_alignment = "linkwitz_riley has slopes of 12, 24, 36, 48, 72 and 96 dB per octave";

}  // namespace lacquer
