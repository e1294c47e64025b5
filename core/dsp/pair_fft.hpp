// core/dsp/pair_fft.hpp — the spectra of two real channels from one complex transform, piece by piece (Welch 1967):
// Hann windows that overlap by half, counted from the start of the stream. Everything is allocated in prepare.

#pragma once

#include "core/dsp/fft.hpp"
#include "core/math.hpp"

#include <algorithm>
#include <vector>

namespace lacquer {

class PairFft {
public:
  void prepare(int size) {  ///< [control] a power of two
    fft_.prepare(size);
    in_.resize(std::size_t(size));
    out_.resize(std::size_t(size));
    window_.clear();
    energy_ = 0;
    for (int i = 0; i < size; ++i) {
      const double w = 0.5 - 0.5 * sin_cos(2 * std::numbers::pi * (i + 0.5) / size + std::numbers::pi / 2).sin;
      window_.push_back(float(w));
      energy_ += w * w;
    }
  }
  int size() const noexcept { return int(in_.size()); }
  int bins() const noexcept { return size() / 2 + 1; }

  /// Of the window, how much lies on its first n frames.
  double share(int n) const noexcept {
    double e = 0;
    for (int i = 0; i < n; ++i) e += double(window_[std::size_t(i)]) * double(window_[std::size_t(i)]);
    return e / energy_;
  }

  /// [audio] a0 and a1 are the halves of one channel, b0 and b1 of the other (null: silent).
  void run(const float* a0, const float* a1, const float* b0, const float* b1) noexcept {
    const std::size_t half = in_.size() / 2;
    for (std::size_t i = 0; i < half; ++i) {
      const float w = window_[i], v = window_[i + half];
      in_[i] = {a0[i] * w, b0 ? b0[i] * w : 0};
      in_[i + half] = {a1[i] * v, b1 ? b1[i] * v : 0};
    }
    fft_.forward(out_.data(), in_.data());
  }

  /// Power of bin k in mean square, so that the bins of a channel add up to its own.
  struct Powers {
    double a, b, ab, ab_imag;  ///< of each channel, and of a times the conjugate of b
  };
  Powers bin(int k) const noexcept {
    const std::size_t n = out_.size(), i = std::size_t(k), j = (n - i) % n;
    const double re = double(out_[i].r), im = double(out_[i].i), re2 = double(out_[j].r), im2 = double(out_[j].i);
    const double ar = (re + re2) / 2, ai = (im - im2) / 2, br = (im + im2) / 2, bi = (re2 - re) / 2;
    const double scale = (k == 0 || i == n / 2 ? 1 : 2) / (double(n) * energy_);
    return {(ar * ar + ai * ai) * scale, (br * br + bi * bi) * scale, (ar * br + ai * bi) * scale,
            (ai * br - ar * bi) * scale};
  }
  double power(int k) const noexcept {  ///< of both channels
    const std::size_t n = out_.size(), i = std::size_t(k), j = (n - i) % n;
    const double re = double(out_[i].r), im = double(out_[i].i), re2 = double(out_[j].r), im2 = double(out_[j].i);
    return (re * re + im * im + re2 * re2 + im2 * im2) / (k == 0 || i == n / 2 ? 2 : 1) / (double(n) * energy_);
  }

private:
  Fft fft_;
  std::vector<Fft::Complex> in_, out_;
  std::vector<float> window_;
  double energy_ = 1;
};

}  // namespace lacquer
