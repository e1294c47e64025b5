// core/io/decoder.hpp — what turns the bytes of one file into samples. [control]

#pragma once

#include "core/io/file.hpp"

#include <memory>

namespace lacquer {

/// Bytes to be seen instead of the file's at one place: a header put right without touching the file.
struct Patch {
  std::int64_t at;
  std::string bytes;
};

/// A file as the decoders see it.
struct SoundBytes {
  std::string path;
  int fd;
  std::int64_t size;
  std::vector<Patch> patches;

  std::int64_t read(void* to, std::int64_t bytes, std::int64_t at) const;  ///< less only at the end; -1 with errno
};

/// Looks at the header: says what container it is, refuses what makes no sense, puts right what can be (lengths of
/// recordings that broke off, BW64). Fills container and warning. Throws SoundError.
void inspect(SoundBytes& bytes, SoundFormat& format);

/// 1 to most_channels channels, 8 to 384 kHz, or SoundError.
void check_shape(const std::string& path, double channels, double rate_hz);

class Decoder {
public:
  virtual ~Decoder() = default;
  /// Up to `frames` interleaved frames; 0 only at the end. Throws SoundError when the file is damaged.
  virtual std::int64_t read(float* to, std::int64_t frames) = 0;
};

/// Both fill the rest of `format`; frames is -1 when only decoding can tell. Throw SoundError.
std::unique_ptr<Decoder> library_decoder(const SoundBytes&, SoundFormat& format);
std::unique_ptr<Decoder> mp3_decoder(const SoundBytes&, SoundFormat& format);

}  // namespace lacquer
