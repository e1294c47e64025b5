// core/dsp/cross_spectrum.hpp — the average spectra of two channels and what they have in common, and from that how
// late one is.

#pragma once

#include "core/dsp/chunks.hpp"
#include "core/dsp/pair_fft.hpp"

#include <array>
#include <cmath>
#include <limits>
#include <vector>

namespace lacquer {

class CrossSpectrum {
public:
  void prepare(double rate) {  ///< [control] allocates, and resets
    rate_ = rate;
    int size = 256;
    while (size < rate / 16) size *= 2;  // 4096 at 44.1 and 48 kHz
    fft_.prepare(size);
    halves_.prepare(2, size / 2);
    for (auto& b : before_) b.assign(std::size_t(size / 2), 0);
    spectra_.assign(std::size_t(fft_.bins()), {});
    in_.resize(std::size_t(size));
    out_.resize(std::size_t(size));
    inverse_.prepare(size);
    reset();
  }
  void reset() noexcept {
    halves_.reset();
    std::fill(spectra_.begin(), spectra_.end(), PairFft::Powers{});
    weight_ = 0;
    started_ = false;
  }
  /// [audio] Frames [first, last) of two channels.
  void add(const float* const* in, int first, int last) noexcept {
    halves_.add(in, first, last, [&](const float* const* x) { transform(x, fft_.size() / 2); });
  }
  void finish() noexcept {
    // an incomplete window at the end is left out, as its edge would be heard as energy everywhere; unless it is all
    if (const int n = halves_.waiting(); n && weight_ == 0) transform(halves_.rest(), n);
    if (weight_ == 0 && started_) transform(halves_.rest(), 0);
  }

  double weight() const noexcept { return weight_; }  ///< windows so far
  struct Sums {
    double ll = 0, rr = 0, lr = 0;
  };
  Sums between(double from, double to) const noexcept {  ///< over the bins from `from` to below `to` Hz
    Sums s;
    for (int bin = 1; bin < fft_.bins(); ++bin) {
      const double freq = bin * rate_ / fft_.size();
      if (freq < from || freq >= to) continue;
      const auto& p = spectra_[std::size_t(bin)];
      s.ll += p.a, s.rr += p.b, s.lr += p.ab;
    }
    return s;
  }

  /// [control] Frames by which the second channel is late, where the cross-correlation is highest, to a part of a
  /// frame; 0 if the channels agree nowhere clearly better than side by side, NaN if they hardly agree at all.
  double delay_frames() noexcept {
    constexpr double none = std::numeric_limits<double>::quiet_NaN();
    const int size = fft_.size();
    double ll = 0, rr = 0;
    for (const auto& s : spectra_) ll += s.a, rr += s.b;
    if (!(weight_ > 0) || !(ll > 0 && rr > 0)) return none;
    const double scale = 1 / std::sqrt(ll * rr);
    for (int i = 0; i < fft_.bins(); ++i) {
      const auto& s = spectra_[std::size_t(i)];
      const double f = scale * (i == 0 || i == size / 2 ? 1 : 0.5);
      in_[std::size_t(i)] = {float(s.ab * f), float(s.ab_imag * f)};
      in_[std::size_t((size - i) % size)] = {float(s.ab * f), float(-s.ab_imag * f)};
    }
    inverse_.inverse(out_.data(), in_.data());
    const auto at = [&](int i) { return double(out_[std::size_t((i + size) % size)].r); };
    int best = 0;
    for (int i = 0; i < size; ++i)
      if (std::abs(at(i)) > std::abs(at(best))) best = i;
    const double there = std::abs(at(best)), here = std::abs(at(0));
    if (there < 0.5) return none;
    if (there < 1.1 * here) return 0;
    const double sign = at(best) < 0 ? -1 : 1, a = sign * at(best - 1), b = there, c = sign * at(best + 1);
    const double shift = a - 2 * b + c < 0 ? 0.5 * (a - c) / (a - 2 * b + c) : 0;
    // a times the conjugate of b: a later b lies at negative time
    return (best > size / 2 ? size - best : -best) - shift;
  }

private:
  void transform(const float* const* x, int n) noexcept {
    const int half = fft_.size() / 2;
    if (started_) {
      fft_.run(before_[0].data(), x[0], before_[1].data(), x[1]);
      for (int i = 0; i < fft_.bins(); ++i) {
        const auto p = fft_.bin(i);
        auto& s = spectra_[std::size_t(i)];
        s.a += p.a, s.b += p.b, s.ab += p.ab, s.ab_imag += p.ab_imag;
      }
      weight_ += n == half ? 1 : fft_.share(half + n);
    }
    started_ = true;
    for (std::size_t c : {0u, 1u}) std::copy_n(x[c], half, before_[c].begin());
  }

  double rate_ = 0, weight_ = 0;
  bool started_ = false;
  PairFft fft_;
  Fft inverse_;
  Chunks halves_;
  std::array<std::vector<float>, 2> before_;
  std::vector<PairFft::Powers> spectra_;
  std::vector<Fft::Complex> in_, out_;
};

}  // namespace lacquer
