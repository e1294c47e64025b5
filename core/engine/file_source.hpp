// core/engine/file_source.hpp — a sound file as the source of a run. [control]

#pragma once

#include "core/engine/run.hpp"
#include "core/io/sound.hpp"

#include <algorithm>

namespace lacquer {

class FileSource : public Source {
public:
  explicit FileSource(const std::string& path) : reader_(path) {}
  const SoundFormat& format() const { return reader_.format(); }
  int channels() const override { return reader_.format().channels; }
  void read(float* const* out, int frames) override {
    const int n = reader_.read(out, frames);
    for (int c = 0; c < channels(); ++c) std::fill_n(out[c] + n, frames - n, 0.0f);
  }

private:
  SoundReader reader_;
};

}  // namespace lacquer
