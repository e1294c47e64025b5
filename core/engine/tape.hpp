// core/engine/tape.hpp — what a wire carried, kept between passes: in memory while it is short, else in a scratch file
// that has no name and so vanishes with the process. [control]

#pragma once

#include "core/engine/run.hpp"

#include <memory>
#include <vector>

namespace lacquer {

class Tape : public Sink {
public:
  Tape() = default;
  ~Tape() override;
  Tape(const Tape&) = delete;

  void open(int channels) override;
  /// Throws std::system_error when the scratch file cannot grow.
  void write(const float* const* channels, int frames) override;

  int channels() const { return channels_; }
  std::int64_t frames() const { return frames_; }
  std::size_t bytes_in_memory() const { return memory_.size() * sizeof(float); }
  /// A reader from the first frame on; the tape must be complete and outlive it.
  std::unique_ptr<Source> play() const;

private:
  class Player;
  static constexpr int chunk = 4096;  // frames; stored channel after channel
  void store();
  const float* load(std::int64_t number, std::vector<float>& space) const;
  std::size_t chunk_floats() const { return std::size_t(chunk) * std::size_t(channels_); }

  int channels_ = 0, file_ = -1;
  std::int64_t frames_ = 0, stored_ = 0;  // stored_: whole chunks
  std::vector<float> memory_, filling_;
};

}  // namespace lacquer
