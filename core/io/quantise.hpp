// core/io/quantise.hpp — floats to integers: rounding, TPDF dither, white or shaped, clipping.

#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace lacquer {

/// Two independent numbers in [0, 1), the same for the same place: SplitMix64 (Steele, Lea, Flood, "Fast Splittable
/// Pseudorandom Number Generators", 2014) entered at its n-th step. Bits depend on no call before.
struct Uniforms {
  double a, b;
  Uniforms(std::uint64_t key, std::int64_t n) {
    const std::uint64_t z = mix(key + std::uint64_t(n) * 0x9e3779b97f4a7c15u);
    a = double(z >> 32) * 0x1p-32;
    b = double(z & 0xffffffffu) * 0x1p-32;
  }
  static std::uint64_t mix(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
};

/// Moves what rounding and dither add to where the ear hears it least: S. P. Lipshitz, J. Vanderkooy, R. A. Wannamaker,
/// "Minimally Audible Noise Shaping", JAES 39(11), 1991, five coefficients. One channel, at 44.1 or 48 kHz.
class NoiseShaper {
public:
  static bool suits(double rate_hz) { return rate_hz == 44100 || rate_hz == 48000; }
  /// What to round, given what is wanted, both in steps.
  double ahead(double wanted) const {
    for (int k = 0; k < taps; ++k) wanted -= curve[k] * error_[k];
    return wanted;
  }
  void after(double error) {  ///< of what was rounded
    for (int k = taps - 1; k > 0; --k) error_[k] = error_[k - 1];
    error_[0] = error;
  }

private:
  static constexpr int taps = 5;
  static constexpr double curve[taps] = {2.033, -2.165, 1.959, -1.590, 0.6149};
  double error_[taps] = {};
};

/// Rounds to `bits`, nearest, ties to even. See SoundSpec for when it dithers. [control]
class Quantiser {
public:
  Quantiser(int bits, int channels, bool dither, std::uint32_t seed, bool shaped = false)
      : channels_(channels),
        bits_(bits),
        may_dither_(dither && bits < 32),
        seed_(seed),
        shapers_(shaped ? std::size_t(channels) : 0) {}

  /// [channel][frame], full scale 1.0, to [frame * channels + channel], the value in the upper bits of 32.
  void run(const float* const* in, int frames, std::int32_t* out) {
    const double steps = double(std::int64_t(1) << (bits_ - 1));
    int first = frames;  // that is dithered
    if (may_dither_) first = dithering_ ? 0 : first_off_grid(in, frames, steps);
    dithering_ = dithering_ || first < frames;
    for (int c = 0; c < channels_; ++c) {
      const std::uint64_t key = Uniforms::mix((std::uint64_t(seed_) << 32) + std::uint64_t(c) + 1);
      for (int i = 0; i < frames; ++i) {
        double y = double(in[c][i]) * steps;
        if (i >= first) {
          const Uniforms u(key, at_ + i);
          if (shapers_.empty()) {
            y += u.a - u.b;
          } else {
            NoiseShaper& shaper = shapers_[std::size_t(c)];
            const double wanted = shaper.ahead(y);
            y = nearest(wanted + u.a - u.b);
            shaper.after(y - wanted);
          }
        }
        out[i * channels_ + c] = std::int32_t(std::uint32_t(whole(y, steps)) << (32 - bits_));
      }
    }
    at_ += frames;
  }
  std::int64_t clipped() const { return clipped_; }

  static double nearest(double y) { return (y + 0x1.8p52) - 0x1.8p52; }  ///< ties to even, for |y| < 2^51

private:
  int first_off_grid(const float* const* in, int frames, double steps) const {
    int first = frames;
    for (int c = 0; c < channels_; ++c)
      for (int i = 0; i < first; ++i)
        if (const double y = double(in[c][i]) * steps; nearest(y) != y && y < 0x1p51 && y > -0x1p51) first = i;
    return first;
  }
  std::int32_t whole(double y, double steps) {
    if (y >= -steps && y <= steps - 1) return std::int32_t(nearest(y));
    if (y != y) return ++clipped_, 0;
    const double cut = std::clamp(y, -steps, steps - 1);
    clipped_ += y - cut >= 0.5 || cut - y > 0.5;  // less is only rounding
    return std::int32_t(cut);
  }

  int channels_, bits_;
  bool may_dither_, dithering_ = false;
  std::uint32_t seed_;
  std::int64_t at_ = 0, clipped_ = 0;
  std::vector<NoiseShaper> shapers_;  // by channel
};

}  // namespace lacquer
