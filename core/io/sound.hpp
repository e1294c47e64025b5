// core/io/sound.hpp — sound files in and out: any length in bounded memory, planar float, full scale 1.0. [control]
//
// A reader hands out what the file holds; a writer writes beside its target and moves into place on commit(), so that
// whatever happens the target is either untouched or complete.

#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

namespace lacquer {

/// A file that cannot be read or written: what is wrong with it, in one line that names it and says what to do.
struct SoundError : std::runtime_error {
  using std::runtime_error::runtime_error;
  bool system = false;  ///< the machine's fault (disk full, no permission), not the file's
};

struct SoundFormat {
  std::string container;  ///< "WAV", "RF64", "W64", "AIFF", "FLAC", "CAF", "OGG", "MP3"
  double rate_hz = 0;
  int channels = 0;
  int bits = 0;  ///< of a sample: 16, 24, 32, 64; 0 for lossy codecs
  bool is_float = false;
  std::int64_t frames = 0;
};

class SoundReader {
public:
  /// Opens "song.flac"; "-" is standard input (WAV). Throws SoundError.
  explicit SoundReader(const std::string& path);
  ~SoundReader();
  SoundReader(SoundReader&&) noexcept;

  const SoundFormat& format() const;
  /// Reads up to `frames` frames; less only at the end. Throws SoundError when the file breaks off or is damaged.
  int read(float* const* channels, int frames);
  void rewind();  ///< back to the first frame; standard input cannot

private:
  struct State;
  std::unique_ptr<State> state_;
};

/// True when both names lead to one existing file, through links or not.
bool same_file(const std::string& a, const std::string& b);

/// How PCM is rounded: 16 and 24 bits get noise of two uniform steps (TPDF) when `dither`; exact values and silence at
/// the very start and end are noise too: dither never gates. Seeded, so that the same render gives the same bytes.
struct SoundSpec {
  double rate_hz = 48000;
  int channels = 2;
  int bits = 24;  ///< 16, 24, 32; with is_float 32
  bool is_float = false;
  bool dither = true;
  std::uint32_t seed = 1;
  std::int64_t frames = 0;  ///< expected length; 0 when unknown. Past 4 GiB a WAV becomes RF64
};

class SoundWriter {
public:
  /// The container follows the ending: .wav .flac .aif(f) .ogg .mp3 .w64 .rf64 .caf; "-" is standard output (WAV).
  /// Throws SoundError: folder missing or unwritable, format cannot carry that rate, width or channel count.
  SoundWriter(const std::string& path, const SoundSpec& spec);
  ~SoundWriter();  ///< without commit: what was written is removed, the target stays as it was
  SoundWriter(SoundWriter&&) noexcept;

  void write(const float* const* channels, int frames);  ///< throws SoundError (disk full)
  std::int64_t clipped() const;                          ///< samples that were beyond full scale and had to be cut
  void commit();                                         ///< completes, syncs, renames; throws SoundError

private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Changes the rate: libsoxr at its best quality, aligned (no delay in or out).
class Resampler {
public:
  Resampler(double from_hz, double to_hz, int channels);
  ~Resampler();
  Resampler(Resampler&&) noexcept;

  /// Takes `frames` frames, or the end of the stream when frames is 0; returns how many came out into `out()`.
  int process(const float* const* in, int frames);
  const float* const* out() const;
  /// Frames that `frames` at the old rate become: round(frames * to / from). The sum of what comes out is exactly this.
  static std::int64_t length(std::int64_t frames, double from_hz, double to_hz);

private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lacquer
