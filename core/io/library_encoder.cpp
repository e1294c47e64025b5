// core/io/library_encoder.cpp — the containers libsndfile writes well: AIFF, FLAC, W64, CAF, Ogg Vorbis, MP3 (LAME).
// It writes through us, so that no failed write goes unseen: libsndfile does not look at all of them.

#include "core/io/encoder.hpp"

#include <sndfile.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

namespace lacquer {
namespace {

struct Cursor {
  Target* target;
  sf_count_t at = 0;
  static Cursor& of(void* p) { return *static_cast<Cursor*>(p); }
};

sf_count_t length_of(void* p) { return Cursor::of(p).target->size(); }
sf_count_t tell(void* p) { return Cursor::of(p).at; }
sf_count_t seek(sf_count_t offset, int whence, void* p) {
  Cursor& c = Cursor::of(p);
  const sf_count_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? c.at : c.target->size();
  return base + offset < 0 ? -1 : c.at = base + offset;
}
sf_count_t read(void* to, sf_count_t n, void* p) {
  Cursor& c = Cursor::of(p);
  const sf_count_t got = std::max<sf_count_t>(c.target->read_back(c.at, to, n), 0);
  c.at += got;
  return got;
}
sf_count_t write(const void* from, sf_count_t n, void* p) {
  Cursor& c = Cursor::of(p);
  if (!c.target->write_at(c.at, from, n)) return 0;
  c.at += n;
  return n;
}

const std::pair<const char*, int> strings[] = {
    {"title", SF_STR_TITLE},     {"artist", SF_STR_ARTIST},       {"album", SF_STR_ALBUM},
    {"date", SF_STR_DATE},       {"track", SF_STR_TRACKNUMBER},   {"genre", SF_STR_GENRE},
    {"comment", SF_STR_COMMENT}, {"copyright", SF_STR_COPYRIGHT}, {"license", SF_STR_LICENSE}};

// ---- Ogg: libsndfile gives every stream a random serial number. Ours follows the seed, so each page (RFC 3533, 6)
// gets another one and its checksum anew.
struct OggCrc {
  std::array<std::uint32_t, 256> table;
  OggCrc() {
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t r = i << 24;
      for (int k = 0; k < 8; ++k) r = (r << 1) ^ (r >> 31 ? 0x04c11db7u : 0u);
      table[i] = r;
    }
  }
  std::uint32_t of(const std::vector<std::uint8_t>& page) const {
    std::uint32_t crc = 0;
    for (const std::uint8_t b : page) crc = (crc << 8) ^ table[(crc >> 24) ^ b];
    return crc;
  }
};

void renumber_ogg(Target& target, std::uint32_t serial) {
  const OggCrc crc;
  std::vector<std::uint8_t> page;
  for (std::int64_t at = 0; at < target.size();) {
    page.resize(27 + 255);
    const std::int64_t got = target.read_back(at, page.data(), 27 + 255);
    const bool whole = got >= 27 && std::memcmp(page.data(), "OggS", 4) == 0 && got >= 27 + page[26];
    std::size_t size = whole ? 27u + page[26] : 0u;
    for (std::size_t i = 0; whole && i < page[26]; ++i) size += page[27 + i];
    page.resize(size);
    if (!whole || target.read_back(at, page.data(), std::int64_t(size)) != std::int64_t(size)) {
      target.check();
      fail(target.path(), "the Ogg stream came out damaged; write FLAC instead", true);
    }
    std::memcpy(&page[14], &serial, 4);
    std::memset(&page[22], 0, 4);
    const std::uint32_t sum = crc.of(page);
    std::memcpy(&page[22], &sum, 4);
    target.write_at(at, page.data(), 27);
    at += std::int64_t(size);
  }
}

// ---- the encoder

class LibraryEncoder : public Encoder {
public:
  LibraryEncoder(Target& target, const SoundSpec& spec, const std::string& container)
      : target_(target), cursor_{&target}, seed_(spec.seed) {
    ogg_ = container == "OGG";
    const bool lossy = ogg_ || container == "MP3";
    floats_ = spec.is_float || lossy;
    const int major = container == "AIFF"   ? SF_FORMAT_AIFF
                      : container == "FLAC" ? SF_FORMAT_FLAC
                      : container == "W64"  ? SF_FORMAT_W64
                      : container == "CAF"  ? SF_FORMAT_CAF
                      : ogg_                ? SF_FORMAT_OGG
                                            : SF_FORMAT_MPEG;
    const int minor = ogg_             ? SF_FORMAT_VORBIS
                      : lossy          ? SF_FORMAT_MPEG_LAYER_III
                      : spec.is_float  ? SF_FORMAT_FLOAT
                      : spec.bits > 24 ? SF_FORMAT_PCM_32
                      : spec.bits > 16 ? SF_FORMAT_PCM_24
                                       : SF_FORMAT_PCM_16;
    SF_INFO info{};
    info.samplerate = int(spec.rate_hz);
    info.channels = spec.channels;
    info.format = major | minor;
    SF_VIRTUAL_IO io{length_of, seek, read, write, tell};
    file_ = sf_open_virtual(&io, SFM_WRITE, &info, &cursor_);
    if (!file_) {
      target.check();
      fail(target.path(), std::string(container) + " cannot be written like this (" + sf_strerror(nullptr) +
                              "); choose another rate, width or ending");
    }
    sf_command(file_, SFC_SET_ADD_PEAK_CHUNK, nullptr, SF_FALSE);  // it holds the time of day
    double best = ogg_ ? 0.9 : container == "FLAC" ? 1.0 : 0.0;    // Vorbis q9; FLAC level 8; MP3 320 kbit/s
    if (ogg_) sf_command(file_, SFC_SET_VBR_ENCODING_QUALITY, &best, sizeof best);
    if (container == "FLAC" || container == "MP3") sf_command(file_, SFC_SET_COMPRESSION_LEVEL, &best, sizeof best);
    if (container == "MP3") {
      int constant = SF_BITRATE_MODE_CONSTANT;
      sf_command(file_, SFC_SET_BITRATE_MODE, &constant, sizeof constant);
    }
    for (const auto& [tag, id] : strings)
      if (const auto found = spec.tags.find(tag); found != spec.tags.end() && !found->second.empty())
        sf_set_string(file_, id, found->second.c_str());  // says nothing reliable about what it keeps
  }
  ~LibraryEncoder() override {
    if (file_) sf_close(file_);
  }

  bool wants_floats() const override { return floats_; }
  void write_ints(const std::int32_t* x, int n) override { wrote(sf_writef_int(file_, x, n), n); }
  void write_floats(const float* x, int n) override { wrote(sf_writef_float(file_, x, n), n); }
  void finish() override {
    const int error = sf_close(std::exchange(file_, nullptr));
    target_.check();
    if (error) fail(target_.path(), std::string("it could not be completed: ") + sf_error_number(error), true);
    if (ogg_) renumber_ogg(target_, std::uint32_t(0x4c430000u + seed_));
    target_.check();
  }

private:
  void wrote(sf_count_t done, int wanted) {
    target_.check();
    if (done != wanted) fail(target_.path(), std::string("it could not be written: ") + sf_strerror(file_), true);
  }

  Target& target_;
  Cursor cursor_;
  std::uint32_t seed_;
  bool ogg_ = false, floats_ = false;
  SNDFILE* file_ = nullptr;
};

}  // namespace

std::unique_ptr<Encoder> library_encoder(Target& target, const SoundSpec& spec, const std::string& container) {
  return std::make_unique<LibraryEncoder>(target, spec, container);
}

}  // namespace lacquer
