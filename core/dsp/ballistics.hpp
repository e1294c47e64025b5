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
    bool is_plain() const { return !hold && !automatic && attack >= release; }
  };

  void reset() noexcept { now_ = average_ = 0, waiting_ = 0; }

  /// [audio] io: wanted reduction in, reduction out, dB. Smooth branching: Giannoulis, Massberg, Reiss (2012), eq. 16.
  void process(float* io, const Pace& p, int n) noexcept {
    if (p.is_plain())
      plain<1>(this, &io, &p, n);
    else
      full(io, p, n);
  }
  /// [audio] The same for `count` of them, io[k] at pace[k]: side by side, since each spends its time waiting for
  /// itself.
  static void process(Ballistics* all, float* const* io, const Pace* pace, int count, int n) noexcept {
    for (int k = 0; k < count;) {
      const auto first_other = std::find_if(pace + k, pace + count, [](const Pace& p) { return !p.is_plain(); });
      const auto alike = first_other - (pace + k);
      if (alike >= 4)
        plain<4>(all + k, io + k, pace + k, n), k += 4;
      else if (alike >= 2)
        plain<2>(all + k, io + k, pace + k, n), k += 2;
      else
        all[k].process(io[k], pace[k], n), k += 1;
    }
  }
  double now() const { return now_; }

private:
  /// The larger of the two is the attack on the way up and the release on the way down: no branch to mispredict.
  template <int count>
  static void plain(Ballistics* all, float* const* io, const Pace* pace, int n) noexcept {
    double now[count], up[count], down[count], attack[count], release[count];
    float* of[count];
    for (int k = 0; k < count; ++k) {
      of[k] = io[k];
      now[k] = all[k].now_;
      attack[k] = pace[k].attack, release[k] = pace[k].release;
      up[k] = 1 - attack[k], down[k] = 1 - release[k];
    }
    for (int i = 0; i < n; ++i) {
#pragma GCC unroll 4
      for (int k = 0; k < count; ++k) {
        const double wanted = double(of[k][i]);
        const double rising = up[k] * now[k] + attack[k] * wanted, falling = down[k] * now[k] + release[k] * wanted;
        now[k] = rising > falling ? rising : falling;
        of[k][i] = float(now[k]);
      }
    }
    for (int k = 0; k < count; ++k) {
      all[k].now_ = all[k].average_ = now[k];
      all[k].waiting_ = 0;
    }
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
