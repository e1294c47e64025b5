#include "core/engine/solve.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace lacquer {

Found solve(const std::function<double(double)>& f, const Search& s) {
  constexpr double inf = std::numeric_limits<double>::infinity();
  Found best{s.start, std::numeric_limits<double>::quiet_NaN(), false, 0};
  const auto miss = [&](double fx) { return std::abs(fx - s.wanted); };
  // The error at x; remembers the best try. NaN: no value there.
  const auto error = [&](double x) {
    const double fx = f(x);
    ++best.tries;
    if (std::isnan(best.fx) || miss(fx) < miss(best.fx)) best.x = x, best.fx = fx;
    best.reached = miss(best.fx) <= s.within;
    return fx - s.wanted;
  };

  double a = std::clamp(s.start, s.min, s.max), ea = error(a);
  if (best.reached || !std::isfinite(ea)) return best;

  // Look for a try on the other side, by secant steps that may grow, then at both ends of the range.
  double b = a, eb = ea, slope = s.slope;
  bool ends_tried[2] = {a == s.min, a == s.max};
  double reach = inf;
  while (ea * eb > 0 || a == b) {
    if (best.tries >= s.tries) return best;
    double step = slope != 0 && std::isfinite(slope) ? -eb / slope : s.max - s.min;
    step = std::clamp(step * 1.0, -reach, reach);
    double x = std::clamp(b + step, s.min, s.max);
    if (x == b || (x == s.min && ends_tried[0]) || (x == s.max && ends_tried[1])) {
      if (!ends_tried[0] && !ends_tried[1])
        x = b + step < b ? s.min : s.max;
      else if (!ends_tried[0])
        x = s.min;
      else if (!ends_tried[1])
        x = s.max;
      else
        return best;  // both ends lie on the same side: it cannot be reached
    }
    if (x == s.min) ends_tried[0] = true;
    if (x == s.max) ends_tried[1] = true;
    const double ex = error(x);
    if (best.reached || std::isnan(ex)) return best;
    const double rise = (ex - eb) / (x - b);
    reach = 4 * std::abs(x - b);
    if (std::isfinite(rise)) slope = rise;
    a = b, ea = eb;
    b = x, eb = ex;
  }

  double wa = ea, wb = eb;  // Illinois: the error of an end that stays is halved, so that it cannot stay for ever
  double width = std::abs(b - a);
  for (int stalled = 0; best.tries < s.tries;) {
    double x = std::isfinite(wa) && std::isfinite(wb) ? b - wb * (b - a) / (wb - wa) : (a + b) / 2;
    if (stalled >= 2) x = (a + b) / 2, stalled = 0;
    if (x == a || x == b || float(a) == float(b)) return best;  // parameters are floats: there is nothing in between
    const double ex = error(x);
    if (best.reached || std::isnan(ex)) return best;
    if (ex * eb < 0)
      a = b, ea = eb, wa = ea;
    else
      wa /= 2;
    b = x, eb = ex, wb = eb;
    stalled = std::abs(b - a) > width / 2 ? stalled + 1 : 0;
    width = std::abs(b - a);
  }
  return best;
}

}  // namespace lacquer
