// core/io/inspect.cpp — a look at a sound file's header before any decoder sees it.

#include "core/io/decoder.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace lacquer {
namespace {

std::uint64_t number(const std::uint8_t* b, int bytes, bool big) {
  std::uint64_t x = 0;
  for (int i = 0; i < bytes; ++i) x |= std::uint64_t(b[i]) << 8 * (big ? bytes - 1 - i : i);
  return x;
}

/// How chunks are laid out: RIFF and its relatives differ in little else.
struct Layout {
  const char *container, *fmt, *data;
  int first;       // offset of the first chunk
  int id, length;  // bytes of the id and of the length
  bool big;        // endian
  bool inclusive;  // the length counts id and length too
  int align;
};
constexpr Layout wav{"WAV", "fmt ", "data", 12, 4, 4, false, false, 2};
constexpr Layout aiff{"AIFF", "COMM", "SSND", 12, 4, 4, true, false, 2};
constexpr Layout w64{"W64", "fmt ", "data", 40, 16, 8, false, true, 8};
constexpr Layout caf{"CAF", "desc", "data", 8, 4, 8, true, false, 1};

std::string clock(double s) {
  const double minutes = std::floor(s / 60);
  return fmt::format("{:.0f}:{:04.1f}", minutes, s - 60 * minutes);
}

class Inspection {
public:
  Inspection(SoundBytes& bytes, SoundFormat& format, const Layout& layout)
      : bytes_(bytes), format_(format), layout_(layout) {}

  void run() {
    const int head = layout_.id + layout_.length;
    std::int64_t at = layout_.first;
    bool fmt = false;
    for (int chunks = 0; at + head <= bytes_.size && chunks < 10000; ++chunks) {
      std::uint8_t b[24];
      if (bytes_.read(b, head, at) != head) break;
      const std::string id(reinterpret_cast<char*>(b), 4);
      std::uint64_t length = number(b + layout_.id, layout_.length, layout_.big);
      if (layout_.inclusive) length = length < std::uint64_t(head) ? 0 : length - std::uint64_t(head);
      const std::int64_t body = at + head, rest = bytes_.size - body;
      if (id == layout_.fmt) {
        read_format(body, std::min<std::int64_t>(std::int64_t(std::min<std::uint64_t>(length, 1 << 20)), rest));
        fmt = true;
      }
      if (id == "ds64" && rest >= 16) {
        std::uint8_t size[8];
        if (bytes_.read(size, 8, body + 8) == 8) long_data_ = number(size, 8, false), long_data_at_ = body + 8;
      }
      if (id == layout_.data) {
        if (!fmt && &layout_ != &aiff)
          fail(bytes_.path, "its audio comes before its format: the header is damaged; export it again");
        return read_data(at, length, rest);
      }
      // Lengths are what the file says: a step must go forward and stay inside.
      if (length > std::uint64_t(rest)) break;
      const std::int64_t step =
          std::int64_t(length) + (layout_.align - std::int64_t(length) % layout_.align) % layout_.align;
      at = body + step;
    }
    if (!fmt) fail(bytes_.path, std::string("its ") + layout_.container + " header breaks off; get a whole copy of it");
    if (&layout_ != &aiff)  // an AIFF without frames need not have the chunk
      fail(bytes_.path, std::string("this ") + layout_.container + " holds no audio; get a whole copy of it");
  }

private:
  void read_format(std::int64_t at, std::int64_t length) {
    std::uint8_t b[40] = {};
    const bool is_caf = &layout_ == &caf, is_aiff = &layout_ == &aiff;
    const int wanted = is_caf ? 32 : is_aiff ? 18 : 16;
    if (length < wanted || bytes_.read(b, wanted, at) != wanted)
      fail(bytes_.path, std::string("its ") + layout_.container + " header breaks off; get a whole copy of it");
    double rate = 0;
    std::uint64_t channels = 0;
    if (is_caf) {
      const std::uint64_t bits = number(b, 8, true);
      std::memcpy(&rate, &bits, 8);
      frame_bytes_ = std::int64_t(number(b + 16, 4, true));
      channels = number(b + 24, 4, true);
    } else if (is_aiff) {
      channels = number(b, 2, true);
      const int width = int(number(b + 6, 2, true));
      rate = std::ldexp(double(number(b + 10, 8, true)), int(number(b + 8, 2, true) & 0x7fff) - 16383 - 63);  // 80-bit
      frame_bytes_ = std::int64_t(channels) * ((width + 7) / 8);
    } else {
      channels = number(b + 2, 2, false);
      rate = double(number(b + 4, 4, false));
      frame_bytes_ = std::int64_t(number(b + 12, 2, false));
    }
    rate_ = rate;
    check_shape(bytes_.path, double(channels), rate);
    if (frame_bytes_ == 0 && !is_caf && !is_aiff)
      fail(bytes_.path, "its header gives a frame no bytes: it is damaged; export it again");
  }

  void read_data(std::int64_t at, std::uint64_t length, std::int64_t rest) {
    const bool rf64 = long_data_at_ > 0 && length == 0xffffffff;
    const std::uint64_t promised = rf64 ? long_data_ : length;
    // What streams write when they cannot know: as much as there is.
    const bool open_end = &layout_ == &caf ? promised == ~std::uint64_t(0)
                                           : &layout_ == &wav && !rf64 && (promised >= 0x7fffffff - 0x1000) &&
                                                 std::uint64_t(rest) < promised;
    if (promised <= std::uint64_t(rest)) return;
    std::int64_t there = rest;
    if (frame_bytes_ > 0) there -= (there - (&layout_ == &aiff ? 8 : &layout_ == &caf ? 4 : 0)) % frame_bytes_;
    there = std::max<std::int64_t>(there, 0);
    std::uint64_t value = std::uint64_t(there);
    if (layout_.inclusive) value += std::uint64_t(layout_.id + layout_.length);
    const int width = rf64 ? 8 : layout_.length;
    std::string raw;
    for (int i = 0; i < width; ++i) raw.push_back(char(value >> 8 * (layout_.big ? width - 1 - i : i)));
    bytes_.patches.push_back({rf64 ? long_data_at_ : at + layout_.id, raw});
    if (open_end || frame_bytes_ <= 0 || rate_ <= 0) return;
    const auto time = [&](std::uint64_t n) { return clock(double(n / std::uint64_t(frame_bytes_)) / rate_); };
    format_.warning = "it breaks off after " + time(std::uint64_t(there)) + " of the " + time(promised) +
                      " its header promises; what is there is read";
  }

  SoundBytes& bytes_;
  SoundFormat& format_;
  const Layout& layout_;
  std::int64_t frame_bytes_ = 0, long_data_at_ = 0;
  std::uint64_t long_data_ = 0;
  double rate_ = 0;
};

bool looks_like_text(const std::uint8_t* b, int n) {
  return n > 0 && std::all_of(b, b + n, [](std::uint8_t c) { return c >= 32 || c == '\n' || c == '\r' || c == '\t'; });
}
}  // namespace

std::int64_t SoundBytes::read(void* to, std::int64_t n, std::int64_t at) const {
  if (n <= 0 || at < 0) return 0;
  const std::int64_t got = read_at(fd, to, n, at);
  for (const Patch& p : patches)
    for (std::size_t i = 0; i < p.bytes.size(); ++i)
      if (const std::int64_t k = p.at + std::int64_t(i) - at; k >= 0 && k < got) static_cast<char*>(to)[k] = p.bytes[i];
  return got;
}

void check_shape(const std::string& path, double channels, double rate) {
  if (channels < 1) fail(path, "its header says it has 0 channels: it is damaged; export it again");
  if (channels > most_channels)
    fail(path,
         fmt::format("it has {:g} channels; {} is the most, split it into several files", channels, most_channels));
  if (!(rate >= 8000 && rate <= 384000))
    fail(path, "its rate is " + (std::isfinite(rate) && rate < 1e12 ? fmt::format("{:.12g} Hz", rate) : "no number") +
                   "; rates from 8 to 384 kHz are read, convert it first");
}

void inspect(SoundBytes& bytes, SoundFormat& format) {
  std::uint8_t b[64] = {};
  const int n = int(bytes.read(b, sizeof b, 0));
  if (n < 0) fail(bytes.path, "it cannot be read: " + reason(errno), true);
  if (n == 0) fail(bytes.path, "it is empty; give a sound file");
  const auto is = [&](const char* what, int at = 0) {
    const int size = int(std::strlen(what));
    return n >= at + size && std::memcmp(b + at, what, std::size_t(size)) == 0;
  };
  const auto run = [&](const Layout& layout, const char* name) {
    format.container = name;
    Inspection(bytes, format, layout).run();
  };
  if (is("RIFF") && is("WAVE", 8)) return run(wav, "WAV");
  if ((is("RF64") || is("BW64")) && is("WAVE", 8)) {
    if (is("BW64")) bytes.patches.push_back({0, "RF64"});  // ITU-R BS.2088: the same header under another name
    return run(wav, "RF64");
  }
  if (is("riff\x2e\x91\xcf\x11")) return run(w64, "W64");
  if (is("FORM") && (is("AIFF", 8) || is("AIFC", 8))) return run(aiff, "AIFF");
  if (is("caff")) return run(caf, "CAF");
  if (is("fLaC")) return void(format.container = "FLAC");
  if (is("OggS")) return void(format.container = "OGG");
  if (is("ID3") || (n > 2 && b[0] == 0xff && (b[1] & 0xe0) == 0xe0 && (b[1] & 0x06) == 0x02))
    return void(format.container = "MP3");
  if (is("RIFF") || is("RIFX") || is("FORM") || n < 12)
    if (!looks_like_text(b, n) || is("RIFF") || is("FORM"))
      fail(bytes.path, n < 64 ? "its header breaks off; get a whole copy of it"
                              : "this is no sound file; WAV, AIFF, FLAC, CAF, W64, OGG and MP3 are read");
  fail(bytes.path,
       std::string(looks_like_text(b, n) ? "this is a text, whatever its name says" : "this is no sound file") +
           "; WAV, AIFF, FLAC, CAF, W64, OGG and MP3 are read");
}

}  // namespace lacquer
