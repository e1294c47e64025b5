// Bands against the crossovers they stand for, one filter after another.

#include "core/dsp/band_split.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <random>
#include <vector>

using namespace lacquer;

namespace {
constexpr double rate = 48000;

std::vector<std::vector<float>> noise(int channels, int n) {
  std::mt19937 random(7);
  std::vector<std::vector<float>> x(static_cast<std::size_t>(channels),
                                    std::vector<float>(static_cast<std::size_t>(n)));
  for (auto& c : x)
    for (float& v : c) v = float(int(random() >> 16) - 32768) / 32768.0f;
  return x;
}

/// Bands of `x`, in blocks of `block`: [band][channel][frame].
std::vector<std::vector<std::vector<float>>> split(const std::vector<double>& splits,
                                                   const std::vector<std::vector<float>>& x, int block) {
  const int channels = int(x.size()), n = int(x[0].size());
  const std::size_t bands = splits.size() + 1;
  std::vector<std::vector<std::vector<float>>> out(bands, std::vector<std::vector<float>>(x.size(), x[0]));
  BandSplit s;
  s.prepare(rate, channels, splits.data(), int(splits.size()));
  for (int at = 0; at < n; at += block) {
    std::vector<const float*> in;
    std::vector<float*> to;
    for (const auto& c : x) in.push_back(c.data() + at);
    for (auto& b : out)
      for (auto& c : b) to.push_back(c.data() + at);
    s.process(to.data(), in.data(), std::min(block, n - at));
  }
  return out;
}
}  // namespace

TEST_CASE("band split: every band is its row of crossovers and all-passes") {
  const std::vector<double> all{90, 400, 1600, 5000, 11000};
  const auto count = std::size_t(GENERATE(1, 2, 3, 4, 5));
  const int channels = GENERATE(1, 2, 3);
  const std::vector<double> splits(all.begin(), all.begin() + std::ptrdiff_t(count));
  const auto x = noise(channels, 1000);
  const auto bands = split(splits, x, 1000);
  for (std::size_t c = 0; c < std::size_t(channels); ++c) {
    std::vector<Crossover> cross(count);
    std::vector<std::vector<CrossoverPhase>> phase(count, std::vector<CrossoverPhase>(count));
    double worst = 0;
    for (std::size_t i = 0; i < 1000; ++i) {
      double rest = double(x[c][i]);
      for (std::size_t k = 0; k < count; ++k) {
        auto [low, high] = cross[k](rest, Corner::at(Corner::bend(splits[k], rate)));
        for (std::size_t m = k + 1; m < count; ++m) low = phase[k][m](low, Corner::at(Corner::bend(splits[m], rate)));
        worst = std::max(worst, std::abs(low - double(bands[k][c][i])));
        rest = high;
      }
      worst = std::max(worst, std::abs(rest - double(bands[count][c][i])));
    }
    INFO(count << " splits, channel " << c);
    CHECK(worst < 1e-6);
  }
}

TEST_CASE("band split: where blocks are cut leaves no trace") {
  const auto x = noise(2, 1000);
  const std::vector<double> splits{120, 1000, 6000};
  const auto whole = split(splits, x, 1000);
  for (int block : {1, 3, 7, 64, 129, 500}) {
    INFO("blocks of " << block);
    CHECK(split(splits, x, block) == whole);
  }
}

TEST_CASE("band split: every set gives the same bits", "[simd]") {
  const auto x = noise(2, 300);
  for (int count : {1, 2, 3, 4, 5}) {
    std::vector<std::vector<float>> wanted;
    for (const Simd* set : all_simd()) {
      Ladder ladder{};
      ladder.splits = count;
      ladder.damping = Corner::damping;
      for (int k = 0; k < count; ++k) {
        const Corner c = Corner::at(Corner::bend(100 * std::pow(3.0, k), rate));
        ladder.a1[k] = c.a1, ladder.a2[k] = c.a2, ladder.a3[k] = c.a3;
      }
      std::vector<std::vector<float>> out(std::size_t(2 * (count + 1)), std::vector<float>(300));
      std::vector<float*> left, right;
      for (std::size_t k = 0; k <= std::size_t(count); ++k) {
        left.push_back(out[2 * k].data());
        right.push_back(out[2 * k + 1].data());
      }
      set->filter.ladder(left.data(), right.data(), ladder, x[0].data(), x[1].data(), 300);
      if (wanted.empty()) wanted = out;
      INFO(set->name << ", " << count << " splits");
      CHECK(out == wanted);
    }
  }
}
