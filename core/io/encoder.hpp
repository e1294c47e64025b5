// core/io/encoder.hpp — what turns samples into the bytes of one container. [control]

#pragma once

#include "core/io/file.hpp"

#include <memory>

namespace lacquer {

class Encoder {
public:
  virtual ~Encoder() = default;
  virtual bool wants_floats() const = 0;                                ///< which of the two it takes
  virtual void write_ints(const std::int32_t* interleaved, int n) = 0;  ///< n frames, values in the upper bits
  virtual void write_floats(const float* interleaved, int n) = 0;
  virtual void finish() = 0;  ///< everything but flushing; throws SoundError
};

/// WAV, RF64 from the start or when it has to be. `limit` is what a RIFF may count up to.
constexpr std::uint64_t riff_limit = 0xfffffffe;
std::unique_ptr<Encoder> wav_encoder(Target&, const SoundSpec&, bool always_rf64 = false,
                                     std::uint64_t limit = riff_limit);
/// AIFF, FLAC, W64, CAF, OGG, MP3. Throws SoundError.
std::unique_ptr<Encoder> library_encoder(Target&, const SoundSpec&, const std::string& container);

}  // namespace lacquer
