// core/dsp/chunks.hpp — a stream cut into equal pieces counted from its start, whatever blocks it comes in.

#pragma once

#include <algorithm>
#include <vector>

namespace lacquer {

class Chunks {
public:
  void prepare(int channels, int size) {  ///< [control]
    size_ = size;
    memory_.assign(std::size_t(channels), std::vector<float>(std::size_t(size)));
    at_.clear();
    for (auto& m : memory_) at_.push_back(m.data());
    from_.resize(std::size_t(channels));
    reset();
  }
  void reset() noexcept { filled_ = 0; }
  int waiting() const noexcept { return filled_; }

  /// [audio] Frames [first, last) follow; each(channels) for every full piece.
  template <class F>
  void add(const float* const* channel, int first, int last, F&& each) noexcept {
    while (first < last) {
      if (filled_ == 0 && last - first >= size_) {  // no need to copy
        for (std::size_t c = 0; c < from_.size(); ++c) from_[c] = channel[c] + first;
        each(from_.data());
        first += size_;
        continue;
      }
      const int n = std::min(last - first, size_ - filled_);
      for (std::size_t c = 0; c < at_.size(); ++c) std::copy_n(channel[c] + first, n, at_[c] + filled_);
      first += n;
      filled_ += n;
      if (filled_ == size_) {
        filled_ = 0;
        each(static_cast<const float* const*>(at_.data()));
      }
    }
  }

  /// The last piece, followed by silence: its channels, of which `waiting()` frames count. Nothing waits any more.
  const float* const* rest() noexcept {
    for (float* a : at_) std::fill(a + filled_, a + size_, 0.0f);
    filled_ = 0;
    return at_.data();
  }

private:
  int size_ = 0, filled_ = 0;
  std::vector<std::vector<float>> memory_;
  std::vector<float*> at_;
  std::vector<const float*> from_;
};

}  // namespace lacquer
