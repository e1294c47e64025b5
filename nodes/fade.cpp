// nodes/fade.cpp

#include "core/node.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace {
using namespace lacquer;

struct Fade {
  static constexpr Info info{.name = "fade", .doc = "Fades the programme in at its start and out at its end."};
  static constexpr Param params[] = {
      {"in",   ms, 0,    {0, 60000},                           "Length of the fade-in.", fixed},
      {"out",
       ms,    0,
       {0, 60000},
       "Length of the fade-out; needs a programme that ends, so live it does nothing and fade_out stays empty.",                                                                       fixed},
      {"curve", one_of("linear|equal_power|s_curve"),   "linear",
       "linear in level; equal_power, a quarter sine, for crossing uncorrelated material; s_curve, half a cosine.", fixed}
  };
  static constexpr Result results[] = {
      {"fade_out", unit("s"), "Where the fade-out starts; no value while the end of the programme is not known."}
  };
  enum Curve { linear, equal_power, s_curve };

  void prepare(const Setup<Fade>& s) {
    rate_ = s.rate();
    in_ = std::int64_t(std::llround(double(s["in"]) / 1000 * rate_));
    out_ = std::int64_t(std::llround(double(s["out"]) / 1000 * rate_));
    curve_ = Curve(int(s["curve"]));
  }
  void process(Block<Fade>& b) noexcept {
    const std::int64_t end = b.length(), start = b.time(), stop = start + b.frames();
    const bool ends = end != std::numeric_limits<std::int64_t>::max();
    if (ends && out_ > 0) b.report("fade_out", double(std::max<std::int64_t>(0, end - out_)) / rate_);
    b.pass();
    // A frame is taken at its middle, so that both fades are each other's mirror image.
    for (std::int64_t t = start; t < std::min(in_, stop); ++t) scale(b, t, double(t) + 0.5, in_);
    if (ends)
      for (std::int64_t t = std::max(start, end - out_); out_ > 0 && t < stop; ++t)
        scale(b, t, double(end - t) - 0.5, out_);
  }

private:
  void scale(Block<Fade>& b, std::int64_t time, double way, std::int64_t length) const noexcept {
    const float g = float(gain(std::clamp(way / double(length), 0.0, 1.0)));
    for (float* x : b.output("out")) x[time - b.time()] *= g;
  }
  double gain(double t) const noexcept {
    switch (curve_) {
      case equal_power:
        return sin_cos(t * std::numbers::pi / 2).sin;
      case s_curve:
        return (1 - sin_cos(t * std::numbers::pi).cos) / 2;
      default:
        return t;
    }
  }

  double rate_ = 0;
  std::int64_t in_ = 0, out_ = 0;
  Curve curve_ = linear;
};

}  // namespace

const lacquer_node_type& lacquer_node_fade = lacquer::node_type<Fade>;
