// tests/fuzz/read_sound.hpp — any bytes through the sound reader: they are read as promised, or refused in one line.

#pragma once

#include "core/io/sound.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <vector>

/// True when it was a sound file; ends the process when the reader breaks a promise.
inline bool read_sound(const std::uint8_t* data, std::size_t size) {
  const int fd = ::memfd_create("sound", MFD_CLOEXEC);
  if (fd < 0 || ::write(fd, data, size) != ssize_t(size)) std::abort();
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  bool good = false;
  try {
    lacquer::SoundReader in(path);
    const lacquer::SoundFormat& f = in.format();
    if (f.channels < 1 || f.channels > 16 || !(f.rate_hz >= 8000 && f.rate_hz <= 384000) || f.frames < 0) std::abort();
    constexpr int block = 1000;
    std::vector<float> space(std::size_t(f.channels) * block);
    std::vector<float*> channels;
    for (int c = 0; c < f.channels; ++c) channels.push_back(space.data() + c * block);
    std::int64_t frames = 0;
    while (frames < 1000000) {
      const int n = in.read(channels.data(), block);
      frames += n;
      if (n < block) break;
    }
    if (frames < 1000000 && frames != f.frames) std::abort();
    in.rewind();
    const int again = in.read(channels.data(), 1);
    if (again != (f.frames > 0)) std::abort();
    good = true;
  } catch (const lacquer::SoundError& e) {
    if (std::strncmp(e.what(), path.c_str(), path.size()) || std::strchr(e.what(), '\n')) std::abort();
  }
  ::close(fd);
  return good;
}
