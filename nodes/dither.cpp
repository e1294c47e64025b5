// nodes/dither.cpp

#include "core/io/quantise.hpp"
#include "core/node.hpp"

#include <stdexcept>
#include <vector>

namespace {
using namespace lacquer;

struct Dither {
  static constexpr Info info{
      .name = "dither",
      .doc =
          "Rounds to so many bits with triangular dither, white or shaped; what is that short already stays as it is.",
      .source =
          "Lipshitz, Wannamaker, Vanderkooy: Quantization and Dither, JAES 40(5), 1992; shaped: Lipshitz, "
          "Vanderkooy, Wannamaker: Minimally Audible Noise Shaping, JAES 39(11), 1991, five coefficients"};
  static constexpr Param params[] = {
      {"bits", plain, 16,                      {8, 24},     "Length of a sample.",                                                 fixed},
      {"noise",      one_of("white|shaped"),     "white", "shaped: moved to where the ear hears it least; for 44.1 and 48 kHz.",
       fixed}
  };

  void prepare(const Setup<Dither>& s) {
    const double bits = std::floor(double(s["bits"]) + 0.5);
    steps_ = exp2_of(bits - 1);
    shaped_ = s["noise"] == 1;
    if (shaped_ && !NoiseShaper::suits(s.rate()))
      throw std::runtime_error("dither: the shaped curve is for 44.1 and 48 kHz; use white at other rates");
    shapers_.resize(std::size_t(s.channels()));
    reset();
  }
  void reset() noexcept {
    std::fill(shapers_.begin(), shapers_.end(), NoiseShaper{});
    begun_ = false;
  }

  void process(Block<Dither>& b) noexcept {
    const auto in = b.input("in");
    const auto out = b.output("out");
    int first = begun_ ? 0 : b.frames();
    for (int c = 0; c < in.channels && !begun_; ++c)
      for (int i = 0; i < first; ++i)
        if (const double y = double(in[c][i]) * steps_; y != Quantiser::nearest(y)) first = i;
    begun_ = begun_ || first < b.frames();
    for (int c = 0; c < in.channels; ++c) {
      std::copy_n(in[c], first, out[c]);
      const std::uint64_t key = Uniforms::mix(std::uint64_t(c) + 0xd17);
      NoiseShaper& shaper = shapers_[std::size_t(c)];
      for (int i = first; i < b.frames(); ++i) {
        double wanted = double(in[c][i]) * steps_;
        if (shaped_) wanted = shaper.ahead(wanted);
        const Uniforms u(key, b.time() + i);
        const double y = Quantiser::nearest(wanted + u.a - u.b);
        if (shaped_) shaper.after(y - wanted);
        out[c][i] = float(std::clamp(y, -steps_, steps_ - 1) / steps_);
      }
    }
  }

private:
  double steps_ = 1;
  bool shaped_ = false, begun_ = false;
  std::vector<NoiseShaper> shapers_;
};

}  // namespace

const lacquer_node_type& lacquer_node_dither = lacquer::node_type<Dither>;
