// core/io/reader.cpp — opening, standard input, and the promise that format().frames frames come out.

#include "core/io/decoder.hpp"
#include "core/simd/simd.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace lacquer {

namespace {

/// Standard input as a file that can be read from any place: itself when it is one, else a copy.
int standard_input() {
  static const Fd copy = [] {
    const std::string name = "standard input";
    struct stat s {};
    if (::fstat(STDIN_FILENO, &s)) fail(name, "it is closed; pipe a sound file into it");
    if (::isatty(STDIN_FILENO)) fail(name, "it is a terminal; pipe a sound file into it, or name a file");
    if (S_ISREG(s.st_mode) && ::lseek(STDIN_FILENO, 0, SEEK_CUR) == 0)
      return Fd(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3));
    Fd to = scratch_file();
    std::vector<char> buffer(1 << 18);
    for (;;) {
      const ssize_t n = ::read(STDIN_FILENO, buffer.data(), buffer.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) fail(name, "it cannot be read: " + reason(errno), true);
      if (n == 0) return to;
      for (ssize_t done = 0; done < n;) {
        const ssize_t put = ::write(to, buffer.data() + done, std::size_t(n - done));
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) fail(name, "it cannot be kept in a scratch file: " + reason(put ? errno : ENOSPC), true);
        done += put;
      }
    }
  }();
  return copy;
}

Fd open_file(const std::string& path) {
  // Never wait for a pipe's other end here: O_NONBLOCK. It does nothing to files.
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  const int error = errno;
  struct stat s {};
  if (fd < 0 && error == ENOENT) fail(path, "there is no such file; check its name");
  if (fd < 0 && error == ENOTDIR) fail(path, "a part of its path is not a folder; check its name");
  if (fd < 0) fail(path, "it cannot be opened: " + reason(error), error != ENXIO);
  if (::fstat(fd, &s)) fail(path, "it cannot be opened: " + reason(errno), true);
  if (S_ISDIR(s.st_mode)) fail(path, "this is a folder; name a sound file in it");
  if (!S_ISREG(s.st_mode)) fail(path, "this is not an ordinary file; pipe it into '-' instead");
  return fd;
}

}  // namespace

struct SoundReader::State {
  static constexpr int chunk = 4096;

  explicit State(const std::string& path) {
    bytes.path = path == "-" ? "standard input" : path;
    if (path == "-") {
      bytes.fd = standard_input();
    } else {
      file = open_file(path);
      bytes.fd = file;
    }
    struct stat s {};
    if (::fstat(bytes.fd, &s)) fail(bytes.path, "it cannot be read: " + reason(errno), true);
    bytes.size = s.st_size;
    inspect(bytes, format);
    open();
    check_shape(bytes.path, format.channels, format.rate_hz);
    space.resize(std::size_t(chunk) * std::size_t(format.channels));
    to.resize(std::size_t(format.channels));
    if (format.frames < 0) count();
  }

  void open() {
    at = 0;
    SoundFormat again = format;
    decoder = format.container == "MP3" ? mp3_decoder(bytes, again) : library_decoder(bytes, again);
    if (!known) format = again;
    known = true;
  }

  void count() {
    format.frames = 0;
    while (const std::int64_t n = decoder->read(space.data(), chunk)) format.frames += n;
    open();
  }

  int read(float* const* out, int wanted) {
    int done = 0;
    while (done < wanted && at < format.frames) {
      const std::int64_t n =
          decoder->read(space.data(), std::min<std::int64_t>({chunk, wanted - done, format.frames - at}));
      if (n == 0) {
        // An Ogg stream cut out of a longer one counts from where that one began: its last page promises more than
        // there is. What little is missing is silence at the end.
        if (format.container != "OGG" || double(format.frames - at) > format.rate_hz)
          fail(bytes.path, "it breaks off after " + std::to_string(at) + " of " + std::to_string(format.frames) +
                               " frames; get a whole copy of it");
        const int rest = int(std::min<std::int64_t>(wanted - done, format.frames - at));
        for (int c = 0; c < format.channels; ++c) std::fill_n(out[c] + done, rest, 0.0f);
        done += rest;
        at += rest;
        continue;
      }
      for (std::size_t c = 0; c < to.size(); ++c) to[c] = out[c] + done;
      simd().engine.part(to.data(), space.data(), format.channels, int(n));
      done += int(n);
      at += n;
    }
    return done;
  }

  Fd file;
  SoundBytes bytes;
  SoundFormat format;
  std::unique_ptr<Decoder> decoder;
  std::vector<float> space;  // interleaved
  std::vector<float*> to;
  std::int64_t at = 0;
  bool known = false;
};

SoundReader::SoundReader(const std::string& path) : state_(std::make_unique<State>(path)) {}
SoundReader::~SoundReader() = default;
SoundReader::SoundReader(SoundReader&&) noexcept = default;
const SoundFormat& SoundReader::format() const { return state_->format; }
int SoundReader::read(float* const* channels, int frames) { return state_->read(channels, frames); }
void SoundReader::rewind() { state_->open(); }

}  // namespace lacquer
