#include "core/control.hpp"
#include "core/math.hpp"
#include "core/node.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <random>

using namespace lacquer;

namespace {
struct Knobs {
  static constexpr Info info{.name = "knobs", .doc = "Three parameters that move in three ways."};
  static constexpr Param params[] = {{"level", dB, 0, {-60, 24}, "Glides in decibels."},
                                     {"freq", Hz, 1000, {10, 20000}, "Glides in octaves."},
                                     {"mode", one_of("a|b|c"), "a", "Steps."}};
  void process(Block<Knobs>&) noexcept {}
};

Vertex knobs(std::map<std::uint32_t, Timeline> automation = {}) {
  Graph g;
  g.node(node_type<Knobs>, "knobs", {});
  g.vertices[0].automation = std::move(automation);
  return g.vertices[0];
}

struct Change {
  std::int64_t time;
  std::uint32_t slot;
  float value;
};

// What every frame hears in `slot`, when the stream is cut by `cut`.
template <class Cut>
std::vector<float> heard(Control& control, std::uint32_t slot, std::int64_t begin, std::int64_t end, Cut cut,
                         std::vector<Change> changes = {}) {
  std::vector<float> out;
  for (std::int64_t t = begin; t < end;) {
    std::int64_t stop = std::min(end, t + cut());
    for (const Change& c : changes)  // a change arrives between two blocks
      if (c.time > t && c.time < stop) stop = c.time;
    for (const Change& c : changes)
      if (c.time == t) control.set(c.slot, c.value);
    while (t < stop) {
      const Control::Piece p = control.next(t, int(stop - t));
      REQUIRE(p.frames > 0);
      REQUIRE(p.frames <= stop - t);
      if (p.from[slot] != p.to[slot]) REQUIRE(p.ramp_at + std::uint32_t(p.frames) <= p.ramp_frames);
      const Ramp r{p.from[slot], p.to[slot], int(p.ramp_at), int(p.ramp_frames)};
      for (int i = 0; i < p.frames; ++i) out.push_back(r[i]);
      t += p.frames;
    }
  }
  return out;
}
auto blocks_of(int n) {
  return [n] { return n; };
}
}  // namespace

TEST_CASE("control: a frame hears the same value however the stream is cut", "[control]") {
  const Vertex v = knobs({{0, {{0.01, 0.0f}, {0.0333, 6.0f}, {0.05, -12.0f}}}});
  const std::vector<Change> changes{{-37, 1, 4000}, {100, 1, 50}, {101, 2, 1}, {1000, 1, 9000}, {1500, 0, -3}};
  for (std::uint32_t slot : {0u, 1u, 2u}) {
    Control whole(v, 48000);
    const auto expected = heard(whole, slot, -100, 4000, blocks_of(100000), changes);
    for (int n : {1, 7, 63, 64, 65, 480}) {
      Control cut(v, 48000);
      CHECK(heard(cut, slot, -100, 4000, blocks_of(n), changes) == expected);
    }
    std::mt19937 random(1);
    Control cut(v, 48000);
    CHECK(heard(
              cut, slot, -100, 4000, [&] { return 1 + int(random() % 300); }, changes) == expected);
  }
}

TEST_CASE("control: a glide takes 20 ms, in decibels or in octaves", "[control]") {
  Control c(knobs(), 48000);
  heard(c, 0, 0, 640, blocks_of(640));
  c.set(0, -12);
  const auto level = heard(c, 0, 640, 640 + 2000, blocks_of(500));
  CHECK(level[0] == 0);
  CHECK(level[480] == Approx(-6));
  CHECK(level[959] == Approx(-12).margin(0.2));
  CHECK(level[1024] == -12);

  c.set(1, 4000);  // halfway lies the geometric mean
  const auto freq = heard(c, 1, 2640, 2640 + 2000, blocks_of(500));
  const std::size_t grid = 2688 - 2640;  // it starts at the next grid position
  CHECK(freq[grid] == 1000);
  CHECK(freq[grid + 480] == Approx(2000).epsilon(0.002));
  CHECK(freq[grid + 1024] == 4000);
}

TEST_CASE("control: automation reaches its points on the frame", "[control]") {
  const double rate = 48000;
  Control c(knobs({{0, {{1000 / rate, 0.0f}, {1777 / rate, 7.77f}, {3001 / rate, -12.24f}}}}), rate);
  const auto level = heard(c, 0, 0, 4000, blocks_of(333));
  CHECK(level[0] == 0);
  CHECK(level[1000] == 0);
  CHECK(level[1777] == 7.77f);
  CHECK(level[1400] == Approx(4).margin(0.02));
  CHECK(level[3001] == -12.24f);
  CHECK(level[3999] == -12.24f);
}

TEST_CASE("control: automation of a choice steps on the frame", "[control]") {
  const double rate = 48000;
  Control c(knobs({{2, {{0, 0.0f}, {1001 / rate, 2.0f}}}}), rate);
  const auto mode = heard(c, 2, 0, 1100, blocks_of(256));
  CHECK(mode[1000] == 0);
  CHECK(mode[1001] == 2);
}

TEST_CASE("control: setting a parameter ends its automation", "[control]") {
  Control c(knobs({{0, {{0, 0.0f}, {10, 10.0f}}}}), 48000);
  heard(c, 0, 0, 4800, blocks_of(480));
  c.set(0, -20);
  CHECK(heard(c, 0, 4800, 9600, blocks_of(480)).back() == -20);
  c.reset();
  CHECK(heard(c, 0, 0, 64, blocks_of(64)).front() == -20);
}

TEST_CASE("math: as exact as it says", "[math]") {
  double worst = 0;
  for (double x = -30; x < 30; x += 0.0137) {
    worst = std::max(worst, std::abs(exp2_of(x) / std::exp2(x) - 1));
    const double y = std::exp2(x);
    worst = std::max(worst, std::abs(log2_of(y) - std::log2(y)) / std::max(1.0, std::abs(std::log2(y))));
    worst = std::max(worst, std::abs(sin_cos(x).sin - std::sin(x)));
    worst = std::max(worst, std::abs(sin_cos(x).cos - std::cos(x)));
    worst = std::max(worst, std::abs(gain_to_db(db_to_gain(x)) - x) / 30);
  }
  CHECK(worst < 1e-14);
  CHECK(gain_to_db(0) == -200);
  for (double ms : {0.01, 1.0, 100.0, 10000.0})
    CHECK(one_pole(ms, 48000) == Approx(-std::expm1(-1000 / (ms * 48000))).epsilon(1e-12));
}
