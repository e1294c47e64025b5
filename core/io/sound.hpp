// core/io/sound.hpp — sound files in and out: any length in bounded memory, planar float, full scale 1.0. [control]
//
// A reader hands out what the file holds; a writer writes beside its target and moves into place on commit(), so that
// whatever happens the target is either untouched or complete.

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>

namespace lacquer {

/// A file that cannot be read or written: what is wrong with it, in one line that names it and says what to do.
struct SoundError : std::runtime_error {
  using std::runtime_error::runtime_error;
  bool system = false;  ///< the machine's fault (disk full, no permission), not the file's
};

/// What is known about the music: title, artist, album, date, track, genre, comment, copyright, license. UTF-8.
using SoundTags = std::map<std::string, std::string>;

/// More channels than this in one file are refused: 22.2 has 24.
inline constexpr int most_channels = 32;

struct SoundFormat {
  std::string container;  ///< "WAV", "RF64", "W64", "AIFF", "FLAC", "CAF", "OGG", "MP3"
  std::string codec;      ///< "PCM", "float", "FLAC", "ALAC", "Vorbis", "Opus", "MP3", "u-law", "A-law"
  double rate_hz = 0;
  int channels = 0;
  int bits = 0;  ///< of a sample: 8, 16, 24, 32, 64; 0 for lossy codecs
  bool is_float = false;
  std::int64_t frames = 0;  ///< exactly as many as can be read
  SoundTags tags;
  std::string warning;  ///< when not "": what is odd about a file that can be read all the same (a cut-off recording)
};

class SoundReader {
public:
  /// Opens "song.flac"; "-" is standard input: any of the formats, kept in a scratch file under $TMPDIR when it comes
  /// through a pipe, and shared by all readers of "-". Throws SoundError.
  explicit SoundReader(const std::string& path);
  ~SoundReader();
  SoundReader(SoundReader&&) noexcept;

  const SoundFormat& format() const;
  /// Reads up to `frames` frames; less only at the end. Integers come out exactly (value / 2^(bits-1)) up to 24 bits.
  /// Throws SoundError when the file breaks off or is damaged.
  int read(float* const* channels, int frames);
  void rewind();  ///< back to the first frame, which comes out with the same bits again

private:
  struct State;
  std::unique_ptr<State> state_;
};

/// True when both names lead to one existing file, through links or not; "-" is what standard input reads from.
bool same_file(const std::string& a, const std::string& b);

/// How and as what a file is written.
///
/// With `dither`, 16 and 24 bits get noise of two uniform steps (TPDF, independent by channel) from the first frame on
/// that is not on the target's grid, to the end. Until then nothing needs rounding, and the file is what was handed in:
/// so a graph that changes nothing passes 16- and 24-bit files bit for bit, and silence before the music is silence.
/// The noise depends on `seed` and on the frame's number only: the same render gives the same bytes.
struct SoundSpec {
  double rate_hz = 48000;
  int channels = 2;
  int bits = 24;  ///< 16, 24, 32; with is_float 32. Lossy codecs take the floats as they are
  bool is_float = false;
  bool dither = true, shaped = false;  ///< shaped: NoiseShaper in core/io/quantise.hpp; at 44.1 and 48 kHz only
  std::uint32_t seed = 1;
  std::int64_t frames = 0;  ///< expected length; 0 when unknown
  SoundTags tags;           ///< as far as the container keeps them
};

class SoundWriter {
public:
  /// The container follows the ending: .wav .flac .aif(f) .ogg (Vorbis) .mp3 .w64 .rf64 .caf; "-" is standard output
  /// (WAV). A WAV past 4 GiB becomes RF64. Throws SoundError: folder missing or unwritable, format cannot carry that
  /// rate, width, channel count or length.
  SoundWriter(const std::string& path, const SoundSpec& spec);
  ~SoundWriter();  ///< without commit: what was written is gone, the target stays as it was
  SoundWriter(SoundWriter&&) noexcept;

  void write(const float* const* channels, int frames);  ///< throws SoundError (disk full)
  /// After commit(): integer samples that were beyond full scale and had to be cut.
  std::int64_t clipped() const;
  /// Completes the file, reads its header back, syncs it and gives it its name; throws SoundError.
  void commit();

private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Changes the rate: libsoxr at 28 bits, linear phase, flat to 0.913 of the lower Nyquist frequency, nothing folds
/// back; aligned (frame 0 stays frame 0). What comes out does not depend on how the stream is cut.
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
