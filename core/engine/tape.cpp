#include "core/engine/tape.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <system_error>

namespace lacquer {
namespace {

constexpr std::size_t most_in_memory = 32u << 20;  // bytes

[[noreturn]] void fail(const std::string& what) { throw std::system_error(errno, std::generic_category(), what); }

// /tmp often lies in memory; /var/tmp is meant for what is large.
int scratch_file() {
  const char* wish = std::getenv("TMPDIR");
  const std::string folder = wish && *wish ? wish : "/var/tmp";
#ifdef O_TMPFILE
  if (const int file = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600); file >= 0) return file;
#endif
  std::string name = folder + "/lacquer-XXXXXX";
  const int file = ::mkstemp(name.data());
  if (file < 0) fail("scratch file in " + folder + " (set TMPDIR to a folder that can be written)");
  ::unlink(name.c_str());
  return file;
}

}  // namespace

Tape::~Tape() {
  if (file_ >= 0) ::close(file_);
}

void Tape::open(int channels) {
  channels_ = channels;
  filling_.assign(chunk_floats(), 0.0f);
}

void Tape::write(const float* const* channels, int frames) {
  for (int at = 0; at < frames;) {
    const int filled = int(frames_ % chunk), n = std::min(frames - at, chunk - filled);
    for (int c = 0; c < channels_; ++c)
      std::copy_n(channels[c] + at, n, filling_.data() + std::ptrdiff_t(c) * chunk + filled);
    at += n;
    frames_ += n;
    if (filled + n == chunk) store();
  }
}

void Tape::store() {
  const std::size_t bytes = chunk_floats() * sizeof(float);
  if (file_ < 0 && (memory_.size() + filling_.size()) * sizeof(float) > most_in_memory) {
    file_ = scratch_file();
    std::vector<float> all = std::move(memory_);
    memory_ = {};
    all.insert(all.end(), filling_.begin(), filling_.end());
    filling_.swap(all);
  } else if (file_ < 0) {
    memory_.insert(memory_.end(), filling_.begin(), filling_.end());
    ++stored_;
    return;
  }
  const char* data = reinterpret_cast<const char*>(filling_.data());
  std::size_t left = filling_.size() * sizeof(float);
  off_t at = off_t(stored_) * off_t(bytes);
  if (left > bytes) at = 0;  // all that was in memory, at once
  const off_t end = at + off_t(left);
  while (left) {
    const ssize_t n = ::pwrite(file_, data, left, at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("scratch file (set TMPDIR to a folder with more room)");
    data += n, at += n, left -= std::size_t(n);
  }
  stored_ = end / off_t(bytes);
  filling_.resize(chunk_floats());
}

const float* Tape::load(std::int64_t number, std::vector<float>& space) const {
  if (number >= stored_) return filling_.data();  // the last, partial chunk
  if (file_ < 0) return memory_.data() + std::size_t(number) * chunk_floats();
  space.resize(chunk_floats());
  char* data = reinterpret_cast<char*>(space.data());
  std::size_t left = space.size() * sizeof(float);
  for (off_t at = off_t(number) * off_t(left); left;) {
    const ssize_t n = ::pread(file_, data, left, at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) fail("scratch file");
    data += n, at += n, left -= std::size_t(n);
  }
  return space.data();
}

class Tape::Player : public Source {
public:
  explicit Player(const Tape& tape) : tape_(tape) {}
  int channels() const override { return tape_.channels_; }
  void read(float* const* out, int frames) override {
    for (int at = 0; at < frames;) {
      const std::int64_t left = tape_.frames_ - time_;
      if (left <= 0) {
        for (int c = 0; c < tape_.channels_; ++c) std::fill_n(out[c] + at, frames - at, 0.0f);
        return;
      }
      const int within = int(time_ % chunk);
      if (within == 0 || !chunk_) chunk_ = tape_.load(time_ / chunk, space_);
      const int n = int(std::min<std::int64_t>({frames - at, chunk - within, left}));
      for (int c = 0; c < tape_.channels_; ++c)
        std::copy_n(chunk_ + std::ptrdiff_t(c) * chunk + within, n, out[c] + at);
      at += n;
      time_ += n;
    }
  }

private:
  const Tape& tape_;
  std::int64_t time_ = 0;
  const float* chunk_ = nullptr;
  std::vector<float> space_;
};

std::unique_ptr<Source> Tape::play() const { return std::make_unique<Player>(*this); }

}  // namespace lacquer
