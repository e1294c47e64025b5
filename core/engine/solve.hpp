// core/engine/solve.hpp — finds where a function reaches a value, in as few evaluations as it can: each is a pass over
// the whole programme. [control]

#pragma once

#include <functional>

namespace lacquer {

struct Search {
  double min = 0, max = 1;        ///< the range of x, both ends included
  double start = 0;               ///< tried first
  double wanted = 0, within = 0;  ///< f(x) is to be wanted +- within
  double slope = 1;               ///< a guess of df/dx, for the second try
  int tries = 24;
};

struct Found {
  double x = 0, fx = 0;  ///< where it was reached, or what came closest
  bool reached = false;
  int tries = 0;
};

/// Secant steps until two tries lie on both sides, then regula falsi (Illinois) kept inside the bracket, bisection when
/// that stalls. f need not be monotonic; where it is NaN the search ends with what it has.
Found solve(const std::function<double(double)>& f, const Search& search);

}  // namespace lacquer
