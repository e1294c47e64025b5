// core/io/library_decoder.cpp — everything but MP3, through libsndfile.

#include "core/io/decoder.hpp"
#include "core/simd/simd.hpp"

#include <sndfile.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

namespace lacquer {
namespace {

const std::pair<const char*, int> strings[] = {
    {"title", SF_STR_TITLE},     {"artist", SF_STR_ARTIST},       {"album", SF_STR_ALBUM},
    {"date", SF_STR_DATE},       {"track", SF_STR_TRACKNUMBER},   {"genre", SF_STR_GENRE},
    {"comment", SF_STR_COMMENT}, {"copyright", SF_STR_COPYRIGHT}, {"license", SF_STR_LICENSE}};

class LibraryDecoder : public Decoder {
public:
  LibraryDecoder(const SoundBytes& bytes, SoundFormat& format) : bytes_(bytes) {
    SF_VIRTUAL_IO io{length_of, seek, read_bytes, nullptr, tell};
    SF_INFO info{};
    file_ = sf_open_virtual(&io, SFM_READ, &info, this);
    check_disk();
    if (!file_)
      fail(bytes_.path, std::string("its ") + format.container + " header makes no sense (" + message(nullptr) +
                            "); export it again");
    try {
      fill(format, info);
    } catch (...) {
      sf_close(file_);
      throw;
    }
  }
  ~LibraryDecoder() override { sf_close(file_); }

  std::int64_t read(float* to, std::int64_t frames) override {
    const sf_count_t n = (this->*read_)(to, frames);
    check_disk();
    if (const int error = sf_error(file_))
      fail(bytes_.path, "it is damaged after " + std::to_string(at_) + " frames (" + sf_error_number(error) +
                            "); get a whole copy of it");
    at_ += std::max<sf_count_t>(n, 0);
    return std::max<sf_count_t>(n, 0);
  }

private:
  // The library's own conversions take longer than all else it does to read.
  sf_count_t read_16_bits(float* to, sf_count_t frames) {
    raw_.resize(std::size_t(frames * channels_) * sizeof(short));
    short* const small = reinterpret_cast<short*>(raw_.data());
    const sf_count_t n = sf_readf_short(file_, small, frames);
    if (n > 0) simd().engine.from_16_bits(to, small, int(n) * channels_);
    return n;
  }
  sf_count_t read_24_bits(float* to, sf_count_t frames) {
    const sf_count_t frame = 3 * channels_;
    raw_.resize(std::size_t(1 + frames * frame));
    const sf_count_t n = sf_read_raw(file_, raw_.data() + 1, frames * frame) / frame;
    if (n > 0) simd().engine.from_24_bits(to, raw_.data() + 1, int(n) * channels_);
    return n;
  }
  sf_count_t read_any(float* to, sf_count_t frames) { return sf_readf_float(file_, to, frames); }

  void fill(SoundFormat& format, const SF_INFO& info) {
    struct Codec {
      int id;
      const char* name;
      int bits;
      bool is_float;
    };
    static const Codec codecs[] = {{SF_FORMAT_PCM_S8, "PCM", 8, false},    {SF_FORMAT_PCM_U8, "PCM", 8, false},
                                   {SF_FORMAT_PCM_16, "PCM", 16, false},   {SF_FORMAT_PCM_24, "PCM", 24, false},
                                   {SF_FORMAT_PCM_32, "PCM", 32, false},   {SF_FORMAT_FLOAT, "float", 32, true},
                                   {SF_FORMAT_DOUBLE, "float", 64, true},  {SF_FORMAT_ULAW, "u-law", 16, false},
                                   {SF_FORMAT_ALAW, "A-law", 16, false},   {SF_FORMAT_ALAC_16, "ALAC", 16, false},
                                   {SF_FORMAT_ALAC_20, "ALAC", 20, false}, {SF_FORMAT_ALAC_24, "ALAC", 24, false},
                                   {SF_FORMAT_ALAC_32, "ALAC", 32, false}, {SF_FORMAT_VORBIS, "Vorbis", 0, false},
                                   {SF_FORMAT_OPUS, "Opus", 0, false}};
    const auto codec = std::find_if(std::begin(codecs), std::end(codecs),
                                    [&](const Codec& c) { return c.id == (info.format & SF_FORMAT_SUBMASK); });
    if (codec == std::end(codecs))
      fail(bytes_.path, "its samples are coded in a way that is not read; export it as PCM");
    format.codec = format.container == "FLAC" ? "FLAC" : codec->name;
    format.bits = codec->bits;
    format.is_float = codec->is_float;
    channels_ = info.channels;
    const bool low_first = (info.format & SF_FORMAT_ENDMASK) != SF_ENDIAN_BIG &&
                           (format.container == "WAV" || format.container == "RF64" || format.container == "W64");
    if (codec->id == SF_FORMAT_PCM_16 && format.container != "FLAC") read_ = &LibraryDecoder::read_16_bits;
    if (codec->id == SF_FORMAT_PCM_24 && low_first) read_ = &LibraryDecoder::read_24_bits;
    format.rate_hz = info.samplerate;
    format.channels = info.channels;
    format.frames = info.frames < 0 || info.frames > (std::int64_t(1) << 48) ? -1 : info.frames;
    for (const auto& [tag, id] : strings)
      if (const char* text = sf_get_string(file_, id); text && *text) format.tags[tag] = text;
  }
  void check_disk() const {
    if (error_) fail(bytes_.path, "it cannot be read: " + reason(error_), true);
  }
  static std::string message(SNDFILE* file) {
    std::string text = sf_strerror(file);
    while (!text.empty() && (text.back() == '.' || text.back() == '\n')) text.pop_back();
    return text;
  }

  static LibraryDecoder& of(void* p) { return *static_cast<LibraryDecoder*>(p); }
  static sf_count_t length_of(void* p) { return of(p).bytes_.size; }
  static sf_count_t tell(void* p) { return of(p).cursor_; }
  static sf_count_t seek(sf_count_t offset, int whence, void* p) {
    LibraryDecoder& d = of(p);
    const sf_count_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? d.cursor_ : d.bytes_.size;
    if (offset < -base || offset > (sf_count_t(1) << 60)) return -1;
    return d.cursor_ = base + offset;
  }
  static sf_count_t read_bytes(void* to, sf_count_t n, void* p) {
    LibraryDecoder& d = of(p);
    const std::int64_t got = d.bytes_.read(to, n, d.cursor_);
    if (got < 0) return d.error_ = errno, 0;
    d.cursor_ += got;
    return got;
  }

  SoundBytes bytes_;
  SNDFILE* file_ = nullptr;
  sf_count_t (LibraryDecoder::*read_)(float*, sf_count_t) = &LibraryDecoder::read_any;
  std::vector<unsigned char> raw_;
  int channels_ = 0;
  sf_count_t cursor_ = 0, at_ = 0;
  int error_ = 0;
};

}  // namespace

std::unique_ptr<Decoder> library_decoder(const SoundBytes& bytes, SoundFormat& format) {
  return std::make_unique<LibraryDecoder>(bytes, format);
}

}  // namespace lacquer
