// core/dsp/ballistics.hpp — how a reduction follows the one that is wanted: attack, hold, release, in decibels.

#pragma once

#include <algorithm>

namespace lacquer {

class Ballistics {
public:
  /// Steps of one-poles per frame (one_pole in core/math.hpp), and a hold in frames.
  struct Pace {
    double attack = 1, release = 1;
    int hold = 0;
    bool automatic = false;     ///< two releases instead of one:
    double fast = 1, slow = 1;  ///< down to a slow average of what is wanted, and the rest of the way
    double settle = 1;          ///< of that average, upwards
  };

  void reset() noexcept { now_ = average_ = 0, waiting_ = 0; }

  /// [audio] io: wanted reduction in, reduction out, dB. Smooth branching: Giannoulis, Massberg, Reiss (2012), eq. 16.
  void process(float* io, const Pace& p, int n) noexcept {
    if (!p.hold && !p.automatic && p.attack >= p.release)
      plain(io, p, n);
    else
      full(io, p, n);
  }
  double now() const { return now_; }

private:
  /// The larger of the two is the attack on the way up and the release on the way down: no branch to mispredict.
  void plain(float* io, const Pace& p, int n) noexcept {
    double now = now_;
    const double up = 1 - p.attack, down = 1 - p.release;
    for (int i = 0; i < n; ++i) {
      const double wanted = double(io[i]);
      const double rising = up * now + p.attack * wanted, falling = down * now + p.release * wanted;
      now = rising > falling ? rising : falling;
      io[i] = float(now);
    }
    now_ = now;
    waiting_ = 0;
    average_ = now;
  }
  void full(float* io, const Pace& p, int n) noexcept {
    for (int i = 0; i < n; ++i) {
      const double wanted = double(io[i]);
      average_ += (wanted > average_ ? p.settle : p.slow) * (wanted - average_);
      if (wanted >= now_) {
        now_ += p.attack * (wanted - now_);
        waiting_ = p.hold;
      } else if (waiting_ > 0) {
        --waiting_;
      } else if (!p.automatic) {
        now_ += p.release * (wanted - now_);
      } else {
        const double floor = std::max(wanted, average_);
        const double slowly = now_ + p.slow * (wanted - now_);
        now_ = now_ > floor ? std::min(slowly, now_ + p.fast * (floor - now_)) : slowly;
      }
      io[i] = float(now_);
    }
  }

  double now_ = 0, average_ = 0;
  int waiting_ = 0;
};

}  // namespace lacquer
