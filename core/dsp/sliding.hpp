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
    levels_.clear();
    int covered = 1;
    for (; 2 * covered <= length; covered *= 2) levels_.push_back({covered, {}});
    if (length > covered) levels_.push_back({length - covered, {}});
    past_ = covered;
    for (Level& l : levels_) l.line.resize(std::size_t(past_ + room));
    reset();
  }
  void reset() noexcept {
    for (Level& l : levels_) std::fill(l.line.begin(), l.line.end(), rest_);
    at_ = past_;
  }

  /// [audio] Each value becomes the smallest of the window that ends with it.
  void process(float* io, int n) noexcept {
    if (levels_.empty()) return;
    for (; n > 0; io += chunk, n -= chunk) level_by_level(io, std::min(n, chunk));
  }

private:
  static constexpr int chunk = 256, room = 512;
  struct Level {
    int reach;                // back
    std::vector<float> line;  // what the level before has made, the past included
  };

  void level_by_level(float* io, int n) noexcept {
    if (at_ + n > past_ + room) {
      for (Level& l : levels_) std::copy_n(l.line.data() + at_ - l.reach, l.reach, l.line.data() + past_ - l.reach);
      at_ = past_;
    }
    std::copy_n(io, n, levels_[0].line.data() + at_);
    for (std::size_t k = 0; k < levels_.size(); ++k) {
      const float* here = levels_[k].line.data() + at_;
      float* to = k + 1 < levels_.size() ? levels_[k + 1].line.data() + at_ : io;
      simd().dynamics.smaller(to, here, here - levels_[k].reach, n);
    }
    at_ += n;
  }

  std::vector<Level> levels_;
  int past_ = 0, at_ = 0;  // where a line begins anew; where it goes on
  float rest_ = 0;
};

}  // namespace lacquer
