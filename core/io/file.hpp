// core/io/file.hpp — file descriptors, and a target that appears under its name complete or not at all. [control]

#pragma once

#include "core/io/sound.hpp"

#include <utility>
#include <vector>

namespace lacquer {

/// Throws SoundError("song.wav: WHAT"); `what` is "what is wrong; what to do".
[[noreturn]] void fail(const std::string& file, const std::string& what, bool system = false);
/// errno in words, and what can be done about it: "the disk is full; free some space, or write elsewhere".
std::string reason(int error);

class Fd {
public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  ~Fd();
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  operator int() const { return fd_; }

private:
  int fd_;
};

/// Reads `bytes` at `at`; less only at the end of the file, -1 with errno on failure.
std::int64_t read_at(int fd, void* to, std::int64_t bytes, std::int64_t at);

/// A file without a name in $TMPDIR (or /tmp): gone when closed, whatever happens.
Fd scratch_file();

/// What is being written to "album/song.wav": an unnamed file in the same folder (or, where the file system has none, a
/// hidden temporary), until commit() names it. An existing file is replaced in one step and keeps its permissions; a
/// link is followed. "-" is standard output.
class Target {
public:
  explicit Target(std::string path);  ///< throws SoundError
  ~Target();
  Target(const Target&) = delete;

  const std::string& path() const { return path_; }
  bool seekable() const { return seekable_; }  ///< false: only append
  std::int64_t size() const { return size_; }

  /// False once anything has failed; check() says it. Usable from C callbacks.
  bool write_at(std::int64_t at, const void* data, std::int64_t bytes) noexcept;
  bool append(const void* data, std::int64_t bytes) noexcept { return write_at(size_, data, bytes); }
  std::int64_t read_back(std::int64_t at, void* to, std::int64_t bytes) noexcept;
  void check() const;  ///< throws SoundError
  bool flush() noexcept;

  std::string name_for_reading() const;  ///< a path that opens what has been written so far; "" for standard output
  void commit();                         ///< throws SoundError

private:
  bool put(std::int64_t at, const char* data, std::int64_t bytes) noexcept;
  std::string hidden_name() const;

  std::string path_, final_, temporary_;  // as the user calls it; behind links; hidden name while there is one
  Fd fd_;
  bool seekable_ = true, standard_ = false, old_mode_ = false;
  unsigned mode_ = 0;
  std::int64_t base_ = 0, size_ = 0;
  int error_ = 0;
  std::vector<char> pending_;  // what is to be written at pending_at_
  std::int64_t pending_at_ = 0;
};

}  // namespace lacquer
