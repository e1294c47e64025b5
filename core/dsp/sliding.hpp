// core/dsp/sliding.hpp — the smallest of the last few values.

#pragma once

#include "core/simd/simd.hpp"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <vector>

namespace lacquer {

/// One value at a time, at a price that does not depend on how many there are. van Herk, Pattern Recognition Letters 13
/// (1992): prefix minima of the running stretch, suffix minima of the one before.
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
  /// The smallest of the window that ends with x.
  float operator()(float x) noexcept {
    prefix_ = std::min(prefix_, x);
    const float smallest = std::min(suffix_[at_ + 1], prefix_);
    suffix_[at_] = x;
    if (++at_ + 1 == suffix_.size()) turn();
    return smallest;
  }

private:
  void turn() noexcept {
    for (std::size_t i = suffix_.size() - 2; i-- > 0;) suffix_[i] = std::min(suffix_[i], suffix_[i + 1]);
    prefix_ = std::numeric_limits<float>::infinity();
    at_ = 0;
  }

  std::vector<float> suffix_;
  std::size_t at_ = 0;
  float prefix_ = 0, rest_ = 0;
};

/// The same for many values at a time, a vector at once: minima over 2, 4, 8 ... values, each of two of the level
/// before, and at last two of these that overlap as far as they must.
class SlidingMins {
public:
  /// [control] As SlidingMin.
  void prepare(int length, float rest) {
    rest_ = rest;
    reach_.clear();
    int covered = 1;
    for (; 2 * covered <= length; covered *= 2) reach_.push_back(covered);
    if (length > covered) reach_.push_back(length - covered);
    past_.resize(std::size_t(length) - 1);
    for (auto& w : work_) w.resize(std::size_t(covered + chunk));
    reset();
  }
  void reset() noexcept { std::fill(past_.begin(), past_.end(), rest_); }

  /// [audio] Each value becomes the smallest of the window that ends with it.
  void process(float* io, int n) noexcept {
    if (reach_.empty()) return;
    for (; n > 0; io += chunk, n -= chunk) level_by_level(io, std::min(n, chunk));
  }

private:
  static constexpr int chunk = 256;

  void level_by_level(float* io, int n) noexcept {
    float *from = work_[0].data(), *to = work_[1].data(), *past = past_.data();
    std::copy_n(io, n, from + reach_[0]);
    for (std::size_t k = 0; k < reach_.size(); ++k) {
      const int reach = reach_[k];
      std::copy_n(past, reach, from);
      std::copy_n(from + n, reach, past);
      simd().dynamics.smaller(k + 1 < reach_.size() ? to + reach_[k + 1] : io, from + reach, from, n);
      std::swap(from, to);
      past += reach;
    }
  }

  std::vector<int> reach_;   // of each level, back
  std::vector<float> past_;  // the last values that each level has seen, as many as it reaches back
  std::vector<float> work_[2];
  float rest_ = 0;
};

}  // namespace lacquer
