// nodes/saturate.cpp
//
// k^2 = 10^(drive/10) - 1 scales the curve, tanh(k x) / k: small signals keep their level at any drive, +12 dB bends as
// tanh at +11.7 dB would, and at 0 dB the curve is a straight line. Only what the curve adds to the signal goes through
// the oversampling filters, so what it leaves alone is a delay, bit for bit.

#include "core/dsp/oversampling.hpp"
#include "core/node.hpp"

#include <vector>

namespace {
using namespace lacquer;

struct Saturate {
  static constexpr Info info{
      .name = "saturate",
      .doc = "Bends the loudest parts of the wave, oversampled; small signals and a drive of 0 dB pass bit for bit.",
      .source = "Half-bands: J. F. Kaiser, 1974. Biased tanh: addition theorem of the hyperbolic tangent."};
  static constexpr Param params[] = {
      {"drive",        dB,                       3,      {0, 24},                                             "How far into the curve; small signals keep their level."},
      {"kind",         one_of("tanh|soft|tube"), "tanh",
       "tanh; soft, a gentler bend (x / sqrt(1 + x^2)); tube, which gives way on one side first.",            fixed                                                    },
      {"bias",
       percent,                                  0,
       {0, 80},
       "Working point off the middle of the curve: adds even harmonics, no constant offset."                                                                           },
      {"oversampling", one_of("1|2|4|8|16"),     "8",    "How many times the sample rate the curve runs at.", fixed                                                    }
  };
  enum Kind { tanh, soft, tube };

  void prepare(const Setup<Saturate>& s) {
    kind_ = Kind(int(s["kind"]));
    pairs_.resize(std::size_t(s.channels() + 1) / 2);
    for (std::size_t p = 0; p < pairs_.size(); ++p)
      pairs_[p].prepare(1 << int(s["oversampling"]), std::min(2, s.channels() - 2 * int(p)), s.rate());
    offset_.resize(std::size_t(s.channels()));
    slow_ = one_pole(1000 / (2 * std::numbers::pi * 3), s.rate());
    reset();
  }
  void reset() noexcept {
    for (Oversampled& pair : pairs_) pair.reset();
    std::fill(offset_.begin(), offset_.end(), 0);
    leaning_ = kind_ == tube;
  }
  int latency() const noexcept { return pairs_.empty() ? 0 : pairs_[0].latency(); }

  void process(Block<Saturate>& b) noexcept {
    const Ramp drive = b.ramp("drive"), bias = b.ramp("bias");
    leaning_ = leaning_ || bias.from != 0 || bias.to != 0;  // from then on: letting go would click
    const auto curve = [&](float* out, const float* in, float phase, int done, int n) {
      simd().colour.bend(out, in,
                         {kind_ == soft, kind_ == tube ? 0.4f : 0.0f, drive.later(done), bias.later(done), phase}, n);
    };
    for (std::size_t p = 0; p < pairs_.size(); ++p) {
      // A curve that leans makes an offset out of loudness: 3 Hz high-pass, on what the curve adds alone.
      const auto level = [&](int channel, float* added, int n) {
        if (!leaning_) return;
        double& offset = offset_[2 * p + std::size_t(channel)];
        for (int i = 0; i < n; ++i) {
          offset += slow_ * (double(added[i]) - offset);
          added[i] = float(double(added[i]) - offset);
        }
      };
      pairs_[p].run(b.output("out").data + 2 * p, b.input("in").data + 2 * p, b.frames(), curve, level);
    }
  }

private:
  Kind kind_ = tanh;
  bool leaning_ = false;
  double slow_ = 0;
  std::vector<Oversampled> pairs_;
  std::vector<double> offset_;
};

}  // namespace

const lacquer_node_type& lacquer_node_saturate = lacquer::node_type<Saturate>;
