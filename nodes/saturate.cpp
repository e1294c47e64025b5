// nodes/saturate.cpp
//
// k^2 = 10^(drive/10) - 1 scales the curve, tanh(k x) / k: small signals keep their level at any drive, +12 dB bends as
// tanh at +11.7 dB would, and at 0 dB the curve is a straight line. Only what the curve adds to the signal goes through
// the oversampling filters, so what it leaves alone is a delay, bit for bit. An emphasis before the curve is taken back
// from what the curve adds: it decides what bends first, and leaves what does not bend alone.

#include "core/dsp/emphasis.hpp"
#include "core/dsp/filter_bank.hpp"
#include "core/dsp/magnet.hpp"
#include "core/dsp/oversampling.hpp"
#include "core/node.hpp"

#include <vector>

namespace {
using namespace lacquer;

struct Saturate {
  static constexpr Info info{
      .name = "saturate",
      .doc = "Bends the loudest parts of the wave, oversampled; small signals and a drive of 0 dB pass bit for bit.",
      .source =
          "Half-bands: J. F. Kaiser, 1974. Biased tanh: addition theorem of the hyperbolic tangent. Anti-aliasing: J. "
          "Parker, V. Zavalishin, E. Le Bivic, DAFx-16. Hysteresis: P. R. Dahl, A Solid Friction Model (1968), the law "
          "of Lord Rayleigh (1887) for small loops."};
  // clang-format off
  static constexpr Param params[] = {
      {"drive", dB, 3, {0, 24}, "How far into the curve; small signals keep their level."},
      {"kind", one_of("tanh|soft|tube|transformer|tape"), "tanh",
       "tanh; soft, a gentler bend (x / sqrt(1 + x^2)); tube, which gives way on one side first; transformer, whose core "
       "is filled by bass; tape, which lags behind the louder it is (hysteresis).", fixed},
      {"bias", percent, 0, {0, 80}, "Working point off the middle of the curve: adds even harmonics, no constant offset."},
      {"tone", dB, 0, {-18, 18}, "What bends first: above 0 the highs, below 0 the lows, by so many dB from 1 kHz on.", fixed},
      {"oversampling", one_of("1|2|4|8|16"), "8", "How many times the sample rate the curve runs at.", fixed},
      {"antialias", on_off, "off", "Takes the mean of the curve over the way from sample to sample: 30 dB less of what folds back, for one more run of the curve.", fixed},
      {"head_bump", dB, 0, {0, 6}, "Of tape: how far the replay head lifts the bass."},
      {"speed", one_of("7.5|15|30"), "15", "Of tape, in inches per second: the head lifts around 25, 50 or 100 Hz.", fixed},
  };
  // clang-format on
  enum Kind { tanh, soft, tube, transformer, tape };

  void prepare(const Setup<Saturate>& s) {
    kind_ = Kind(int(s["kind"]));
    // flux is the integral of voltage: below some 150 Hz, where the core is the load, it doubles with each octave down
    core_ = Emphasis::low(kind_ == transformer ? 15 : 0, 150, s.rate());
    const double tone = double(s["tone"]);
    tone_ = tone < 0 ? Emphasis::low(-tone, 1000, s.rate()) : Emphasis::high(tone, 1000, s.rate());
    shaped_ = kind_ == transformer || tone != 0;
    shapes_.resize(std::size_t(s.channels()));
    pairs_.resize(std::size_t(s.channels() + 1) / 2);
    for (std::size_t p = 0; p < pairs_.size(); ++p)
      pairs_[p].prepare(1 << int(s["oversampling"]), std::min(2, s.channels() - 2 * int(p)), s.rate(), shaped_,
                        s["antialias"] > 0);
    magnets_.resize(kind_ == tape ? std::size_t(s.channels()) : 0);
    for (Magnet& m : magnets_) m.prepare(1 << int(s["oversampling"]), s.rate());
    head_.prepare(s.rate(), s.channels(), 2);
    bump_hz_ = 25 << int(s["speed"]);
    offset_.resize(std::size_t(s.channels()));
    slow_ = one_pole(1000 / (2 * std::numbers::pi * 3), s.rate());
    reset();
  }
  void reset() noexcept {
    for (Oversampled& pair : pairs_) pair.reset();
    std::fill(offset_.begin(), offset_.end(), 0);
    std::fill(shapes_.begin(), shapes_.end(), Shape{});
    for (Magnet& m : magnets_) m.reset();
    head_.reset();
    leaning_ = kind_ == tube || kind_ == tape;  // a loop may stop anywhere
  }
  int latency() const noexcept { return pairs_.empty() ? 0 : pairs_[0].latency(); }

  void process(Block<Saturate>& b) noexcept {
    const Ramp drive = b.ramp("drive"), bias = b.ramp("bias");
    leaning_ = leaning_ || bias.from != 0 || bias.to != 0;  // from then on: letting go would click
    const auto curve = [&](float* out, const float* in, float phase, int done, int n) {
      simd().colour.bend(out, in,
                         {kind_ == soft || kind_ == transformer, kind_ == tube ? 0.4f : 0.0f, drive.later(done),
                          bias.later(done), phase},
                         n);
    };
    for (std::size_t p = 0; p < pairs_.size(); ++p) {
      // A curve that leans makes an offset out of loudness: 3 Hz high-pass, on what the curve adds alone.
      const auto level = [&](int channel, float* added, int n) {
        Shape& shape = shapes_[2 * p + std::size_t(channel)];
        if (shaped_)
          for (int i = 0; i < n; ++i)
            added[i] = float(shape.core_back.undo(core_, shape.tone_back.undo(tone_, double(added[i]))));
        if (!leaning_) return;
        double& offset = offset_[2 * p + std::size_t(channel)];
        for (int i = 0; i < n; ++i) {
          offset += slow_ * (double(added[i]) - offset);
          added[i] = float(double(added[i]) - offset);
        }
      };
      const auto emphasise = [&](int channel, float* heard, int n) {
        Shape& shape = shapes_[2 * p + std::size_t(channel)];
        for (int i = 0; i < n; ++i) heard[i] = float(shape.tone(tone_, shape.core(core_, double(heard[i]))));
      };
      const auto lag = [&](int channel, float* bent, const float* heard, int apart, int done, int n) {
        if (kind_ == tape) magnets_[2 * p + std::size_t(channel)].process(bent, heard, apart, drive.later(done), n);
      };
      pairs_[p].run(b.output("out").data + 2 * p, b.input("in").data + 2 * p, b.frames(), curve, level, emphasise, lag);
    }
    if (kind_ == tape) replay(b);
  }

private:
  /// What the shape of a replay head does to wavelengths as long as itself: a hump, and a small dip an octave above.
  void replay(Block<Saturate>& b) noexcept {
    const Ramp bump = b.ramp("head_bump");
    const auto bell = [&](double freq, double gain, double q) {
      FilterBank::Row row;
      row.band = {BandKind::bell, freq, gain, q, 2, Alignment::butterworth};
      return row;
    };
    head_.set(0, bell(bump_hz_, double(bump.from), 1), bell(bump_hz_, double(bump.to), 1));
    head_.set(1, bell(2.2 * bump_hz_, -0.3 * double(bump.from), 1.4),
              bell(2.2 * bump_hz_, -0.3 * double(bump.to), 1.4));
    head_.commit(b.time());
    const auto out = b.output("out");
    head_.process(out.data, out.data, b.frames(), b.time(), b.ramp_at(), b.ramp_frames());
  }

  struct Shape {
    Emphasis::State core, tone, core_back, tone_back;
  };
  Kind kind_ = tanh;
  Emphasis core_, tone_;
  std::vector<Shape> shapes_;
  bool leaning_ = false, shaped_ = false;
  double slow_ = 0;
  std::vector<Oversampled> pairs_;
  std::vector<double> offset_;
  std::vector<Magnet> magnets_;  // of each channel, when it is tape
  FilterBank head_;
  double bump_hz_ = 50;
};

}  // namespace

const lacquer_node_type& lacquer_node_saturate = lacquer::node_type<Saturate>;
