// core/dsp/band_split.hpp — a signal in two to six bands that sum flat: Linkwitz-Riley crossovers in a row, which stand
// still. Every band meets, as filter or as all-pass, every split there is (core/dsp/crossover.hpp).

#pragma once

#include "core/dsp/crossover.hpp"
#include "core/simd/simd.hpp"

#include <algorithm>
#include <vector>

namespace lacquer {

class BandSplit {
public:
  static constexpr int most = Ladder::most + 1;

  /// [control] splits: where bands end, Hz, rising, below half the rate; one less than there are bands.
  void prepare(double rate, int channels, const double* splits, int count) {
    channels_ = channels;
    bands_ = count + 1;
    pairs_.assign(std::size_t(channels + 1) / 2, Ladder{});
    for (Ladder& l : pairs_) {
      l.splits = count;
      l.damping = Corner::damping;
      for (int k = 0; k < count; ++k) {
        const Corner c = Corner::at(Corner::bend(splits[k], rate));
        l.a1[k] = c.a1, l.a2[k] = c.a2, l.a3[k] = c.a3;
      }
    }
  }
  void reset() noexcept {
    for (Ladder& l : pairs_) {
      std::fill_n(&l.s1[0][0][0], sizeof l.s1 / sizeof(double), 0.0);
      std::fill_n(&l.s2[0][0][0], sizeof l.s2 / sizeof(double), 0.0);
    }
  }
  /// [audio] out[band * channels + channel], from the lowest band up. out may not be in.
  void process(float* const* out, const float* const* in, int n) noexcept {
    for (int c = 0; c < channels_; c += 2) {
      const int d = std::min(c + 1, channels_ - 1);
      float *left[most], *right[most];
      for (int k = 0; k < bands_; ++k) left[k] = out[k * channels_ + c], right[k] = out[k * channels_ + d];
      if (bands_ == 1)
        std::copy_n(in[c], n, left[0]), std::copy_n(in[d], n, right[0]);
      else
        simd().filter.ladder(left, right, pairs_[std::size_t(c) / 2], in[c], in[d], n);
    }
  }

private:
  int channels_ = 0, bands_ = 1;
  std::vector<Ladder> pairs_;
};

}  // namespace lacquer
