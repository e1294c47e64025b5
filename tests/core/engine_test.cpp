// tests/core/engine_test.cpp — a graph running live, and changed while it runs.

#include "core/engine/engine.hpp"
#include "core/engine/threads.hpp"
#include "core/units.hpp"
#include "tests/core/test_nodes.hpp"
#include "tests/rt_guard.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <functional>
#include <limits>
#include <mutex>
#include <numbers>
#include <stdexcept>
#include <thread>

using namespace lacquer;
using namespace lacquer::testing;

namespace {

LiveFormat format(int helpers = 0, int max_frames = 256) {
  LiveFormat f;
  f.helpers = helpers;
  f.max_frames = max_frames;
  return f;
}

// Through the engine in calls of `block` frames, guarded; `between` runs before each.
template <class Between>
Signal live(Engine& e, const Signal& in, int block, Between between) {
  Signal out(std::size_t(e.outputs()), std::vector<float>(in[0].size()));
  std::vector<const float*> ins(in.size());
  std::vector<float*> outs(out.size());
  for (std::size_t at = 0; at < in[0].size(); at += std::size_t(block)) {
    between(at);
    const int n = int(std::min(in[0].size() - at, std::size_t(block)));
    for (std::size_t c = 0; c < in.size(); ++c) ins[c] = in[c].data() + at;
    for (std::size_t c = 0; c < out.size(); ++c) outs[c] = out[c].data() + at;
    const RtGuard guard;
    e.process(ins.data(), outs.data(), n);
  }
  if (const char* what = RtGuard::violation()) FAIL("process calls " << what);
  return out;
}
Signal live(Engine& e, const Signal& in, int block) {
  return live(e, in, block, [](std::size_t) {});
}

Graph chain(int nodes) {
  Graph g;
  Wire w = g.input("in");
  for (int i = 0; i < nodes; ++i) w = g.node(node_type<Stir>, "s" + std::to_string(i), {w});
  g.end = w;
  return g;
}

/// Turns the level, along a straight way.
struct Level {
  static constexpr Info info{.name = "level", .doc = "Turns the level."};
  static constexpr Param params[] = {{"level", percent, 100, {0, 200}, "How much."}};
  void process(Block<Level>& b) noexcept {
    const Ramp level = b.ramp("level");
    for (auto [out, in] : b)
      for (int i = 0; i < b.frames(); ++i) out[i] = in[i] * (level[i] / 100);
  }
};

}  // namespace

TEST_CASE("engine: the same as a run, in calls of any length", "[engine]") {
  std::mt19937 random(3);
  for (int n = 0; n < 20; ++n) {
    std::vector<Wire> wires;
    Graph g = random_graph(random, 12, wires);
    const Signal in = noise(-6, 0.05, 4);
    const Signal a{in[0], in[1]}, b{in[2], in[3]};
    const Signal expected = hear(g, {a, b}, {g.end}).sinks[0];
    for (const int block : {1, 100, 1000}) {
      INFO(list(g) << "block " << block);
      Engine e(g, format(block == 100 ? 2 : 0));
      e.share(block == 100 ? 1 : 0);
      const auto late = std::size_t(e.latency());
      const Signal out = live(e, in, block);
      for (std::size_t c = 0; c < out.size(); ++c)
        for (std::size_t i = late; i < out[c].size(); ++i) REQUIRE(out[c][i] == expected[c][i - late]);
    }
  }
}

TEST_CASE("engine: helpers help, and change no bit", "[engine]") {
  Graph g;
  const Wire in = g.input("in");
  std::vector<Wire> all;
  for (int i = 0; i < 6; ++i) {
    Wire w = in;
    for (int k = 0; k < 3; ++k) w = g.node(node_type<Stir>, "s" + std::to_string(i) + std::to_string(k), {w});
    all.push_back(w);
  }
  g.end = g.sum("sum", all);
  const Signal signal = noise(-12, 1);
  Engine alone(g, format(0)), together(g, format(2));
  alone.share(0);
  together.share(1);
  CHECK(same_bits(live(alone, signal, 256), live(together, signal, 256)));
  CHECK(alone.stats().shared == 0);
  CHECK(together.stats().shared == together.stats().blocks);
}

TEST_CASE("engine: helpers allocate and lock nothing either, under swaps and settings", "[engine]") {
  std::vector<std::thread> threads;
  std::array<const char*, 2> seen{};
  {
    LiveFormat f = format(2, 64);
    f.start_helper = [&](std::function<void()> work) {
      threads.emplace_back([work, &what = seen[threads.size()]] {
        {
          const RtGuard guard(true);
          work();
        }
        what = RtGuard::violation();
      });
    };
    const auto branches = [](int count) {
      Graph g;
      const Wire in = g.input("in");
      std::vector<Wire> all;
      for (int i = 0; i < count; ++i) all.push_back(g.node(node_type<Stir>, "s" + std::to_string(i), {in}));
      g.end = g.sum("sum", all);
      return g;
    };
    Engine e(branches(8), f);
    e.share(1);
    live(e, noise(-12, 2), 64, [&](std::size_t at) {
      if (at % 6400 == 0) e.swap(branches(6 + int(at / 6400) % 4));
      if (at % 640 == 0) e.set("s0.amount", std::to_string(at % 100) + " %");
    });
    CHECK(e.stats().swaps > 2);
  }
  for (std::thread& t : threads) t.join();
  for (const char* what : seen) CHECK(std::string(what ? what : "") == "");
}

/// 1 where a fourth of the input is not zero, denormal numbers among them; takes its time over it.
struct Traces {
  static constexpr Info info{.name = "traces", .doc = "Says where a fourth of the input is left."};
  void process(Block<Traces>& b) noexcept {
    for (int again = 0; again < 50; ++again)
      for (auto [out, in] : b)
        for (int i = 0; i < b.frames(); ++i) {
          volatile float fourth = in[i] * 0.25f;
          out[i] = std::bit_cast<std::uint32_t>(float(fourth)) ? 1.0f : 0.0f;
        }
  }
};

TEST_CASE("engine: no denormal numbers on any thread, and the caller's arithmetic is as it was", "[engine]") {
  Graph g;
  const Wire in = g.input("in");
  std::vector<Wire> all;
  for (int i = 0; i < 16; ++i) all.push_back(g.node(node_type<Traces>, "t" + std::to_string(i), {in}));
  g.end = g.sum("sum", all);
  const float least = std::numeric_limits<float>::min();
  const Signal quiet(2, std::vector<float>(9600, least));
  Engine e(g, format(2));
  e.share(1);
  const Signal out = live(e, quiet, 256);
  CHECK(e.stats().helped > 0);
  for (const float x : out[0]) REQUIRE(x == 0);
  volatile float still = least;
  still = still * 0.25f;
  CHECK(still > 0);
}

TEST_CASE("engine: settings glide, results arrive, wrong names are refused", "[engine]") {
  Graph g;
  Wire w = g.node(node_type<Level>, "level", {g.input("in")});
  g.end = g.node(node_type<Stir>, "stir", {w});
  Engine e(g, format());
  CHECK(std::isnan(e.result("stir.level")));
  live(e, noise(-6, 0.1), 64);
  CHECK(e.result("stir.frames") == 4800);
  CHECK(std::isnan(e.result("stir.nothing")));
  CHECK_THROWS_AS(e.set("level.levle", "3 %"), Complaint);
  CHECK_THROWS_AS(e.set("level.level", "3 dB"), Complaint);
  Graph one;
  one.end = one.node(node_type<Level>, "level", {one.input("in")});
  Engine f(one, format());
  const Signal steady(2, std::vector<float>(9600, 0.5f));
  const Signal out = live(f, steady, 480, [&](std::size_t at) {
    if (at == 4800) f.set("level.level", "0 %");
  });
  float step = 0;
  for (std::size_t i = 1; i < out[0].size(); ++i) step = std::max(step, std::abs(out[0][i] - out[0][i - 1]));
  CHECK(step < 0.0006f);  // 0.5 over 20 ms is 0.00052 a frame
  CHECK(out[0].back() == 0);
}

TEST_CASE("engine: a tone is not disturbed by rewiring that changes nothing", "[engine]") {
  const auto variant = [](unsigned seed) {
    std::mt19937 random(seed);
    Graph g;
    Wire w = g.input("in");
    // Late by as much every time, but mostly another one: it has to fill before it is heard.
    w = g.node(node_type<Late>, "late" + std::to_string(random() % 4), {w});
    g.vertices.back().values[0] = 32;
    for (unsigned i = 0; i < 1 + random() % 4; ++i) {
      const std::string n = std::to_string(random() % 6) + "x" + std::to_string(i);
      if (random() % 2) {
        w = g.node(node_type<Level>, "level" + n, {w});
      } else {  // two halves, one of them late by nothing
        const Wire a = g.node(node_type<Level>, "a" + n, {w}), b = g.node(node_type<Level>, "b" + n, {w});
        g.vertices[std::size_t(a.vertex)].values[0] = g.vertices[std::size_t(b.vertex)].values[0] = 50;
        w = g.sum("sum" + n, {a, b});
      }
    }
    g.end = g.node(node_type<Level>, "last", {w});
    return g;
  };
  Engine e(variant(0), format(1));
  const Signal tone = sine(-6, 1000, 10);
  unsigned swaps = 0;
  const Signal out = live(e, tone, 128, [&](std::size_t at) {
    if (at % 384 == 0) e.swap(variant(++swaps));
  });
  CHECK(swaps >= 1000);
  CHECK(e.stats().swaps > 300);
  const std::vector<float> settled(out[0].begin() + 4800, out[0].end());
  CHECK(highest_beside(settled, 1000, 60) < -90);
}

TEST_CASE("engine: what stays keeps its state, what comes fades in", "[engine]") {
  Graph before = chain(2), after = chain(2);
  after.end = after.node(node_type<Level>, "more", {after.end});
  Engine e(before, format()), steady(before, format());
  const Signal signal = noise(-6, 0.4);
  const Signal plain = live(steady, signal, 128);
  const Signal out = live(e, signal, 128, [&](std::size_t at) {
    if (at == 6400) e.swap(after);
  });
  CHECK(same_bits(out, plain));  // a neutral node behind two with a past: not a bit changes
  CHECK(e.stats().swaps == 1);
}

TEST_CASE("engine: delay lines of what stays go on through a swap", "[engine]") {
  const auto graph = [](bool more) {
    Graph g;
    const Wire in = g.input("in"), late = g.node(node_type<Late>, "late", {in});
    g.vertices.back().values[0] = 2000;
    g.end = g.sum("sum", {in, late});
    if (more) g.node(node_type<Stir>, "meter", {in});
    return g;
  };
  Engine e(graph(false), format());
  const Signal in = noise(-12, 0.4);
  const Signal out = live(e, in, 128, [&](std::size_t at) {
    if (at == 6400) e.swap(graph(true));
  });
  for (std::size_t i = 2000; i < out[0].size(); ++i) REQUIRE(out[0][i] == 2 * in[0][i - 2000]);
}

TEST_CASE("engine: two nodes change places", "[engine]") {
  const auto graph = [](bool turned) {
    Graph g;
    Wire w = g.input("in");
    for (const char* name : {turned ? "b" : "a", turned ? "a" : "b"}) w = g.node(node_type<Level>, name, {w});
    g.end = w;
    return g;
  };
  Engine e(graph(false), format());
  const Signal in = noise(-12, 0.3);
  CHECK(same_bits(live(e, in, 128,
                       [&](std::size_t at) {
                         if (at % 2560 == 0) e.swap(graph(at % 5120 == 0));
                       }),
                  in));
}

TEST_CASE("engine: a graph that cannot be is refused, and the old one goes on", "[engine]") {
  Engine e(chain(1), format());
  Graph wide = chain(1);
  wide.vertices[0].channels = 6;
  CHECK_THROWS_AS(e.swap(wide), Problems);
  Graph circle = chain(2);
  circle.edges[0].from = 2;
  CHECK_THROWS_WITH(e.swap(circle), Catch::Contains("s0 -> s1 -> s0"));
  Graph listens = chain(1);
  listens.end = listens.node(node_type<Recall>, "recall", {listens.end});
  CHECK_THROWS_AS(e.swap(listens), Problems);
  CHECK_THROWS_AS(Engine(listens, format()), Problems);
  Engine fresh(chain(1), format());
  const Signal in = noise(-6, 0.1);
  CHECK(same_bits(live(e, in, 100), live(fresh, in, 100)));
}

TEST_CASE("engine: settings made just before and just after a swap both hold", "[engine]") {
  const auto graph = [](float value) {
    Graph g;
    g.end = g.node(node_type<Level>, "level", {g.input("in")});
    g.vertices.back().values[0] = value;
    return g;
  };
  Engine e(graph(100), format());
  const Signal ones(2, std::vector<float>(4800, 1.0f));
  e.set("level.level", "10 %");
  e.swap(graph(50));
  CHECK(live(e, ones, 100)[0].back() == 0.5f);
  e.swap(graph(20));
  e.set("level.level", "70 %");
  CHECK(live(e, ones, 100)[0].back() == 0.7f);
}

TEST_CASE("engine: a node that throws is silent, named, and harms nobody", "[engine]") {
  static lacquer_node_type breaks = node_type<Level>;
  breaks.process = [](void*, const lacquer_block*) { throw std::runtime_error("broken"); };
  Graph g;
  const Wire in = g.input("in");
  g.end = g.sum("sum", {in, g.node(breaks, "broken", {in})});
  Engine e(g, format());
  const Signal signal = noise(-6, 0.05);
  Signal out(2, std::vector<float>(signal[0].size()));
  const float* ins[] = {signal[0].data(), signal[1].data()};
  float* outs[] = {out[0].data(), out[1].data()};
  e.process(ins, outs, int(signal[0].size()));
  CHECK(same_bits(out, signal));
  CHECK(e.failed() == std::vector<std::string>{"broken"});
}

TEST_CASE("engine: degenerate graphs run", "[engine]") {
  Engine nothing(Graph{}, format());
  nothing.process(nullptr, nullptr, 100);
  CHECK(nothing.outputs() == 0);
  Graph wire;
  wire.end = wire.input("in");
  Engine e(wire, format(1));
  e.share(1);
  const Signal in = noise(-6, 0.05);
  CHECK(same_bits(live(e, in, 77), in));
}

TEST_CASE("engine: swaps, settings and results from other threads while it plays", "[engine][stress][slow]") {
  Engine e(chain(3), format(3, 64));
  e.share(1);
  std::atomic<bool> stop{false};
  std::thread swapper([&] {
    for (unsigned n = 0; !stop; ++n) {
      std::mt19937 random(n);
      Graph g = chain(1 + int(random() % 5));
      if (random() % 2) {
        const Wire a = g.node(node_type<Late>, "late", {g.end});
        g.vertices.back().values[0] = float(random() % 100);
        g.end = g.sum("sum", {g.end, a});
      }
      e.swap(g);
      std::this_thread::sleep_for(std::chrono::microseconds(500));
    }
  });
  std::thread setter([&] {
    for (int n = 0; !stop; ++n) {
      e.set("s0.amount", std::to_string(n % 100) + " %");
      (void)e.result("s0.level");
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
  });
  const Signal out = live(e, noise(-12, 20), 64);
  stop = true;
  swapper.join();
  setter.join();
  for (const auto& c : out)
    for (const float x : c) REQUIRE(std::isfinite(x));
  CHECK(e.stats().swaps > 5);
}

TEST_CASE("guard: what process may not do is seen", "[engine]") {
#ifndef LACQUER_SANITIZED
  const auto seen = [](auto act) {
    {
      const RtGuard guard;
      act();
    }
    const char* what = RtGuard::violation();
    return std::string(what ? what : "");
  };
  std::mutex m;
  std::atomic<std::uint32_t> word{0};
  CHECK(seen([] { ::operator delete(::operator new(64)); }) == "malloc");
  CHECK(seen([&] { const std::lock_guard lock(m); }) == "pthread_mutex_lock");
  CHECK(seen([] { std::this_thread::yield(); }) == "sched_yield");
  CHECK(seen([] { std::this_thread::sleep_for(std::chrono::microseconds(1)); }) != "");
  CHECK(seen([&] { unpark(word, 1); }) == "syscall");
  CHECK(seen([] { std::fclose(std::fopen("/dev/null", "r")); }) != "");
  CHECK(seen([&] { ++word; }) == "");
#endif
}
