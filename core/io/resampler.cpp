#include "core/io/sound.hpp"

#include <soxr.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace lacquer {

struct Resampler::State {
  static constexpr int chunk =
      2048;  // soxr is always fed this much at once, so that no bit depends on the caller's cuts

  double from_hz, to_hz;
  std::size_t channels;
  soxr_t soxr = nullptr;
  std::vector<std::vector<float>> in, out;
  std::vector<const float*> in_at, out_at;
  std::vector<float*> out_to;
  int held = 0;                       // frames in `in`
  std::int64_t taken = 0, given = 0;  // in all
  std::size_t made = 0;               // frames in `out`

  ~State() { soxr_delete(soxr); }

  void room(std::size_t frames) {
    for (std::size_t c = 0; c < channels; ++c) {
      if (out[c].size() < frames) out[c].resize(frames);
      out_to[c] = out[c].data() + made;
      out_at[c] = out[c].data();
    }
  }
  /// Hands soxr what is held, or the end, and takes all it has.
  void push(bool end) {
    std::size_t fed = 0;
    for (;;) {
      const std::size_t space = std::size_t(double(chunk) * to_hz / from_hz) + 64;
      room(made + space);
      for (std::size_t c = 0; c < channels; ++c) in_at[c] = in[c].data() + fed;
      std::size_t took = 0, gave = 0;
      if (const char* error = soxr_process(soxr, end ? nullptr : static_cast<const void*>(in_at.data()),
                                           end ? 0 : std::size_t(held) - fed, &took, out_to.data(), space, &gave))
        throw std::runtime_error(std::string("libsoxr: ") + error);
      fed += took;
      made += gave;
      if (gave < space && (end || fed == std::size_t(held))) break;
    }
    if (!end) held = 0;
  }
};

Resampler::Resampler(double from_hz, double to_hz, int channels) : state_(std::make_unique<State>()) {
  State& s = *state_;
  s.from_hz = from_hz;
  s.to_hz = to_hz;
  s.channels = std::size_t(channels);
  const soxr_io_spec_t io = soxr_io_spec(SOXR_FLOAT32_S, SOXR_FLOAT32_S);
  const soxr_quality_spec_t quality =
      soxr_quality_spec(SOXR_VHQ | SOXR_LINEAR_PHASE, SOXR_HI_PREC_CLOCK | SOXR_ROLLOFF_NONE);
  const soxr_runtime_spec_t one_thread = soxr_runtime_spec(1);
  soxr_error_t error = nullptr;
  s.soxr = soxr_create(from_hz, to_hz, unsigned(channels), &error, &io, &quality, &one_thread);
  if (error) throw std::runtime_error(std::string("libsoxr: ") + error);
  s.in.assign(s.channels, std::vector<float>(State::chunk));
  s.out.resize(s.channels);
  s.in_at.resize(s.channels);
  s.out_at.resize(s.channels);
  s.out_to.resize(s.channels);
}
Resampler::~Resampler() = default;
Resampler::Resampler(Resampler&&) noexcept = default;

int Resampler::process(const float* const* in, int frames) {
  State& s = *state_;
  s.made = 0;
  for (int at = 0; at < frames;) {
    const int n = std::min(frames - at, State::chunk - s.held);
    for (std::size_t c = 0; c < s.channels; ++c) std::copy_n(in[c] + at, n, s.in[c].data() + s.held);
    s.held += n;
    at += n;
    if (s.held == State::chunk) s.push(false);
  }
  s.taken += frames;
  if (frames == 0) {  // the end
    if (s.held) s.push(false);
    s.push(true);
    const std::size_t rest = std::size_t(std::max<std::int64_t>(length(s.taken, s.from_hz, s.to_hz) - s.given, 0));
    for (; s.made < rest; ++s.made) {
      s.room(s.made + 1);
      for (std::size_t c = 0; c < s.channels; ++c) s.out[c][s.made] = 0;
    }
    s.made = rest;
  }
  s.given += std::int64_t(s.made);
  return int(s.made);
}

const float* const* Resampler::out() const { return state_->out_at.data(); }

std::int64_t Resampler::length(std::int64_t frames, double from_hz, double to_hz) {
  return std::int64_t(std::floor(double(frames) * to_hz / from_hz + 0.5));
}

}  // namespace lacquer
