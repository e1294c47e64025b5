// core/simd/kernels.cpp — the loops of one instruction set, compiled with -DLACQUER_ARCH=<xsimd arch>
// -DLACQUER_SET=<name>. A topic has its kernels in kernels_<topic>.hpp and its line in the table below.

#include "core/simd/kernels_basic.hpp"
#include "core/simd/kernels_colour.hpp"
#include "core/simd/kernels_dynamics.hpp"
#include "core/simd/kernels_engine.hpp"
#include "core/simd/kernels_filter.hpp"
#include "core/simd/kernels_meter.hpp"

namespace lacquer {

#define LACQUER_PASTE_(a, b) a##b
#define LACQUER_PASTE(a, b) LACQUER_PASTE_(a, b)
#define LACQUER_STR_(s) #s
#define LACQUER_STR(s) LACQUER_STR_(s)

extern const Simd LACQUER_PASTE(simd_, LACQUER_SET);
const Simd LACQUER_PASTE(simd_, LACQUER_SET){LACQUER_STR(LACQUER_SET),
                                             gain,
                                             multiply,
                                             add,
                                             abs_max,
                                             to_db,
                                             power_to_db,
                                             to_gain,
                                             peak,
                                             dynamics,
                                             colour,
                                             meter,
                                             engine,
                                             filter};

}  // namespace lacquer
