// nodes/linear_eq.cpp
//
// The magnitude is that of the analogue prototypes themselves; the phase is none, the least there can be, or between.
// Blocks of the convolution are counted in programme time, so that they do not depend on how the stream is cut. What
// has changed is heard from the next block on, and fades in over it. A change designs the kernel at once, which takes
// milliseconds: no matter in a render, but more than a short live block has.

#include "core/dsp/fft.hpp"
#include "core/dsp/filter_params.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <vector>

namespace {
using namespace lacquer;

struct LinearEq {
  static constexpr Info info{
      .name = "linear_eq",
      .doc =
          "Equaliser that leaves the phase alone, at the price of latency, made for renders: a row for each band, as "
          "in eq.",
      .source =
          "prototypes: R. Bristow-Johnson, Audio EQ Cookbook; least phase from the cepstrum: Oppenheim, Schafer, "
          "Discrete-Time Signal Processing, 1989, 12.3; T. G. Stockham, High-speed convolution, AFIPS 28, 1966"};
  static constexpr Param params[] = {
      {"phase",
       percent, 100,
       {0, 100},
       "100 is linear, 0 the least there can be, without ringing ahead; between: mixed."}
  };
  static constexpr int max_rows = 32;
  static constexpr Param row[] = {band_param, freq_param, gain_param, q_param, slope_param, alignment_param};
  enum Column { kind, freq, gain, q, slope, alignment, columns };
  static_assert(columns == std::size(row));

  void prepare(const Setup<LinearEq>& s) {
    rate_ = s.rate();
    rows_ = s.rows();
    channels_ = s.channels();
    for (int r = 0; r < rows_; ++r)
      if (const Band b = band_of(s.values() + 1 + r * columns); b.is_cut() && !exists(b.alignment, b.order))
        throw std::runtime_error(std::string("linear_eq: ") + no_such_alignment);
    double longest = 0.3;
    for (int r = 0; r < rows_; ++r) longest = std::max(longest, ringing(band_of(s.values() + 1 + r * columns)));
    taps_ = 4096;
    while (taps_ < std::min(longest, most_seconds) * rate_) taps_ *= 2;
    design_.prepare(taps_);
    block_fft_.prepare(2 * block);
    parts_ = taps_ / block;
    values_.assign(std::size_t(1 + rows_ * columns), 0.0f);
    plane_.resize(std::size_t(taps_));
    window_.resize(std::size_t(taps_));
    for (int i = 0; i < taps_; ++i) {  // the last eighth at either end is faded: what rings for longer has no edge
      const double edge = std::min(1.0, 8.0 * std::min(i, taps_ - i) / taps_);
      window_[std::size_t(i)] = float((1 - sin_cos(std::numbers::pi * edge).cos) / 2 / taps_ / (2 * block));
    }
    turned_.resize(std::size_t(taps_));
    power_.resize(std::size_t(taps_ / 2 + 1));
    for (Kernel& k : kernels_) k.spectra.resize(std::size_t(parts_ * 2 * block));
    sum_.resize(2 * block);
    time_.resize(2 * block);
    pairs_.resize(std::size_t(channels_ + 1) / 2);
    for (Pair& p : pairs_) {
      p.heard.resize(std::size_t(parts_ * 2 * block));
      p.in.resize(2 * block);
      p.out.resize(block);
    }
    history_.resize(std::size_t(channels_));
    for (auto& h : history_) h.resize(std::size_t(latency()));
    reset();
  }
  void reset() noexcept {
    const Fft::Complex zero{0, 0};
    for (Pair& p : pairs_) {
      std::fill(p.heard.begin(), p.heard.end(), zero);
      std::fill(p.in.begin(), p.in.end(), zero);
      std::fill(p.out.begin(), p.out.end(), zero);
    }
    for (auto& h : history_) std::fill(h.begin(), h.end(), 0.0f);
    newest_ = 0;
    fresh_ = true;
    at_history_ = 0;
    kernels_[0].flat = kernels_[1].flat = true;
  }
  int latency() const noexcept { return taps_ / 2 + block; }

  void process(Block<LinearEq>& b) noexcept {
    if (fresh_) {
      begin(b.all_to());
      fresh_ = false;
    }
    const auto in = b.input("in");
    const auto out = b.output("out");
    for (int at = 0; at < b.frames();) {
      const auto place = int((b.time() + at) & (block - 1));
      const int n = std::min(b.frames() - at, block - place);
      for (int c = 0; c < channels_; ++c) {
        Pair& p = pairs_[std::size_t(c) / 2];
        for (int i = 0; i < n; ++i) {
          const float x = in[c][at + i];  // before out is written: it may be in
          const Fft::Complex y = p.out[std::size_t(place + i)];
          Fft::Complex& heard = p.in[std::size_t(block + place + i)];
          (c & 1 ? heard.i : heard.r) = x;
          const float late = delayed(c, x, i);
          out[c][at + i] = current().flat && !fading_ ? late : c & 1 ? y.i : y.r;
        }
      }
      at_history_ = (at_history_ + n) % latency();
      at += n;
      if (place + n == block) turn(b.all_to());
    }
  }

private:
  static constexpr int block = 1024;
  static constexpr double most_seconds = 2.7;
  struct Kernel {
    std::vector<Fft::Complex> spectra;  // of each part of the impulse response
    bool flat = true;
  };
  struct Pair {  // two channels: real and imaginary part of one signal
    std::vector<Fft::Complex> heard, in, out;
  };

  static Band band_of(const float* v) {
    return {BandKind(int(v[kind])), double(v[freq]),    double(v[gain]),
            double(v[q]),           order_of(v[slope]), Alignment(int(v[alignment]))};
  }
  Kernel& current() noexcept { return kernels_[now_]; }

  /// What came in `latency` frames before.
  float delayed(int c, float x, int i) noexcept {
    float& place = history_[std::size_t(c)][std::size_t((at_history_ + i) % latency())];
    return std::exchange(place, x);
  }

  void begin(const float* values) noexcept {
    std::copy_n(values, values_.size(), values_.data());
    make(current());
    fading_ = false;
  }

  /// A block is complete: what is heard during the next one.
  void turn(const float* values) noexcept {
    const Kernel* before = nullptr;
    if (std::memcmp(values, values_.data(), values_.size() * sizeof(float)) != 0) {
      std::copy_n(values, values_.size(), values_.data());
      before = &current();
      now_ ^= 1;
      make(current());
    }
    fading_ = before && !(before->flat && current().flat);
    newest_ = newest_ == 0 ? parts_ - 1 : newest_ - 1;
    for (std::size_t k = 0; k < pairs_.size(); ++k) {
      Pair& p = pairs_[k];
      block_fft_.forward(p.heard.data() + newest_ * 2 * block, p.in.data());
      std::copy_n(p.in.begin() + block, block, p.in.begin());
      if (!current().flat || fading_) convolve(p, int(k), current(), false);
      if (fading_) convolve(p, int(k), *before, true);
    }
  }

  /// `leaving`: fades out under what is there already.
  void convolve(Pair& p, int number, const Kernel& kernel, bool leaving) noexcept {
    if (kernel.flat) {
      for (int i = 0; i < block; ++i) {  // of the past, what the next block will be as it is
        const auto at = std::size_t((at_history_ + i) % latency());
        const std::size_t left = std::size_t(number) * 2, right = std::min(left + 1, std::size_t(channels_) - 1);
        time_[std::size_t(block + i)] = {history_[left][at], history_[right][at]};
      }
    } else {
      std::fill(sum_.begin(), sum_.end(), Fft::Complex{0, 0});
      for (int part = 0; part < parts_; ++part) {
        const Fft::Complex* h = kernel.spectra.data() + part * 2 * block;
        const Fft::Complex* x = p.heard.data() + (newest_ + part) % parts_ * 2 * block;
        simd().filter.convolve(&sum_[0].r, &x[0].r, &h[0].r, 2 * block);
      }
      block_fft_.inverse(time_.data(), sum_.data());
    }
    for (int i = 0; i < block; ++i) {
      const Fft::Complex y = time_[std::size_t(block + i)];
      Fft::Complex& out = p.out[std::size_t(i)];
      if (leaving) {
        const float t = (float(i) + 0.5f) / block, s = t * t * (3 - 2 * t);
        out = {y.r + s * (out.r - y.r), y.i + s * (out.i - y.i)};
      } else {
        out = y;
      }
    }
  }

  /// Seconds of kernel a band wants: seven times as long as its poles take to fall by 1/e, on either side; and for what
  /// has its slope at the bottom of the spectrum some thirty lines below its corner.
  static double ringing(const Band& band) {
    if (band.has_gain() && band.gain_db == 0) return 0;
    const double a = band.kind == BandKind::bell ? pow_of(10, std::max(band.gain_db, 0.0) / 40) : 1;
    const double q = std::max(1.0, band.q * a);
    const bool slopes = band.kind != BandKind::bell && band.kind != BandKind::high_shelf;
    return std::max(16 * q / (std::numbers::pi * band.freq), slopes ? 32 / band.freq : 0.0);
  }

  /// The kernel of values_: magnitude of the prototypes, phase as asked for, its middle half the length late.
  void make(Kernel& kernel) noexcept {
    kernel.flat = true;
    const int half = taps_ / 2;
    std::fill(power_.begin(), power_.end(), 1.0);
    for (int r = 0; r < rows_; ++r) {
      const Band band = band_of(values_.data() + 1 + r * columns);
      if (band.has_gain() && band.gain_db == 0) continue;
      kernel.flat = false;
      const Prototype prototype(band);
      const double step = rate_ / taps_ / band.freq;
      for (int i = 0; i <= half; ++i) power_[std::size_t(i)] *= prototype.power(double(i) * step);
    }
    if (kernel.flat) return;
    const double least = 1 - double(values_[0]) / 100;
    if (least == 0) {
      for (int i = 0; i <= half; ++i) plane_[std::size_t(i)] = {float(std::sqrt(power_[std::size_t(i)])), 0};
    } else {
      least_phase();
      for (int i = 0; i <= half; ++i) {
        Fft::Complex& x = plane_[std::size_t(i)];
        const double m = std::sqrt(power_[std::size_t(i)]);
        const SinCos turn = sin_cos(double(x.i) * least);
        x = {float(m * turn.cos), float(m * turn.sin)};
      }
    }
    for (int i = 1; i < half; ++i)
      plane_[std::size_t(taps_ - i)] = {plane_[std::size_t(i)].r, -plane_[std::size_t(i)].i};
    design_.inverse(turned_.data(), plane_.data());
    for (int part = 0; part < parts_; ++part) {
      for (int i = 0; i < block; ++i) {
        const int at = part * block + i, from = (at + half) & (taps_ - 1);
        time_[std::size_t(i)] = {turned_[std::size_t(from)].r * window_[std::size_t(at)], 0};
        time_[std::size_t(block + i)] = {0, 0};
      }
      block_fft_.forward(kernel.spectra.data() + part * 2 * block, time_.data());
    }
  }

  /// Into the imaginary part of plane_: the cepstrum of power_, folded onto its causal half, has the least phase there.
  void least_phase() noexcept {
    const int half = taps_ / 2;
    for (int i = 0; i <= half; ++i) {
      const double floor = 1e-14;  // -140 dB, where the logarithm of a cut must end
      plane_[std::size_t(i)] = {float(0.5 * std::numbers::ln2 * log2_of(std::max(power_[std::size_t(i)], floor))), 0};
    }
    for (int i = 1; i < half; ++i) plane_[std::size_t(taps_ - i)] = plane_[std::size_t(i)];
    design_.inverse(turned_.data(), plane_.data());
    const float scale = 1 / float(taps_);
    for (int i = 0; i < taps_; ++i) {
      const float fold = i == 0 || i == half ? 1.0f : i < half ? 2.0f : 0.0f;
      turned_[std::size_t(i)] = {turned_[std::size_t(i)].r * scale * fold, 0};
    }
    design_.forward(plane_.data(), turned_.data());
  }

  double rate_ = 0;
  int rows_ = 0, channels_ = 0, taps_ = 4096, parts_ = 1, newest_ = 0, at_history_ = 0;
  unsigned now_ = 0;
  bool fresh_ = true, fading_ = false;
  Fft design_, block_fft_;
  std::vector<float> values_, window_;
  std::vector<double> power_;
  std::vector<Fft::Complex> plane_, turned_, sum_, time_;
  Kernel kernels_[2];
  std::vector<Pair> pairs_;
  std::vector<std::vector<float>> history_;  // a ring of the last `latency` frames
};

}  // namespace

const lacquer_node_type& lacquer_node_linear_eq = lacquer::node_type<LinearEq>;
