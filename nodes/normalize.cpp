// nodes/normalize.cpp

#include "core/dsp/loudness.hpp"
#include "core/node.hpp"

#include <cmath>

namespace {
using namespace lacquer;

struct Normalize {
  static constexpr Info info{.name = "normalize",
                             .doc = "Hears the whole programme first, then sets its loudness with one fixed gain.",
                             .source = "ITU-R BS.1770-5, gated integrated loudness"};
  static constexpr Param params[] = {
      {"to",
       LUFS, -14,
       {-60, 0},
       "Integrated loudness to reach; silence and less than 400 ms stay as they are.", fixed}
  };
  static constexpr Result results[] = {
      {"gain",  dB,   "What was added."                                                            },
      {"heard", LUFS, "Integrated loudness before; none before 400 ms, minus infinity when silent."}
  };

  void prepare(const Setup<Normalize>& s) {
    to_ = double(s["to"]);
    meter_.prepare({.rate = s.rate(), .channels = s.channels(), .integrated_only = true});
    listening_ = false;
    heard_ = std::nan("");
  }
  void listen(Block<Normalize>& b) noexcept {
    if (!listening_) meter_.reset();
    listening_ = true;
    meter_.add(b.in(), b.first(), b.last());
  }
  void process(Block<Normalize>& b) noexcept {
    if (listening_) {
      meter_.finish();
      heard_ = meter_.integrated();
      listening_ = false;
    }
    const float gain = std::isfinite(heard_) ? float(to_ - heard_) : 0.0f;
    for (auto [out, in] : b) simd().gain(out, in, {gain, gain}, b.frames());
    b.report("gain", double(gain));
    b.report("heard", heard_);
  }

private:
  double to_ = 0, heard_ = 0;
  LoudnessMeter meter_;
  bool listening_ = false;
};

}  // namespace

const lacquer_node_type& lacquer_node_normalize = lacquer::node_type<Normalize>;
