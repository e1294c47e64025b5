// core/dsp/sliding.hpp — the smallest of the last few values, at a price that does not depend on how many they are.

#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <vector>

namespace lacquer {

/// van Herk, Pattern Recognition Letters 13 (1992): prefix minima of the running stretch, suffix minima of the one
/// before.
class SlidingMin {
public:
  /// [control] The window covers `length` values, the newest included; before the start they are all `rest`.
  void prepare(int length, float rest) {
    rest_ = rest;
    suffix_.assign(std::size_t(length) + 1, rest);
    reset();
  }
  void reset() noexcept {
    std::fill(suffix_.begin(), suffix_.end(), rest_);
    suffix_.back() = std::numeric_limits<float>::infinity();
    prefix_ = std::numeric_limits<float>::infinity();
    at_ = 0;
  }
  float operator()(float x) noexcept {
    process(&x, 1);
    return x;
  }
  /// Each value becomes the smallest of the window that ends with it.
  void process(float* io, int n) noexcept {
    while (n > 0) {
      const int run = std::min(n, int(suffix_.size()) - 1 - at_);
      float* suffix = suffix_.data() + at_;
      float prefix = prefix_;
      for (int i = 0; i < run; ++i) {
        const float x = io[i];
        prefix = x < prefix ? x : prefix;
        const float before = suffix[i + 1];
        io[i] = before < prefix ? before : prefix;
        suffix[i] = x;
      }
      prefix_ = prefix;
      at_ += run;
      io += run;
      n -= run;
      if (at_ + 1 == int(suffix_.size())) turn();
    }
  }

private:
  void turn() noexcept {
    for (std::size_t i = suffix_.size() - 2; i-- > 0;) suffix_[i] = std::min(suffix_[i], suffix_[i + 1]);
    prefix_ = std::numeric_limits<float>::infinity();
    at_ = 0;
  }

  std::vector<float> suffix_;
  int at_ = 0;
  float prefix_ = 0, rest_ = 0;
};

}  // namespace lacquer
