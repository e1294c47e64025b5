// core/dsp/oversampling.hpp — a curve at a multiple of the sample rate: up through linear-phase half-band filters, the
// curve, and down again; 2, 4, 8 or 16 times, polyphase.
//
// Each half-band is an ideal low-pass at a quarter of its rate under a Kaiser window (J. F. Kaiser, "Nonrecursive
// digital filter design using the I0-sinh window function", 1974): every second tap is 0 but the middle one, so one
// phase of the signal is a delay and the other costs half the taps. The first stage passes up to 20 kHz (0.907
// of Nyquist at 44.1 kHz) or, at high rates, 0.75 of Nyquist, and stops at its mirror image; each later stage only has
// to stop what the earlier left empty.
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

/// One channel or two: adds to the signal what a curve, run at `factor` times the rate, adds to it. What the curve
/// leaves alone is a pure delay, bit for bit; only the change goes through the filters.
class Oversampled {
public:
  /// [control] factor 1, 2, 4, 8 or 16; 1 or 2 channels; rate in Hz. `shaped`: the curve may hear something else than
  /// the signal it adds to. `smooth`: what the curve makes of each sample is its mean over the straight ways from one
  /// neighbour to the other (J. D. Parker, V. Zavalishin, E. Le Bivic, "Reducing the aliasing of nonlinear waveshaping
  /// using continuous-time convolution", DAFx-16), by the trapezoidal rule, which is exact enough at four times the
  /// rate and works for any curve.
  void prepare(int factor, int channels, double rate, bool shaped = false, bool smooth = false) {
    pass_ = 0.25 * std::clamp(40000 / rate, 0.75, 20 / 22.05);
    factor_ = factor;
    channels_ = channels;
    passes_.clear();
    reach_ = arrays_ = 0;
    ups_ = 0;
    std::vector<int> phases(static_cast<std::size_t>(factor));  // the array of each phase
    for (int& a : phases) a = arrays_++;
    dry_ = 0;
    int lag = 0;
    for (int r = 1; r < factor; r *= 2) lag = plan_up(r, phases, lag);
    if (smooth) lag = std::max(lag, 1);  // the neighbour of the last phase is in the next frame
    bend_lag_ = lag;
    for (int& a : phases) a = arrays_++;  // what the curve makes of them
    between_ = smooth ? arrays_ : 0;
    if (smooth) arrays_ += factor + 1;  // what it makes of the middle to the next one; and that middle
    for (int r = factor / 2; r >= 1; r /= 2) lag = plan_down(r, phases, lag);
    last_ = phases[0];
    if (shaped) dry_ = arrays_++;
    latency_ = lag;
    reach_ = std::max(reach_, lag) + 1;
    room_ = (reach_ + most + slack + pad + 31) / 32 * 32 + 16;  // an odd number of cache lines: spread over all sets
    for (Pass& p : passes_) {
      const std::size_t rows = p.outs.size();
      p.table.assign((p.taps.size() + rows - 1) * rows, 0.0f);
      for (std::size_t v = 0; v < rows; ++v)
        for (std::size_t k = 0; k < p.taps.size(); ++k) p.table[(k + v) * rows + v] = p.taps[k];
      for (Place& x : p.samples) p.sample.push_back(x.array * room_ + x.frame);
      for (Place& x : p.centres) p.centre.push_back(x.array * room_ + x.frame);
      for (Place& x : p.outs) p.out.push_back(x.array * room_);
    }
    slab_.resize(std::size_t(channels * arrays_ * room_));
    reset();
  }
  void reset() {
    std::fill(slab_.begin(), slab_.end(), 0.0f);
    at_ = reach_;
  }
  int latency() const { return latency_; }

  /// [audio] curve(out, in, phase, done, n) writes what the curve adds for n samples at `phase` (0 .. 1) of the frames
  /// from `done` on; change(channel, what, n) may filter what came down before it is added. When prepared `shaped`,
  /// before(channel, what, n) may filter what the curve hears.
  /// together(channel, bent, heard, apart, done, n) may add to what curve made, of all phases; each lies `apart` floats
  /// behind the one before it.
  template <class Curve, class Change, class Before, class Together>
  void run(float* const* out, const float* const* in, int frames, Curve&& curve, Change&& change, Before&& before,
           Together&& together) {
    for (int done = 0; done < frames; done += most) {
      const int n = std::min(most, frames - done), next = arrays_ * room_;
      if (at_ + n + pad > room_) rewind();
      float* const now = slab_.data() + at_;
      for (int c = 0; c < channels_; ++c) {
        std::copy_n(in[c] + done, n, now + c * next);
        if (!dry_) continue;
        std::copy_n(in[c] + done, n, now + c * next + dry_ * room_);
        before(c, now + c * next, n);
      }
      const auto pass = [&](const Pass& p) {
        simd().colour.comb(now - p.lag, now - p.lag,
                           {p.table.data(), int(p.taps.size()), p.sample.data(), int(p.out.size()), p.centre.data(),
                            p.out.data(), p.weight, channels_ == 2 ? next : 0},
                           n);
      };
      const auto half = passes_.begin() + ups_;
      std::for_each(passes_.begin(), half, pass);
      for (int c = 0; c < channels_; ++c) {
        float* const from = now + c * next - bend_lag_;
        for (int p = 0; p < factor_; ++p)
          curve(from + (factor_ + p) * room_, from + p * room_, float(p) / float(factor_), done, n);
        if (between_) smooth(curve, from, done, n);
        together(c, from + factor_ * room_, from, room_, done, n);
      }
      std::for_each(half, passes_.end(), pass);
      for (int c = 0; c < channels_; ++c) {
        float* const x = now + c * next - latency_;
        change(c, x + last_ * room_, n);
        simd().add(out[c] + done, x + dry_ * room_, x + last_ * room_, n);
      }
      at_ += n;
    }
  }
  template <class Curve, class Change>
  void run(float* const* out, const float* const* in, int frames, Curve&& curve, Change&& change) {
    run(
        out, in, frames, curve, change, [](int, float*, int) {}, [](int, float*, const float*, int, int, int) {});
  }

private:
  template <class Curve>
  void smooth(Curve&& curve, float* from, int done, int n) {
    float *const between = from + between_ * room_, *const middle = between + factor_ * room_;
    for (int p = 0; p < factor_; ++p) {
      const float *here = from + p * room_, *next = p + 1 < factor_ ? here + room_ : from + 1;
      for (int i = 0; i < n; ++i) middle[i] = 0.5f * (here[i] + next[i]);
      curve(between + p * room_, middle, (float(p) + 0.5f) / float(factor_), done, n);
    }
    for (int p = 0; p < factor_; ++p) {
      float* const bent = from + (factor_ + p) * room_;
      const float *after = between + p * room_, *before = p ? after - room_ : between + (factor_ - 1) * room_ - 1;
      for (int i = 0; i < n; ++i) bent[i] = 0.5f * bent[i] + 0.25f * (before[i] + after[i]);
    }
  }

  double pass_ = 0;  // of the doubled rate
  static constexpr int most = 128, slack = 256, pad = 16;

  struct Place {
    int array, frame;
  };
  struct Pass {                      // up to four phases of one stage
    std::vector<float> taps, table;  // of one row; of all, as Comb wants them
    float weight;
    int lag = 0;  // frames by which the outputs are late
    std::vector<Place> samples, centres, outs;
    std::vector<int> sample, centre, out;  // the same, once the size of an array is known
  };

  static int whole(int a, int r) { return a >= 0 ? a / r : -((-a + r - 1) / r); }  // floor of a / r

  // The first stage has a transition to fit in, the others only stop what it left empty. The way down stops harder: it
  // meets harmonics, the way up no more than the images of the signal.
  std::vector<float> taps_of(int r, double attenuation, double gain) const {
    const auto side = half_band(r == 1 ? pass_ : 0.25 / r, attenuation);
    std::vector<float> all;
    for (auto h = side.rbegin(); h != side.rend(); ++h) all.push_back(float(*h * gain));
    for (double h : side) all.push_back(float(h * gain));
    return all;
  }

  /// From r phases to 2r: `phases` has those of the full rate, in use every factor/r. What lies after sample m comes
  /// from the samples m - taps/2 + 1 .. m + taps/2.
  int plan_up(int r, const std::vector<int>& phases, int lag) {
    const int apart = factor_ / r;
    const auto taps = taps_of(r, 100, 1);
    const int side = int(taps.size()) / 2;
    for (int first = 0; first < r; first += 4) {
      Pass p{taps, {}, 0, 0, {}, {}, {}, {}, {}, {}};
      const int rows = std::min(4, r);
      for (int m = first - side + 1; m < first + side + rows; ++m)
        p.samples.push_back({phases[std::size_t((m - r * whole(m, r)) * apart)], whole(m, r)});
      for (int row = 0; row < rows; ++row) {
        p.outs.push_back({phases[std::size_t((first + row) * apart + apart / 2)], 0});
        p.centres.push_back({0, 0});
      }
      passes_.push_back(std::move(p));
    }
    const int late = settle(passes_.size() - std::size_t((r + 3) / 4), lag);
    ups_ = std::ptrdiff_t(passes_.size());
    return late;
  }
  /// From 2r phases to r: half of sample 2m, and of the odd ones around it. Leaves the new arrays in `phases`.
  int plan_down(int r, std::vector<int>& phases, int lag) {
    const auto taps = taps_of(r, 112, 0.5);
    const int side = int(taps.size()) / 2, begin = arrays_;
    arrays_ += r;
    for (int first = 0; first < r; first += 4) {
      Pass p{taps, {}, 0.5f, 0, {}, {}, {}, {}, {}, {}};
      const int rows = std::min(4, r);
      for (int m = first - side; m < first + side + rows - 1; ++m)
        p.samples.push_back({phases[std::size_t(2 * (m - r * whole(m, r)) + 1)], whole(m, r)});
      for (int row = 0; row < rows; ++row) {
        p.centres.push_back({phases[std::size_t(2 * (first + row))], 0});
        p.outs.push_back({begin + first + row, 0});
      }
      passes_.push_back(std::move(p));
    }
    for (int a = 0; a < r; ++a) phases[std::size_t(a)] = begin + a;
    return settle(passes_.size() - std::size_t((r + 3) / 4), lag);
  }
  /// How late the passes from `first` on are, as a stage whose input is `lag` late; and how far back they reach.
  int settle(std::size_t first, int lag) {
    int ahead = 0, back = 0;
    for (std::size_t i = first; i < passes_.size(); ++i)
      for (const Place& x : passes_[i].samples) ahead = std::max(ahead, x.frame), back = std::max(back, -x.frame);
    for (std::size_t i = first; i < passes_.size(); ++i) passes_[i].lag = lag + ahead;
    reach_ = std::max(reach_, lag + ahead + back);
    return lag + ahead;
  }
  /// Back to the front of the slab, with as much past as anybody reaches for.
  void rewind() {
    for (int a = 0; a < channels_ * arrays_; ++a) {
      float* x = slab_.data() + a * room_;
      std::memmove(x, x + at_ - reach_, std::size_t(reach_) * sizeof(float));
    }
    at_ = reach_;
  }

  int factor_ = 1, channels_ = 1, arrays_ = 0, bend_lag_ = 0, between_ = 0, last_ = 0, dry_ = 0, latency_ = 0,
      reach_ = 0, room_ = 0, at_ = 0;
  std::ptrdiff_t ups_ = 0;
  std::vector<Pass> passes_;
  std::vector<float> slab_;
};

}  // namespace lacquer
