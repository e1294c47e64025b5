// core/dsp/engagement.hpp — a node that is bit-exact while it has nothing to do, but whose filters turn the phase as
// soon as it has: its filters run from the start, and the first time it is needed it fades in, for good.

#pragma once

#include <algorithm>

namespace lacquer {

class Engagement {
public:
  void prepare(double rate_hz) { step_ = 1 / (0.050 * rate_hz); }  ///< [control]
  void reset() noexcept { way_ = -1; }

  /// [audio] Before each block. A node that is needed from its first block on is there at once.
  void need(bool now) noexcept {
    if (way_ < 0) way_ = now ? 1 : 0;
    needed_ = way_ > 0 || now;
  }
  bool out() const noexcept { return !needed_; }  ///< not one bit is to change
  bool in() const noexcept { return way_ == 1; }  ///< wet alone
  /// The share of what the filters make of the signal, for one frame after another. No edge in its first two
  /// derivatives.
  double next() noexcept {
    way_ = std::min(1.0, way_ + step_);
    return way_ * way_ * way_ * (10 + way_ * (6 * way_ - 15));
  }

private:
  double step_ = 1, way_ = -1;
  bool needed_ = false;
};

}  // namespace lacquer
