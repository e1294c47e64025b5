// core/dsp/convolver.hpp — several long filters on the same channels, by their spectra in equal parts.
//
// Uniformly partitioned overlap-save (T. G. Stockham, AFIPS 1966; in parts: W. G. Gardner, JAES 43(3), 1995): two real
// channels go through one complex transform, and one transform of the input serves every filter. What comes out is one
// block late; blocks are counted in programme time, so that nothing depends on how the stream is cut.

#pragma once

#include "core/dsp/fft.hpp"
#include "core/simd/simd.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace lacquer {

class Convolver {
public:
  static constexpr int block = 1024;  ///< frames; the latency

  /// [control] Filters of up to `taps` taps. Allocates, and resets.
  void prepare(int channels, int filters, int taps) {
    channels_ = channels;
    parts_ = (taps + block - 1) / block;
    fft_.prepare(size);
    filters_.assign(std::size_t(filters), {});
    for (Filter& f : filters_) f.spectra.resize(std::size_t(parts_ * size));
    sum_.resize(size);
    time_.resize(size);
    pairs_.assign(std::size_t(channels + 1) / 2, {});
    for (Pair& p : pairs_) {
      p.heard.resize(std::size_t(parts_ * size));
      p.in.resize(size);
      p.out.assign(std::size_t(filters), std::vector<Fft::Complex>(block));
    }
    reset();
  }
  /// [audio] A filter by its taps, tap(i) for each; heard from the next block on, as far as the past goes, too.
  template <class Tap>
  void set(int filter, int taps, Tap&& tap) noexcept {
    for (int part = 0; part < parts_; ++part) set_part(filter, part, taps, tap);
  }
  int parts() const noexcept { return parts_; }
  /// [audio] One of its parts: a block of taps, a transform.
  template <class Tap>
  void set_part(int filter, int part, int taps, Tap&& tap) noexcept {
    std::fill(time_.begin(), time_.end(), Fft::Complex{0, 0});
    for (int i = 0; i < block && part * block + i < taps; ++i)
      time_[std::size_t(i)].r = tap(part * block + i) / float(size);  // the inverse transform is not scaled
    fft_.forward(filters_[std::size_t(filter)].spectra.data() + part * size, time_.data());
  }
  /// [audio] A filter that is not wanted costs nothing, and its output from the next block on means nothing.
  void want(int filter, bool wanted) noexcept { filters_[std::size_t(filter)].wanted = wanted; }
  void reset() noexcept {
    const Fft::Complex zero{0, 0};
    for (Pair& p : pairs_) {
      std::fill(p.heard.begin(), p.heard.end(), zero);
      std::fill(p.in.begin(), p.in.end(), zero);
      for (auto& o : p.out) std::fill(o.begin(), o.end(), zero);
    }
    newest_ = 0;
  }

  /// Where in its block a frame of the programme lies.
  static int place(std::int64_t time) noexcept { return int(time & (block - 1)); }
  /// [audio] Frames from `time` on; out[filter * channels + c]: channel c through a filter. May not be in.
  void process(float* const* out, const float* const* in, int frames, std::int64_t time) noexcept {
    for (int at = 0; at < frames;) {
      const int here = place(time + at), n = std::min(frames - at, block - here);
      for (int c = 0; c < channels_; ++c) {
        Pair& p = pairs_[std::size_t(c / 2)];
        for (int i = 0; i < n; ++i) part_of(p.in[std::size_t(block + here + i)], c) = in[c][at + i];
        for (std::size_t f = 0; f < filters_.size(); ++f) {
          if (!filters_[f].wanted && !filters_[f].heard) continue;
          float* to = out[f * std::size_t(channels_) + std::size_t(c)] + at;
          for (int i = 0; i < n; ++i) to[i] = part_of(p.out[f][std::size_t(here + i)], c);
        }
      }
      at += n;
      if (here + n == block) turn();
    }
  }

private:
  static constexpr int size = 2 * block;
  struct Filter {
    std::vector<Fft::Complex> spectra;  // of each part
    bool wanted = true, heard = true;   // heard: was wanted when the block that comes out was worked out
  };
  struct Pair {  // two channels: real and imaginary part of one signal
    std::vector<Fft::Complex> heard, in;
    std::vector<std::vector<Fft::Complex>> out;
  };
  static float& part_of(Fft::Complex& x, int channel) noexcept { return channel % 2 ? x.i : x.r; }

  void turn() noexcept {
    newest_ = newest_ == 0 ? parts_ - 1 : newest_ - 1;
    for (Pair& p : pairs_) {
      fft_.forward(p.heard.data() + newest_ * size, p.in.data());
      std::copy_n(p.in.begin() + block, block, p.in.begin());
      for (std::size_t f = 0; f < filters_.size(); ++f) {
        if (!filters_[f].wanted) continue;
        std::fill(sum_.begin(), sum_.end(), Fft::Complex{0, 0});
        for (int part = 0; part < parts_; ++part) {
          const Fft::Complex* h = filters_[f].spectra.data() + part * size;
          const Fft::Complex* x = p.heard.data() + (newest_ + part) % parts_ * size;
          simd().filter.convolve(&sum_[0].r, &x->r, &h->r, size);
        }
        fft_.inverse(time_.data(), sum_.data());
        std::copy_n(time_.begin() + block, block, p.out[f].begin());
      }
    }
    for (Filter& f : filters_) f.heard = f.wanted;
  }

  int channels_ = 0, parts_ = 1, newest_ = 0;
  Fft fft_;
  std::vector<Filter> filters_;
  std::vector<Fft::Complex> sum_, time_;
  std::vector<Pair> pairs_;
};

}  // namespace lacquer
