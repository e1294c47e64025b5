// nodes/width.cpp

#include "core/dsp/band_split.hpp"
#include "core/dsp/engagement.hpp"
#include "core/node.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <vector>

namespace {
using namespace lacquer;

struct Width {
  static constexpr Info info{
      .name = "width",
      .doc =
          "Widens or narrows the stereo image by the level of the side signal, as a whole or, with a row for each, in "
          "up to six bands; the mono sum keeps its level.",
      .source = "Bands: S. H. Linkwitz, Active crossover networks for noncoincident drivers, JAES 24 (1976)"};
  static constexpr Param params[] = {
      {"width", percent, 100, {0, 200}, "0 is mono, 100 leaves it as it is, bit for bit; bands multiply it."}
  };
  static constexpr int max_rows = BandSplit::most;
  // clang-format off
  static constexpr Param row[] = {
      {"from",  Hz, 1000, {20, 20000}, "Where the band starts and the one below it ends; the lowest has no start.", fixed},
      {"width", percent, 100, {0, 200}, "Of the band."},
  };
  // clang-format on

  void prepare(const Setup<Width>& s) {
    if (s.channels() != 2) throw std::runtime_error("width needs a stereo signal");
    count_ = s.rows();
    double splits[max_rows] = {};
    for (int k = 1; k < count_; ++k) {
      double& at = splits[k - 1];
      at = double(s.values()[int(std::size(params)) + k * int(std::size(row))]);
      if (k > 1 && !(at > splits[k - 2])) throw std::runtime_error("width: bands must rise; set 'from'");
      if (at > 0.45 * s.rate()) throw std::runtime_error("width: 'from' lies too close to half the sample rate");
    }
    split_.prepare(s.rate(), 2, splits, std::max(0, count_ - 1));
    engaged_.prepare(s.rate());
    memory_.assign(std::size_t(count_), {});
    for (auto& band : memory_)
      for (auto& c : band) c.resize(chunk);
    reset();
  }
  void reset() noexcept {
    split_.reset();
    engaged_.reset();
  }
  void process(Block<Width>& b) noexcept {
    const Ramp width = b.ramp("width");
    const auto in = b.input("in");
    const auto out = b.output("out");
    if (count_) {
      bool needed = false;
      for (int k = 0; k < count_; ++k) needed = needed || b.ramp(k, "width").moves() || b.ramp(k, "width").to != 100;
      engaged_.need(needed);
      for (int at = 0; at < b.frames(); at += chunk) by_bands(b, at, std::min(chunk, b.frames() - at));
      if (width.moves() || width.to != 100) simd().colour.widen(out[0], out[1], out[0], out[1], width, b.frames());
    } else if (!width.moves() && width.to == 100) {
      b.pass();
    } else {
      simd().colour.widen(out[0], out[1], in[0], in[1], width, b.frames());
    }
  }

private:
  static constexpr int chunk = 256;

  /// The side in bands, each at its width; the mid through the same filters, so that both turn alike.
  void by_bands(Block<Width>& b, int at, int n) noexcept {
    const auto in = b.input("in");
    const auto out = b.output("out");
    simd().colour.to_mid_side(mid_, side_, in[0] + at, in[1] + at, n);
    const float* from[] = {mid_, side_};
    float* bands[2 * max_rows];
    for (std::size_t k = 0; k < memory_.size(); ++k)
      bands[2 * k] = memory_[k][0].data(), bands[2 * k + 1] = memory_[k][1].data();
    split_.process(bands, from, n);
    std::fill_n(mid_, n, 0.0f);
    std::fill_n(side_, n, 0.0f);
    for (int k = 0; k < count_; ++k) {
      const Ramp width = b.ramp(k, "width").later(at);
      simd().add(mid_, mid_, bands[2 * k], n);
      float* side = bands[2 * k + 1];
      for (int i = 0; i < n; ++i) side_[i] += side[i] * (width[i] / 100);
    }
    float* const left = bands[0];
    float* const right = bands[1];
    simd().colour.to_left_right(left, right, mid_, side_, n);
    const bool moving = !engaged_.out() && !engaged_.in();
    for (int i = 0; i < n && moving; ++i) mid_[i] = float(engaged_.next());
    for (int c = 0; c < 2; ++c) {
      const float *x = in[c] + at, *wet = bands[c];
      float* y = out[c] + at;
      if (moving)
        for (int i = 0; i < n; ++i) y[i] = mid_[i] * wet[i] + (1 - mid_[i]) * x[i];
      else if (const float* of = engaged_.out() ? x : wet; of != y)
        std::copy_n(of, n, y);
    }
  }

  int count_ = 0;
  BandSplit split_;
  Engagement engaged_;
  std::vector<std::array<std::vector<float>, 2>> memory_;  // mid and side of each band
  alignas(64) float mid_[chunk], side_[chunk];
};

}  // namespace

const lacquer_node_type& lacquer_node_width = lacquer::node_type<Width>;
