// nodes/linear_eq.cpp
//
// The magnitude is that of the analogue prototypes themselves; the phase is none, the least there can be, or between.
// Blocks of the convolution are counted in programme time, so that they do not depend on how the stream is cut. What
// has changed is heard from the next block on, and fades in over it. A change designs the kernel at once, which takes
// milliseconds: no matter in a render, but more than a short live block has.

#include "core/dsp/convolver.hpp"
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
    values_.assign(std::size_t(1 + rows_ * columns), 0.0f);
    plane_.resize(std::size_t(taps_));
    window_.resize(std::size_t(taps_));
    for (int i = 0; i < taps_; ++i) {  // the last eighth at either end is faded: what rings for longer has no edge
      const double edge = std::min(1.0, 8.0 * std::min(i, taps_ - i) / taps_);
      window_[std::size_t(i)] = float((1 - sin_cos(std::numbers::pi * edge).cos) / 2 / taps_);
    }
    turned_.resize(std::size_t(taps_));
    power_.resize(std::size_t(taps_ / 2 + 1));
    convolver_.prepare(channels_, 2, taps_);
    wet_.assign(std::size_t(2 * channels_), std::vector<float>(block));
    wet_at_.clear();
    for (auto& w : wet_) wet_at_.push_back(w.data());
    from_.resize(std::size_t(channels_));
    history_.resize(std::size_t(channels_));
    for (auto& h : history_) h.resize(std::size_t(latency()));
    now_ = 0;
    flat_[0] = flat_[1] = true;
    adopt(s.values());
    reset();
  }
  void reset() noexcept {
    convolver_.reset();
    for (auto& h : history_) std::fill(h.begin(), h.end(), 0.0f);
    fresh_ = true;
    fading_ = false;
    step_ = idle;
    at_history_ = 0;
  }
  int latency() const noexcept { return taps_ / 2 + block; }

  void process(Block<LinearEq>& b) noexcept {
    if (fresh_ && differ(b.all_to())) adopt(b.all_to());
    fresh_ = false;
    const auto in = b.input("in");
    const auto out = b.output("out");
    for (int at = 0; at < b.frames();) {
      const int place = Convolver::place(b.time() + at), n = std::min(b.frames() - at, block - place);
      const bool before_flat = flat_[now_ ^ 1u], now_flat = flat_[now_], fading = fading_;
      const unsigned now = now_;
      if (step_ != idle) design_until(steps() * (place + n) / block);
      // a block is complete: what is to be heard during the next one
      if (place + n == block) {
        const bool changed = step_ != idle;
        if (changed) now_ ^= 1u, flat_[now_] = next_flat_;
        step_ = idle;
        fading_ = changed && !(flat_[0] && flat_[1]);
        convolver_.want(int(now_), !flat_[now_]);
        convolver_.want(int(now_ ^ 1u), fading_ && !flat_[now_ ^ 1u]);
        if (differ(b.all_to())) begin(b.all_to());
      }
      for (int c = 0; c < channels_; ++c) from_[std::size_t(c)] = in[c] + at;
      convolver_.process(wet_at_.data(), from_.data(), n, b.time() + at);
      for (int c = 0; c < channels_; ++c) {
        const float *wet = wet_at_[now * unsigned(channels_) + unsigned(c)],
                    *old = wet_at_[(now ^ 1u) * unsigned(channels_) + unsigned(c)];
        auto& past = history_[std::size_t(c)];
        std::size_t oldest = std::size_t(at_history_);
        for (int i = 0; i < n; ++i) {
          const float late = std::exchange(past[oldest], in[c][at + i]), y = now_flat ? late : wet[i];
          if (++oldest == past.size()) oldest = 0;
          if (!fading) {
            out[c][at + i] = y;
            continue;
          }
          const float x = before_flat ? late : old[i], t = (float(place + i) + 0.5f) / block;
          out[c][at + i] = x + t * t * (3 - 2 * t) * (y - x);
        }
      }
      at_history_ = (at_history_ + n) % latency();
      at += n;
    }
  }

private:
  static constexpr int block = Convolver::block;
  static constexpr double most_seconds = 2.7;
  static Band band_of(const float* v) {
    return {BandKind(int(v[kind])), double(v[freq]),    double(v[gain]),
            double(v[q]),           order_of(v[slope]), Alignment(int(v[alignment]))};
  }
  bool differ(const float* values) const noexcept {
    return std::memcmp(values, values_.data(), values_.size() * sizeof(float)) != 0;
  }
  /// At once, for what is not running yet.
  void adopt(const float* values) noexcept {
    begin(values);
    design_until(steps());
    step_ = idle;
    now_ ^= 1u;
    flat_[now_] = next_flat_;
    convolver_.want(int(now_), !flat_[now_]);
    convolver_.want(int(now_ ^ 1u), false);
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

  // The next kernel: magnitude of the prototypes, phase as asked for, its middle half the length late. Worked out in
  // steps over the block in which nobody hears it yet, so that no call to process has to do it all.
  enum After { logarithm, cepstrum, fold, phase_turn, transform, parts };  // what follows the rows
  static constexpr int idle = -1;
  int steps() const noexcept { return rows_ + parts + convolver_.parts(); }

  void begin(const float* values) noexcept {
    std::copy_n(values, values_.size(), values_.data());
    std::fill(power_.begin(), power_.end(), 1.0);
    next_flat_ = true;
    step_ = 0;
  }
  void design_until(int step) noexcept {
    for (; step_ < step; ++step_)
      if (step_ < rows_)
        take_row(step_);
      else if (!next_flat_)
        after(step_ - rows_);
  }
  void take_row(int r) noexcept {
    const Band band = band_of(values_.data() + 1 + r * columns);
    if (band.has_gain() && band.gain_db == 0) return;
    next_flat_ = false;
    const Prototype prototype(band);
    const double step = rate_ / taps_ / band.freq;
    for (int i = 0; i <= taps_ / 2; ++i) power_[std::size_t(i)] *= prototype.power(double(i) * step);
  }
  void after(int step) noexcept {
    const int half = taps_ / 2;
    const double least = 1 - double(values_[0]) / 100;
    switch (step) {
      // The least phase is the imaginary part of what the cepstrum of the power, folded onto its causal half, becomes.
      case logarithm:
        if (least == 0) return;
        for (int i = 0; i <= half; ++i) {
          const double floor = 1e-14;  // -140 dB, where the logarithm of a cut must end
          plane_[std::size_t(i)] = {float(0.5 * std::numbers::ln2 * log2_of(std::max(power_[std::size_t(i)], floor))),
                                    0};
        }
        for (int i = 1; i < half; ++i) plane_[std::size_t(taps_ - i)] = plane_[std::size_t(i)];
        return;
      case cepstrum:
        if (least != 0) design_.inverse(turned_.data(), plane_.data());
        return;
      case fold:
        if (least == 0) return;
        for (int i = 0; i < taps_; ++i) {
          const float keep = i == 0 || i == half ? 1.0f : i < half ? 2.0f : 0.0f;
          turned_[std::size_t(i)] = {turned_[std::size_t(i)].r * (1 / float(taps_)) * keep, 0};
        }
        design_.forward(plane_.data(), turned_.data());
        return;
      case phase_turn:
        for (int i = 0; i <= half; ++i) {
          Fft::Complex& x = plane_[std::size_t(i)];
          const double m = std::sqrt(power_[std::size_t(i)]);
          const SinCos turn = least == 0 ? SinCos{0, 1} : sin_cos(double(x.i) * least);
          x = {float(m * turn.cos), float(m * turn.sin)};
        }
        for (int i = 1; i < half; ++i)
          plane_[std::size_t(taps_ - i)] = {plane_[std::size_t(i)].r, -plane_[std::size_t(i)].i};
        return;
      case transform:
        design_.inverse(turned_.data(), plane_.data());
        return;
      default:
        convolver_.set_part(int(now_ ^ 1u), step - parts, taps_, [&](int i) {
          return turned_[std::size_t((i + half) & (taps_ - 1))].r * window_[std::size_t(i)];
        });
    }
  }

  double rate_ = 0;
  int rows_ = 0, channels_ = 0, taps_ = 4096, at_history_ = 0;
  unsigned now_ = 0;
  bool fresh_ = true, fading_ = false;
  int step_ = idle;
  Fft design_;
  Convolver convolver_;
  std::vector<float> values_, window_;
  std::vector<double> power_;
  std::vector<Fft::Complex> plane_, turned_;
  bool flat_[2] = {true, true}, next_flat_ = true;
  std::vector<std::vector<float>> wet_;  // of both filters
  std::vector<float*> wet_at_;
  std::vector<const float*> from_;
  std::vector<std::vector<float>> history_;  // a ring of the last `latency` frames
};

}  // namespace

const lacquer_node_type& lacquer_node_linear_eq = lacquer::node_type<LinearEq>;
