// core/io/writer.cpp — which container carries what, samples to bytes, and the check before a file gets its name.

#include "core/io/encoder.hpp"
#include "core/io/quantise.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

namespace lacquer {
namespace {

/// What a container can carry.
struct Container {
  const char* name;
  std::vector<std::string> endings;
  int max_channels;
  std::vector<int> widths;  // empty: lossy
  bool floats;
  double max_rate_hz;
  std::int64_t max_bytes;  // of samples; 0: no limit
};

const Container containers[] = {
    {"WAV", {".wav", ".wave"}, most_channels, {16, 24, 32}, true, 384000, 0},
    {"RF64", {".rf64"}, most_channels, {16, 24, 32}, true, 384000, 0},
    {"W64", {".w64"}, most_channels, {16, 24, 32}, true, 384000, 0},
    {"CAF", {".caf"}, most_channels, {16, 24, 32}, true, 384000, 0},
    {"AIFF", {".aif", ".aiff"}, most_channels, {16, 24, 32}, true, 384000, 0xffff0000},
    {"FLAC", {".flac"}, 8, {16, 24}, false, 384000, 0},
    {"OGG", {".ogg", ".oga"}, 16, {}, true, 192000, 0},
    {"MP3", {".mp3"}, 2, {}, true, 48000, 0},
};

const Container& container_of(const std::string& path) {
  if (path == "-") return containers[0];
  std::string ending = std::filesystem::path(path).extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  for (const Container& c : containers)
    if (std::find(c.endings.begin(), c.endings.end(), ending) != c.endings.end()) return c;
  fail(path, (ending.empty() ? std::string("it has no ending that says what to write")
                             : "nothing is known about writing '" + ending + "' files") +
                 "; end it with .wav, .flac, .aiff, .ogg, .mp3, .w64, .rf64 or .caf");
}

std::string khz(double hz) { return fmt::format("{:.9g} kHz", hz / 1000); }

void check(const std::string& path, const Container& c, const SoundSpec& s) {
  const std::string name = c.name;
  if (s.channels < 1 || s.channels > c.max_channels)
    fail(path, name + " carries 1 to " + std::to_string(c.max_channels) + " channels, not " +
                   std::to_string(s.channels) + "; write WAV, or fewer channels");
  if (s.rate_hz != std::floor(s.rate_hz) || s.rate_hz < 8000 || s.rate_hz > c.max_rate_hz)
    fail(path, name + " is written at whole rates from 8 kHz to " + khz(c.max_rate_hz) + ", not at " + khz(s.rate_hz) +
                   "; set another 'rate:'");
  constexpr int mp3_rates[] = {8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000};
  if (name == "MP3" && std::find(std::begin(mp3_rates), std::end(mp3_rates), int(s.rate_hz)) == std::end(mp3_rates))
    fail(path, "MP3 knows no rate of " + khz(s.rate_hz) + "; set 'rate: 44.1 kHz' or 48 kHz");
  if (c.widths.empty()) return;
  if (s.is_float && !c.floats) fail(path, name + " holds no floats; set 'bits: 24', or write WAV");
  if (!s.is_float && std::find(c.widths.begin(), c.widths.end(), s.bits) == c.widths.end())
    fail(path, name + " holds no " + std::to_string(s.bits) + "-bit samples; set 'bits: 24'");
  if (c.max_bytes && s.frames * s.channels * (s.bits / 8) > c.max_bytes)
    fail(path, name + " ends at 4 GiB, and this is longer; write WAV or FLAC");
}

}  // namespace

struct SoundWriter::State {
  static constexpr int chunk = 4096;

  State(const std::string& path, const SoundSpec& s, const Container& c)
      : spec(s),
        container(c),
        target(path),
        quantiser(s.bits, s.channels, s.dither, s.seed, s.shaped),
        encoder(c.name == std::string("WAV") || c.name == std::string("RF64")
                    ? wav_encoder(target, spec, c.name == std::string("RF64"))
                    : library_encoder(target, spec, c.name)) {
    ints.resize(std::size_t(chunk) * std::size_t(s.channels));
    floats.resize(ints.size());
    planar.assign(std::size_t(s.channels), std::vector<float>(chunk));
    target.check();
  }

  /// Encoders always get whole chunks: Vorbis lets its blocks depend on what it is handed at once.
  void write(const float* const* in, int n) {
    for (int at = 0; at < n;) {
      const int part = std::min(n - at, chunk - held);
      for (std::size_t c = 0; c < planar.size(); ++c) std::copy_n(in[c] + at, part, planar[c].data() + held);
      held += part;
      at += part;
      if (held == chunk) encode();
    }
  }

  void encode() {
    const int channels = spec.channels;
    if (container.max_bytes && (frames + held) * channels * (spec.bits / 8) > container.max_bytes)
      fail(target.path(), std::string(container.name) + " ends at 4 GiB, and this is longer; write WAV or FLAC");
    if (encoder->wants_floats()) {
      for (int c = 0; c < channels; ++c)
        for (int i = 0; i < held; ++i) floats[std::size_t(i * channels + c)] = planar[std::size_t(c)][std::size_t(i)];
      encoder->write_floats(floats.data(), held);
    } else {
      const float* from[most_channels];
      for (std::size_t c = 0; c < planar.size(); ++c) from[c] = planar[c].data();
      quantiser.run(from, held, ints.data());
      encoder->write_ints(ints.data(), held);
    }
    frames += held;
    held = 0;
  }

  /// Libraries say yes to more than they do: what is on the disk must open, and be what was asked for.
  void verify() {
    const std::string name = target.name_for_reading();
    if (name.empty()) return;
    std::string found;
    try {
      const SoundFormat f = SoundReader(name).format();
      if (f.frames == frames && f.channels == spec.channels && f.rate_hz == spec.rate_hz) return;
      found = std::to_string(f.frames) + " frames, " + std::to_string(f.channels) + " channels, " + khz(f.rate_hz);
    } catch (const SoundError& e) {
      found = "no sound file";
    }
    fail(target.path(), "what was written reads back as " + found + "; write another format", true);
  }

  SoundSpec spec;
  const Container& container;
  Target target;
  Quantiser quantiser;
  std::unique_ptr<Encoder> encoder;
  std::vector<std::int32_t> ints;
  std::vector<float> floats;
  std::vector<std::vector<float>> planar;  // what makes up the next chunk
  int held = 0;                            // frames in it
  std::int64_t frames = 0;                 // encoded
};

SoundWriter::SoundWriter(const std::string& path, const SoundSpec& spec) {
  const Container& c = container_of(path);
  SoundSpec s = spec;
  if (s.is_float) s.bits = 32;
  check(path, c, s);
  state_ = std::make_unique<State>(path, s, c);
}
SoundWriter::~SoundWriter() = default;
SoundWriter::SoundWriter(SoundWriter&&) noexcept = default;

void SoundWriter::write(const float* const* channels, int frames) { state_->write(channels, frames); }
std::int64_t SoundWriter::clipped() const { return state_->quantiser.clipped(); }

void SoundWriter::commit() {
  if (state_->held) state_->encode();
  state_->encoder->finish();
  state_->target.flush();
  state_->target.check();
  state_->verify();
  state_->target.commit();
}

}  // namespace lacquer
