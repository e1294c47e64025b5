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
    prefix_ = std::min(prefix_, x);
    const float smallest = std::min(prefix_, suffix_[at_ + 1]);
    suffix_[at_] = x;
    if (++at_ + 1 == suffix_.size()) {
      for (std::size_t i = at_ - 1; i-- > 0;) suffix_[i] = std::min(suffix_[i], suffix_[i + 1]);
      prefix_ = std::numeric_limits<float>::infinity();
      at_ = 0;
    }
    return smallest;
  }

private:
  std::vector<float> suffix_;
  std::size_t at_ = 0;
  float prefix_ = 0, rest_ = 0;
};

}  // namespace lacquer
