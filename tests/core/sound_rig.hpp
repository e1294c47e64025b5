// tests/core/sound_rig.hpp — folders that clean up, files and signals to compare.

#pragma once

#include "core/io/sound.hpp"

#include <catch2/catch.hpp>

#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <numbers>
#include <vector>

using namespace lacquer;
namespace fs = std::filesystem;

struct Folder {
  fs::path path;
  Folder() {
    std::string name = (fs::temp_directory_path() / "lacquer-test-XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  ~Folder() { fs::remove_all(path); }
  std::string operator/(const std::string& name) const { return (path / name).string(); }
  std::size_t files() const { return std::size_t(std::distance(fs::directory_iterator(path), {})); }
};

using Planar = std::vector<std::vector<float>>;
inline Planar silence(int channels, std::int64_t frames) {
  return Planar(std::size_t(channels), std::vector<float>(std::size_t(frames)));
}
inline std::vector<const float*> pointers(const Planar& x, std::size_t at = 0) {
  std::vector<const float*> p;
  for (const auto& c : x) p.push_back(c.data() + at);
  return p;
}

inline std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
inline void put(const std::string& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

inline void write(const std::string& path, const SoundSpec& spec, const Planar& x, int block = 1000) {
  SoundWriter out(path, spec);
  const int n = int(x[0].size());
  for (int at = 0; at < n; at += block) out.write(pointers(x, std::size_t(at)).data(), std::min(block, n - at));
  out.commit();
}
inline Planar read(SoundReader& in, int block = 777) {
  const SoundFormat& f = in.format();
  Planar x = silence(f.channels, f.frames);
  std::int64_t at = 0;
  for (;;) {
    Planar part(x.size(), std::vector<float>(std::size_t(block)));
    std::vector<float*> p;
    for (auto& c : part) p.push_back(c.data());
    const int n = in.read(p.data(), block);
    if (n == 0) break;
    REQUIRE(at + n <= f.frames);
    for (std::size_t c = 0; c < x.size(); ++c) std::copy_n(part[c].data(), n, x[c].data() + at);
    at += n;
  }
  CHECK(at == f.frames);
  return x;
}
inline Planar read(const std::string& path) {
  SoundReader in(path);
  return read(in);
}

inline std::uint64_t noise_state = 7;
inline double noise() {  // [-1, 1)
  noise_state = noise_state * 6364136223846793005u + 1442695040888963407u;
  return double(std::int64_t(noise_state) >> 11) * 0x1p-52;
}
/// Noise on the grid of `bits`, both ends of the scale included.
inline Planar grid(int channels, int frames, int bits) {
  const double steps = std::exp2(bits - 1);
  Planar x = silence(channels, frames);
  for (auto& c : x) {
    for (float& s : c) s = float(std::floor(noise() * steps) / steps);
    if (frames > 2) c[0] = -1, c[1] = float((steps - 1) / steps);
  }
  return x;
}
inline Planar sine(int channels, int frames, double hz, double rate, double level = 0.5) {
  Planar x = silence(channels, frames);
  for (std::size_t c = 0; c < x.size(); ++c)
    for (std::size_t i = 0; i < x[c].size(); ++i)
      x[c][i] = float(level * std::sin(2 * std::numbers::pi * hz * double(i) / rate + double(c)));
  return x;
}
inline bool same_bits(const Planar& a, const Planar& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t c = 0; c < a.size(); ++c)
    if (!std::equal(a[c].begin(), a[c].end(), b[c].begin(), b[c].end(), [](float x, float y) {
          return std::bit_cast<std::uint32_t>(x) == std::bit_cast<std::uint32_t>(y);
        }))
      return false;
  return true;
}
inline std::string u16(unsigned x) { return {char(x), char(x >> 8)}; }
inline std::string u32(std::uint64_t x) { return u16(unsigned(x & 0xffff)) + u16(unsigned(x >> 16 & 0xffff)); }
inline std::string u64(std::uint64_t x) { return u32(x) + u32(x >> 32); }
/// A plain WAV header, to be told lies.
inline std::string wav(unsigned channels, unsigned rate, unsigned bits, const std::string& data, std::uint64_t claims,
                       unsigned tag = 1) {
  return "RIFF" + u32(36 + claims) + "WAVEfmt " + u32(16) + u16(tag) + u16(channels) + u32(rate) +
         u32(rate * channels * bits / 8) + u16(channels * bits / 8) + u16(bits) + "data" + u32(claims) + data;
}
inline std::string error_of(const std::string& path) {
  try {
    SoundReader in(path);
    read(in);
  } catch (const SoundError& e) {
    return e.what();
  }
  return "";
}
