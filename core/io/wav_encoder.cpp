// core/io/wav_encoder.cpp — RIFF WAVE, and RF64 past 4 GiB (EBU Tech 3306: JUNK of the same size becomes ds64 in
// place). Ours, because libsndfile 1.2 writes a broken WAV past 4 GiB and says nothing.

#include "core/io/encoder.hpp"

#include <bit>
#include <cstring>

namespace lacquer {
namespace {

static_assert(std::endian::native == std::endian::little);

struct Bytes : std::vector<char> {
  void id(const char* four) { insert(end(), four, four + 4); }
  template <class T>
  void number(T x) {
    char raw[sizeof x];
    std::memcpy(raw, &x, sizeof x);
    insert(end(), raw, raw + sizeof x);
  }
  void u16(int x) { number(std::uint16_t(x)); }
  void u32(std::uint64_t x) { number(std::uint32_t(x)); }
  void u64(std::uint64_t x) { number(x); }
};

// Speaker positions by channel count (mmreg.h): mono, stereo, 3.0, quad, 5.0, 5.1, 6.1, 7.1; none beyond.
std::uint32_t speakers(int channels) {
  constexpr std::uint32_t masks[] = {0x4, 0x3, 0x7, 0x33, 0x37, 0x3f, 0x70f, 0x63f};
  return channels <= 8 ? masks[channels - 1] : 0;
}

// RIFF INFO ids by tag.
const std::pair<const char*, const char*> info_ids[] = {{"title", "INAM"},   {"artist", "IART"},   {"album", "IPRD"},
                                                        {"track", "ITRK"},   {"date", "ICRD"},     {"genre", "IGNR"},
                                                        {"comment", "ICMT"}, {"copyright", "ICOP"}};

Bytes info_chunk(const SoundTags& tags) {
  Bytes list;
  list.id("INFO");
  for (const auto& [tag, id] : info_ids)
    if (const auto found = tags.find(tag); found != tags.end() && !found->second.empty()) {
      const std::string& text = found->second;
      list.id(id);
      list.u32(text.size() + 1);
      list.insert(list.end(), text.begin(), text.end());
      list.push_back(0);
      if (list.size() % 2) list.push_back(0);
    }
  Bytes chunk;
  if (list.size() == 4) return chunk;
  chunk.id("LIST");
  chunk.u32(list.size());
  chunk.insert(chunk.end(), list.begin(), list.end());
  return chunk;
}

class WavEncoder : public Encoder {
public:
  WavEncoder(Target& target, const SoundSpec& spec, bool always_rf64, std::uint64_t limit)
      : target_(target), spec_(spec), always_rf64_(always_rf64), limit_(limit), info_(info_chunk(spec.tags)) {
    const Bytes head = header(spec.frames, !target.seekable() && spec.frames == 0);
    target_.append(head.data(), std::int64_t(head.size()));
  }

  bool wants_floats() const override { return spec_.is_float; }
  void write_floats(const float* x, int n) override { append(x, n, std::int64_t(sizeof(float))); }
  void write_ints(const std::int32_t* x, int n) override {
    const std::size_t width = std::size_t(spec_.bits) / 8, count = std::size_t(n) * std::size_t(spec_.channels);
    packed_.resize(count * width + 4);
    char* to = packed_.data();
    for (std::size_t i = 0; i < count; ++i, to += width) {
      const std::uint32_t value = std::uint32_t(x[i]) >> (32 - spec_.bits);
      std::memcpy(to, &value, 4);  // the byte too much is the next sample's
    }
    append(packed_.data(), n, std::int64_t(width));
  }

  void finish() override {
    if (data_bytes(frames_) % 2) target_.append("", 1);
    if (target_.seekable()) {
      const Bytes head = header(frames_, false);
      target_.write_at(0, head.data(), std::int64_t(head.size()));
    } else if (spec_.frames && spec_.frames != frames_) {
      fail(target_.path(), "its header promised " + std::to_string(spec_.frames) + " frames, but there were " +
                               std::to_string(frames_));
    }
    target_.check();
  }

private:
  std::uint64_t data_bytes(std::int64_t frames) const {
    return std::uint64_t(frames) * std::uint64_t(spec_.channels) * std::uint64_t(spec_.bits / 8);
  }
  void append(const void* data, int n, std::int64_t width) {
    target_.append(data, n * spec_.channels * width);
    frames_ += n;
    target_.check();
  }

  /// Everything before the samples; always of the same length. `endless`: a stream of unknown length, which readers
  /// take to mean "to the end".
  Bytes header(std::int64_t frames, bool endless) const {
    const std::uint64_t data = data_bytes(frames), padded = data + data % 2;
    const bool extensible = spec_.channels > 2;
    const std::uint32_t fmt_size = extensible ? 40 : spec_.is_float ? 18 : 16;
    const std::uint64_t head = 12 + 8 + 28 + 8 + fmt_size + (spec_.is_float ? 12 : 0) + info_.size() + 8;
    const std::uint64_t riff = head - 8 + padded;
    const bool rf64 = !endless && (always_rf64_ || riff > limit_);

    Bytes b;
    b.id(rf64 ? "RF64" : "RIFF");
    b.u32(rf64 || endless ? 0xffffffff : riff);
    b.id("WAVE");
    b.id(rf64 ? "ds64" : "JUNK");
    b.u32(28);
    b.u64(rf64 ? riff : 0);
    b.u64(rf64 ? data : 0);
    b.u64(rf64 ? std::uint64_t(frames) : 0);
    b.u32(0);  // no table: only data is this long
    b.id("fmt ");
    b.u32(fmt_size);
    const int tag = spec_.is_float ? 3 : 1, width = spec_.bits / 8;
    b.u16(extensible ? 0xfffe : tag);
    b.u16(spec_.channels);
    b.u32(std::uint64_t(spec_.rate_hz));
    b.u32(std::uint64_t(spec_.rate_hz) * std::uint64_t(spec_.channels * width));
    b.u16(spec_.channels * width);
    b.u16(spec_.bits);
    if (extensible) {
      b.u16(22);
      b.u16(spec_.bits);
      b.u32(speakers(spec_.channels));
      b.u16(tag);
      constexpr char guid_tail[] = "\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71";
      b.insert(b.end(), guid_tail, guid_tail + 14);
    } else if (spec_.is_float) {
      b.u16(0);
    }
    if (spec_.is_float) {
      b.id("fact");
      b.u32(4);
      b.u32(rf64 || endless || std::uint64_t(frames) > limit_ ? 0xffffffff : std::uint64_t(frames));
    }
    b.insert(b.end(), info_.begin(), info_.end());
    b.id("data");
    b.u32(rf64 || endless ? 0xffffffff : data);
    return b;
  }

  Target& target_;
  SoundSpec spec_;
  bool always_rf64_;
  std::uint64_t limit_;
  Bytes info_;
  std::vector<char> packed_;
  std::int64_t frames_ = 0;
};

}  // namespace

std::unique_ptr<Encoder> wav_encoder(Target& target, const SoundSpec& spec, bool always_rf64, std::uint64_t limit) {
  return std::make_unique<WavEncoder>(target, spec, always_rf64, limit);
}

}  // namespace lacquer
