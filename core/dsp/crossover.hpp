// core/dsp/crossover.hpp — Linkwitz-Riley crossovers of 24 dB/octave that may glide.
//
// S. H. Linkwitz, "Active crossover networks for noncoincident drivers", JAES 24 (1976): two Butterworth filters in a
// row for each side, and low plus high is the all-pass (s^2 - sqrt(2) s + 1) / (s^2 + sqrt(2) s + 1). Here high *is*
// that all-pass minus low, so the sum is an all-pass by construction, whatever moves. The filters are state-variable,
// trapezoidal (V. Zavalishin, "The Art of VA Filter Design", 2018, chapter 4), stable while their frequency glides.

#pragma once

#include "core/math.hpp"
#include "core/simd/simd.hpp"

#include <algorithm>
#include <numbers>

namespace lacquer {

/// Coefficients of a Butterworth state-variable filter.
struct Corner {
  double a1 = 0, a2 = 0, a3 = 0;

  static constexpr double damping = std::numbers::sqrt2;

  /// From g = tan(pi f / rate).
  static Corner at(double g) {
    const double a1 = 1 / (1 + g * (g + damping));
    return {a1, g * a1, g * g * a1};
  }
  /// tan(pi f / rate), with f held below Nyquist.
  static double bend(double f, double rate) {
    const SinCos x = sin_cos(std::numbers::pi * std::min(f / rate, 0.49));
    return x.sin / x.cos;
  }
};

/// A corner on its way: `g` runs straight through a ramp.
class GlidingCorner {
public:
  GlidingCorner() = default;
  GlidingCorner(const Ramp& f, double rate) : from_(Corner::bend(double(f.from), rate)), to_(from_), ramp_(f) {
    if (f.moves()) to_ = Corner::bend(double(f.to), rate);
    rest_ = Corner::at(to_);
  }
  Corner operator[](int i) const {
    if (!ramp_.moves()) return rest_;
    return Corner::at(from_ + (to_ - from_) * (double(ramp_.at + i) / double(ramp_.frames)));
  }

private:
  double from_ = 0, to_ = 0;
  Ramp ramp_{0, 0};
  Corner rest_;
};

/// Two channels that go through the same filter side by side.
typedef double Two __attribute__((vector_size(16)));

/// One state-variable filter: band and low output for an input. Of one channel (double) or two (Two).
template <class T>
struct BasicStateVariable {
  T s1{}, s2{};

  struct Out {
    T band, low;
  };
  Out operator()(T x, const Corner& c) {
    const T v3 = x - s2, band = c.a1 * s1 + c.a2 * v3, low = s2 + c.a2 * s1 + c.a3 * v3;
    s1 = 2 * band - s1;
    s2 = 2 * low - s2;
    return {band, low};
  }
};

/// The all-pass that the two sides of a crossover add up to.
template <class T>
struct BasicCrossoverPhase {
  BasicStateVariable<T> filter;
  T operator()(T x, const Corner& c) { return x - 2 * Corner::damping * filter(x, c).band; }
};

/// Splits a channel in two.
template <class T>
struct BasicCrossover {
  BasicStateVariable<T> first, second;

  struct Out {
    T low, high;
  };
  Out operator()(T x, const Corner& c) {
    const auto once = first(x, c);
    const T low = second(once.low, c).low;
    return {low, x - 2 * Corner::damping * once.band - low};
  }
};

using StateVariable = BasicStateVariable<double>;
using CrossoverPhase = BasicCrossoverPhase<double>;
using Crossover = BasicCrossover<double>;

}  // namespace lacquer
