// core/dsp/oversampling.hpp — a curve at a multiple of the sample rate: up through linear-phase half-band filters, the
// curve, and down again; 2, 4, 8 or 16 times, polyphase.
//
// Each half-band is an ideal low-pass at a quarter of its rate under a Kaiser window (J. F. Kaiser, "Nonrecursive
// digital filter design using the I0-sinh window function", 1974): every second tap is 0 but the middle one, so one
// phase of the signal is a delay and the other costs half the taps. The first stage passes up to 20 kHz of 44.1 kHz
// (0.907 of Nyquist) and stops at its mirror image; each later stage only has to stop what the earlier left empty.
//
// The signal at R times the rate is R arrays, one per phase within the frame. All arrays of a channel share one slab
// and one clock: position `at` is the newest frame everywhere, and an array that needs future input is written as many
// whole frames late as it looks ahead. Those frames add up to the latency, an integer.

#pragma once

#include "core/math.hpp"
#include "core/simd/simd.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
#include <vector>

namespace lacquer {

/// The taps beside the middle of a half-band, nearest first; they add up to 1/2, the middle one is 1. Passes up to
/// `pass` (of the higher rate, below 1/4), stops from 1/2 - pass by `attenuation` dB. [control]
inline std::vector<double> half_band(double pass, double attenuation) {
  const double width = 0.5 - 2 * pass, beta = 0.1102 * (attenuation - 8.7);
  const int length = int(std::ceil((attenuation - 7.95) / (14.36 * width))) + 1;  // of the whole filter
  const int taps = std::max(2, (length + 3) / 4);                                 // on each side
  const auto bessel = [](double x) {
    double sum = 1, term = 1;
    for (int k = 1; k < 60; ++k) sum += term *= (x / (2 * k)) * (x / (2 * k));
    return sum;
  };
  std::vector<double> h;
  double sum = 0;
  for (int k = 0; k < taps; ++k) {
    const double t = k + 0.5, edge = t / taps;
    const double sign = k % 2 ? -1 : 1;  // sin(pi t)
    h.push_back(sign / (std::numbers::pi * t) * bessel(beta * std::sqrt(1 - edge * edge)) / bessel(beta));
    sum += h.back();
  }
  for (double& x : h) x *= 0.5 / sum;
  return h;
}

/// One channel: adds to the signal what a curve, run at `factor` times the rate, adds to it. What the curve leaves
/// alone is a pure delay, bit for bit; only the change goes through the filters.
class Oversampled {
public:
  /// [control] factor 1, 2, 4, 8 or 16.
  void prepare(int factor) {
    factor_ = factor;
    stages_.clear();
    reach_ = 0;
    // ups, then what the curve made of them, then the results of each way down
    arrays_ = 2 * factor;
    for (int r = factor / 2; r >= 1; r /= 2) arrays_ += r;
    int lag = 0;
    for (int r = 1; r < factor; r *= 2) lag = plan_up(r, lag);
    bend_lag_ = lag;
    int from = factor;  // first array of the signal to come down
    for (int r = factor / 2; r >= 1; r /= 2) {
      const int to = from + 2 * r;
      lag = plan_down(r, from, to, lag);
      from = to;
    }
    last_ = from;
    latency_ = lag;
    reach_ = std::max(reach_, lag) + 1;
    room_ = reach_ + most + 512 + pad;
    for (Pass& p : stages_)
      for (Phase& f : p.phases) {
        f.out = f.out * room_ - p.lag;
        f.centre = f.centre * room_ + f.centre_shift;
        for (std::size_t i = 0; i < f.offset.size(); ++i) f.offset[i] = f.array[i] * room_ + f.offset[i];
      }
    slab_.resize(std::size_t(arrays_ * room_));
    reset();
  }
  void reset() {
    std::fill(slab_.begin(), slab_.end(), 0.0f);
    at_ = reach_;
  }
  int latency() const { return latency_; }

  /// [audio] curve(out, in, phase, done, n) writes what the curve adds for n samples at `phase` (0 .. 1) of the frames
  /// from `done` on; change(what, n) may filter what came down before it is added.
  template <class Curve, class Change>
  void run(float* out, const float* in, int frames, Curve&& curve, Change&& change) {
    for (int done = 0; done < frames; done += most) {
      const int n = std::min(most, frames - done);
      if (at_ + n + pad > room_) rewind();
      float* now = slab_.data() + at_;
      std::copy_n(in + done, n, now);
      const auto pass = [&](const Pass& p) {
        for (const Phase& f : p.phases)
          simd().colour.fold(now + f.out, now - p.lag,
                             {f.offset.data(), p.taps.data(), int(p.taps.size()), f.centre, p.weight}, n);
      };
      const std::size_t ups = stages_.size() / 2;
      for (std::size_t s = 0; s < ups; ++s) pass(stages_[s]);
      for (int p = 0; p < factor_; ++p)
        curve(now + (factor_ + p) * room_ - bend_lag_, now + p * room_ - bend_lag_, float(p) / float(factor_), done, n);
      for (std::size_t s = ups; s < stages_.size(); ++s) pass(stages_[s]);
      float* changed = now + last_ * room_ - latency_;
      change(changed, n);
      simd().add(out + done, now - latency_, changed, n);
      at_ += n;
    }
  }

private:
  static constexpr int most = 256, pad = 16;

  struct Phase {
    int out;                         // from `at`
    int centre, centre_shift;        // from `at` less the lag
    std::vector<int> array, offset;  // two per tap
  };
  struct Pass {
    int lag;  // frames by which the outputs are late
    float weight;
    std::vector<float> taps;
    std::vector<Phase> phases;
  };

  static int down(int a, int r) { return a >= 0 ? a / r : -((-a + r - 1) / r); }  // floor of a / r
  static int largest(const std::vector<int>& v) { return *std::max_element(v.begin(), v.end()); }

  // Stages of the same rate share a passband; the way down also keeps harmonics out, so it is stopped harder.
  static std::vector<double> taps_of(int r, double attenuation) {
    const double pass = r == 1 ? 0.5 * 0.5 * 20.0 / 22.05 : 0.25 / r;
    return half_band(pass, attenuation);
  }

  /// From r phases to 2r: the sample after m is the sum over the pairs m - k, m + 1 + k.
  int plan_up(int r, int lag) {
    Pass p{0, 0, {}, {}};
    for (double h : taps_of(r, 100)) p.taps.push_back(float(h));
    for (int phase = 0; phase < r; ++phase) {
      Phase f{(2 * phase + 1) * (factor_ / (2 * r)), 0, 0, {}, {}};
      for (int k = 0; k < int(p.taps.size()); ++k)
        for (int m : {phase - k, phase + 1 + k}) {
          f.array.push_back((m - r * down(m, r)) * (factor_ / r));
          f.offset.push_back(down(m, r));
        }
      p.phases.push_back(std::move(f));
    }
    return add(std::move(p), lag);
  }
  /// From 2r phases to r: half of sample m, and of the pairs of odd samples before and after it.
  int plan_down(int r, int from, int to, int lag) {
    Pass p{0, 0.5f, {}, {}};
    for (double h : taps_of(r, 112)) p.taps.push_back(float(h / 2));
    for (int phase = 0; phase < r; ++phase) {
      Phase f{to + phase, from + 2 * phase, 0, {}, {}};
      for (int k = 0; k < int(p.taps.size()); ++k)
        for (int m : {phase - 1 - k, phase + k}) {
          f.array.push_back(from + 2 * (m - r * down(m, r)) + 1);
          f.offset.push_back(down(m, r));
        }
      p.phases.push_back(std::move(f));
    }
    return add(std::move(p), lag);
  }
  int add(Pass p, int lag) {
    int ahead = 0;
    for (const Phase& f : p.phases) ahead = std::max(ahead, largest(f.offset));
    p.lag = lag + ahead;
    for (const Phase& f : p.phases)
      reach_ = std::max(reach_, p.lag - *std::min_element(f.offset.begin(), f.offset.end()));
    stages_.push_back(std::move(p));
    return stages_.back().lag;
  }
  /// Back to the front of the slab, with as much past as anybody reaches for.
  void rewind() {
    for (int a = 0; a < arrays_; ++a) {
      float* x = slab_.data() + a * room_;
      std::memmove(x, x + at_ - reach_, std::size_t(reach_) * sizeof(float));
    }
    at_ = reach_;
  }

  int factor_ = 1, arrays_ = 0, bend_lag_ = 0, last_ = 0, latency_ = 0, reach_ = 0, room_ = 0, at_ = 0;
  std::vector<Pass> stages_;
  std::vector<float> slab_;
};

}  // namespace lacquer
