// nodes/tone.cpp

#include "core/io/quantise.hpp"
#include "core/node.hpp"

#include <vector>

namespace {
using namespace lacquer;

struct Tone {
  static constexpr Info info{
      .name = "tone",
      .doc = "Puts a test signal in the signal's place: a tone, a sweep or noise, the same on every run.",
      .source =
          "sweep: Farina, Simultaneous Measurement of Impulse Response and Distortion with a Swept-Sine "
          "Technique, AES 108, 2000; levels of noise: AES17, a sine and a noise of one level have one power"};
  static constexpr Param params[] = {
      {"wave",                                  one_of("sine|sweep|pink|white"), "sine", "pink falls by 3 dB per octave.",        fixed                                                   },
      {"level",                                 dBFS,                            -18,    {-120, 0},                               "Of a sine its peak; of noise the power of such a sine."},
      {"freq",                                  Hz,                              1000,   {1, 190000},                             "Of the sine; where the sweep starts.",                   fixed},
      {"to",                                       Hz,                                                                   20000,                                 {1, 190000}, "Where the sweep ends; no further than just below half the sample rate.",              fixed},
      {"length",                                  ms,                                                                 10000,                                                                {10, 600000},                                                                    "Of a sweep, which then starts again.",                                          fixed},
      {"noise", one_of("same|own"),                           "same",                                 "The same noise on every channel, or each its own.",fixed}
  };
  enum Wave { sine, sweep, pink, white };

  void prepare(const Setup<Tone>& s) {
    wave_ = Wave(int(s["wave"]));
    const double top = 0.49 * s.rate();
    from_ = std::min(double(s["freq"]), top) / s.rate();
    const double to = std::min(double(s["to"]), top) / s.rate();
    length_ = std::max<std::int64_t>(1, std::llround(double(s["length"]) * 0.001 * s.rate()));
    octaves_ = log2_of(to / from_);
    own_ = s["noise"] == 1;
    design_pink(s.rate());
    pink_of_.assign(std::size_t(s.channels()), Slope{});
  }
  void reset() noexcept { std::fill(pink_of_.begin(), pink_of_.end(), Slope{}); }

  void process(Block<Tone>& b) noexcept {
    const Ramp level = b.ramp("level");
    const auto out = b.output("out");
    float gain[LACQUER_GRID];
    for (int at = 0; at < b.frames(); at += int(LACQUER_GRID)) {
      const int n = std::min(int(LACQUER_GRID), b.frames() - at);
      for (int i = 0; i < n; ++i) gain[i] = level[at + i];
      simd().to_gain(gain, n);
      for (int c = 0; c < out.channels; ++c) {
        float* y = out[c] + at;
        for (int i = 0; i < n; ++i) {
          const std::int64_t t = b.time() + at + i;
          y[i] = t < 0 || t >= b.length() ? 0.0f : float(value(t, c)) * gain[i];
        }
      }
    }
  }

private:
  static constexpr int octaves = 14, first_hz = 5;
  /// 3 dB per octave: a pole at the start of every octave, a zero in its middle.
  struct Slope {
    double x[octaves] = {}, y[octaves] = {};
  };

  double value(std::int64_t t, int channel) noexcept {
    switch (wave_) {
      case sine:
        return wave(double(t % turn) * from_ + double(t / turn) * whole(double(turn) * from_));
      case sweep: {
        const double at = double(t % length_), per_frame = octaves_ / double(length_);
        const double turns = std::abs(octaves_) < 1e-9
                                 ? from_ * at
                                 : from_ * (exp2_of(at * per_frame) - 1) / (per_frame * std::numbers::ln2);
        return wave(turns);
      }
      default: {
        const Uniforms u(Uniforms::mix(std::uint64_t(own_ ? channel : 0) + 0x7011), t);
        // uniform over [-1, 1): power 1/3; a sine's: 1/2
        const double flat = (2 * u.a - 1) * 1.2247448713915890;
        return wave_ == white ? flat : sloped(flat, pink_of_[std::size_t(channel)]);
      }
    }
  }
  static constexpr std::int64_t turn = 1 << 20;  // frames after which only the part of a cycle is carried on
  static double whole(double x) { return x - std::floor(x); }
  static double wave(double turns) { return sin_cos(2 * std::numbers::pi * whole(turns)).sin; }

  double sloped(double x, Slope& s) const noexcept {
    for (int k = 0; k < octaves; ++k) {
      const double y = x - zero_[k] * s.x[k] + pole_[k] * s.y[k];
      s.x[k] = x;
      s.y[k] = y;
      x = y;
    }
    return x * pink_gain_;
  }
  void design_pink(double rate) {
    const auto root = [&](double hz) {
      return hz < 0.49 * rate ? exp2_of(-2 * std::numbers::pi * hz / rate * std::numbers::log2e) : 0.0;
    };
    for (int k = 0; k < octaves; ++k) {
      const double hz = first_hz * exp2_of(k);
      pole_[k] = root(hz);
      zero_[k] = root(hz * std::numbers::sqrt2);
      if (zero_[k] == 0) pole_[k] = 0;
    }
    // Its power, from the response: evenly over octaves, where pink noise has it.
    const int steps = 4000;
    double power = 0;
    const double low = 0.01 / rate, span = log2_of(0.5 / low);
    for (int i = 0; i < steps; ++i) {
      const double f = low * exp2_of(span * (i + 0.5) / steps);
      const double c = sin_cos(2 * std::numbers::pi * f).cos;
      double h = 1;
      for (int k = 0; k < octaves; ++k)
        h *= (1 - 2 * zero_[k] * c + zero_[k] * zero_[k]) / (1 - 2 * pole_[k] * c + pole_[k] * pole_[k]);
      power += h * 2 * f * span * std::numbers::ln2 / steps;
    }
    pink_gain_ = 1 / std::sqrt(power);
  }

  Wave wave_ = sine;
  double from_ = 0, octaves_ = 0, pink_gain_ = 1;
  std::int64_t length_ = 1;
  bool own_ = false;
  double pole_[octaves] = {}, zero_[octaves] = {};
  std::vector<Slope> pink_of_;
};

}  // namespace

const lacquer_node_type& lacquer_node_tone = lacquer::node_type<Tone>;
