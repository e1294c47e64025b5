// core/io/mp3_decoder.cpp — MP3 through libmpg123, which libsndfile uses too; but libsndfile 1.2 believes an estimate
// of the length when the file has no Xing header, and cuts the music short. Here every frame header is counted.

#include "core/io/decoder.hpp"

#include <mpg123.h>

#include <algorithm>
#include <cerrno>

namespace lacquer {
namespace {

class Mp3Decoder : public Decoder {
public:
  Mp3Decoder(const SoundBytes& bytes, SoundFormat& format) : bytes_(bytes) {
    mpg123_init();  // does nothing but once
    handle_.reset(mpg123_new(nullptr, nullptr));
    mpg123_handle* h = handle_.get();
    if (!h) fail(bytes_.path, "libmpg123 cannot be used on this machine", true);
    mpg123_param(h, MPG123_ADD_FLAGS, MPG123_QUIET | MPG123_FORCE_FLOAT | MPG123_GAPLESS, 0);
    mpg123_param(h, MPG123_REMOVE_FLAGS, MPG123_AUTO_RESAMPLE, 0);
    mpg123_replace_reader_handle(h, read_bytes, seek, nullptr);
    long rate = 0;
    int channels = 0, encoding = 0;
    const bool good = mpg123_open_handle(h, this) == MPG123_OK &&
                      mpg123_getformat(h, &rate, &channels, &encoding) == MPG123_OK && encoding == MPG123_ENC_FLOAT_32;
    check_disk();
    if (!good) fail(bytes_.path, "no MP3 frame is found in it; export it again");
    channels_ = channels;
    format.codec = "MP3";
    format.rate_hz = double(rate);
    format.channels = channels;
    if (format.frames == 0 && (mpg123_scan(h) != MPG123_OK || (format.frames = mpg123_length(h)) < 0))
      format.frames = -1;
    check_disk();
    read_tags(format.tags);
  }

  std::int64_t read(float* to, std::int64_t frames) override {
    const std::size_t frame = sizeof(float) * std::size_t(channels_);
    std::size_t done = 0;
    const int error =
        mpg123_read(handle_.get(), reinterpret_cast<unsigned char*>(to), std::size_t(frames) * frame, &done);
    check_disk();
    if (error != MPG123_OK && error != MPG123_DONE)
      fail(bytes_.path,
           "it is damaged after " + std::to_string(at_) + " frames (" +
               (error == MPG123_NEW_FORMAT ? "its rate or channels change" : mpg123_strerror(handle_.get())) +
               "); get a whole copy of it");
    at_ += std::int64_t(done / frame);
    return std::int64_t(done / frame);
  }

private:
  void read_tags(SoundTags& tags) {
    mpg123_id3v1* v1 = nullptr;
    mpg123_id3v2* v2 = nullptr;
    if (mpg123_id3(handle_.get(), &v1, &v2) != MPG123_OK) return;
    const auto put = [&](const char* tag, std::string text) {
      text = text.substr(0, text.find('\0'));
      text.erase(text.find_last_not_of(' ') + 1);
      if (!text.empty()) tags[tag] = text;
    };
    if (v1) {
      put("title", {v1->title, sizeof v1->title});
      put("artist", {v1->artist, sizeof v1->artist});
      put("album", {v1->album, sizeof v1->album});
      put("date", {v1->year, sizeof v1->year});
      put("comment", {v1->comment, sizeof v1->comment});
    }
    if (!v2) return;
    static constexpr std::pair<const char*, const char*> frames[] = {
        {"TIT2", "title"}, {"TPE1", "artist"}, {"TALB", "album"}, {"TDRC", "date"},
        {"TYER", "date"},  {"TRCK", "track"},  {"TCON", "genre"}, {"TCOP", "copyright"}};
    for (std::size_t i = 0; i < v2->texts; ++i)
      for (const auto& [id, tag] : frames)
        if (std::equal(id, id + 4, v2->text[i].id) && v2->text[i].text.p) put(tag, v2->text[i].text.p);
    if (v2->comment && v2->comment->p) put("comment", v2->comment->p);
  }
  void check_disk() const {
    if (error_) fail(bytes_.path, "it cannot be read: " + reason(error_), true);
  }

  static ssize_t read_bytes(void* p, void* to, std::size_t n) {
    Mp3Decoder& d = *static_cast<Mp3Decoder*>(p);
    const std::int64_t got = d.bytes_.read(to, std::int64_t(n), d.cursor_);
    if (got < 0) return d.error_ = errno, -1;
    d.cursor_ += got;
    return ssize_t(got);
  }
  static off_t seek(void* p, off_t offset, int whence) {
    Mp3Decoder& d = *static_cast<Mp3Decoder*>(p);
    const off_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? d.cursor_ : d.bytes_.size;
    return offset < -base ? -1 : d.cursor_ = base + offset;
  }
  struct Delete {
    void operator()(mpg123_handle* h) const { mpg123_delete(h); }
  };

  SoundBytes bytes_;
  std::unique_ptr<mpg123_handle, Delete> handle_;
  std::int64_t cursor_ = 0, at_ = 0;
  int channels_ = 1, error_ = 0;
};

}  // namespace

std::unique_ptr<Decoder> mp3_decoder(const SoundBytes& bytes, SoundFormat& format) {
  return std::make_unique<Mp3Decoder>(bytes, format);
}

}  // namespace lacquer
