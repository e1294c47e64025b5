// tests/core/scheduler_test.cpp — the same bits from one thread and from many, whatever the graph; and what happens
// when a run does not get to its end.

#include "core/engine/pipeline.hpp"
#include "tests/core/test_nodes.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <random>
#include <stdexcept>
#include <thread>

using namespace lacquer;
using namespace lacquer::testing;

namespace {

RunOptions options(int block, int threads) {
  RunOptions o;
  o.block = block;
  o.threads = threads;
  o.always_share = true;
  return o;
}

bool same(const Heard& a, const Heard& b) {
  if (a.sinks.size() != b.sinks.size() || a.results.nodes.size() != b.results.nodes.size()) return false;
  for (std::size_t s = 0; s < a.sinks.size(); ++s)
    if (!same_bits(a.sinks[s], b.sinks[s])) return false;
  for (std::size_t n = 0; n < a.results.nodes.size(); ++n)
    for (std::size_t r = 0; r < a.results.nodes[n].last.size(); ++r) {
      const double x = a.results.nodes[n].last[r], y = b.results.nodes[n].last[r];
      if (x != y && !(x != x && y != y)) return false;
    }
  return true;
}

void check_random_graphs(unsigned first, unsigned last, int frames) {
  for (unsigned seed = first; seed < last; ++seed) {
    std::mt19937 random(seed);
    std::vector<Wire> wires;
    const Graph g = random_graph(random, 3 + int(random() % 14), wires);
    const Signal in = noise(-6, double(frames) / 48000, 2, seed + 1);
    const Heard alone = hear(g, {in, in}, wires, options(frames, 1));
    for (const auto& [block, threads] :
         {std::pair{1 + int(random() % 200), 2}, {int(4096), 3 + int(random() % 14)}, {64, 1}}) {
      INFO("graph " << seed << ", block " << block << ", " << threads << " threads\n" << list(g));
      RunOptions o = options(block, threads);
      o.slots = 1 + int(random() % 6);
      REQUIRE(same(hear(g, {in, in}, wires, o), alone));
    }
  }
}

// Tasks that note when they ran.
struct Log {
  std::vector<std::vector<std::atomic<int>>> ran;  // by task and block
  const TaskGraph* tasks = nullptr;
  int slots = 0;
  std::atomic<int> wrong{0};
  static void body(void* self, int task, std::int64_t block, int) noexcept {
    Log& log = *static_cast<Log*>(self);
    const auto done = [&](int t, std::int64_t b) { return b < 0 || log.ran[std::size_t(t)][std::size_t(b)] == 2; };
    if (!done(task, block - 1)) ++log.wrong;
    for (const int p : log.tasks->before_of(task))
      if (!done(p, block)) ++log.wrong;
    for (const int s : log.tasks->next_of(task))
      if (!done(s, block - log.slots)) ++log.wrong;
    if (log.ran[std::size_t(task)][std::size_t(block)].exchange(1) != 0) ++log.wrong;
    log.ran[std::size_t(task)][std::size_t(block)] = 2;
  }
};

void check_pipeline(const TaskGraph& tasks, int threads, int slots, int blocks) {
  Log log;
  for (int t = 0; t < tasks.size(); ++t) log.ran.emplace_back(std::size_t(blocks));
  log.tasks = &tasks;
  log.slots = slots;
  Pipeline p(tasks, threads, slots);
  p.run(0, blocks, Log::body, &log);
  CHECK(log.wrong == 0);
  int missing = 0;
  for (const auto& t : log.ran)
    for (const auto& b : t) missing += b != 2;
  CHECK(missing == 0);
}

}  // namespace

TEST_CASE("scheduler: random graphs give the same bits on any threads and blocks", "[scheduler]") {
  check_random_graphs(0, 60, 3000);
}
TEST_CASE("scheduler: ten thousand random graphs give the same bits", "[scheduler][slow]") {
  check_random_graphs(1000, 11000, 700);
}

TEST_CASE("scheduler: every unit runs once, in order, with its memory free", "[scheduler]") {
  std::mt19937 random(5);
  for (int n = 0; n < 40; ++n) {
    const int tasks = 1 + int(random() % 30);
    std::vector<std::pair<int, int>> pairs;
    for (int t = 1; t < tasks; ++t)
      for (unsigned e = 0; e < random() % 4; ++e) pairs.emplace_back(int(random() % unsigned(t)), t);
    const TaskGraph g = task_graph(tasks, pairs);
    for (const int threads : {1, 2, 5})
      for (const int slots : {1, 2, 8}) check_pipeline(g, threads, slots, 1 + int(random() % 20));
  }
}

TEST_CASE("scheduler: one to a thousand to one", "[scheduler]") {
  std::vector<std::pair<int, int>> pairs;
  for (int i = 1; i <= 1000; ++i) pairs.emplace_back(0, i), pairs.emplace_back(i, 1001);
  check_pipeline(task_graph(1002, pairs), 3, 2, 20);
  Graph g;
  const Wire in = g.input("in");
  std::vector<Wire> all;
  for (int i = 0; i < 1000; ++i) {
    all.push_back(g.node(node_type<Stir>, "s" + std::to_string(i), {in}));
    g.vertices.back().values[0] = float(i % 100);
  }
  const Wire out = g.sum("sum", all);
  const Signal signal = noise(-30, 0.02);
  CHECK(same(hear(g, {signal}, {out}, options(256, 3)), hear(g, {signal}, {out}, options(256, 1))));
}

TEST_CASE("scheduler: a single file of slow tasks keeps two threads busy", "[scheduler]") {
  std::vector<std::pair<int, int>> pairs;
  for (int i = 1; i < 8; ++i) pairs.emplace_back(i - 1, i);
  const TaskGraph g = task_graph(8, pairs);
  Pipeline p(g, 2, 4);
  p.run(
      0, 50,
      [](void*, int, std::int64_t, int) noexcept { std::this_thread::sleep_for(std::chrono::microseconds(100)); },
      nullptr);
  CHECK(p.helped() > 100);  // of 400: a helper that only sleeps does its share on any machine
}

TEST_CASE("scheduler: more threads than cores, more threads than work", "[scheduler]") {
  Graph g;
  Wire w = g.input("in");
  for (int i = 0; i < 6; ++i) w = g.node(node_type<Stir>, "s" + std::to_string(i), {w});
  const Signal signal = noise(-6, 0.5);
  const Heard alone = hear(g, {signal}, {w}, options(1024, 1));
  CHECK(same(hear(g, {signal}, {w}, options(1024, 16)), alone));
  CHECK(same(hear(g, {signal}, {w}, options(1, 4)), alone));
}

TEST_CASE("scheduler: degenerate graphs", "[scheduler]") {
  const Signal signal = noise(-6, 0.3);
  for (const int threads : {1, 3}) {
    INFO(threads << " threads");
    CHECK(hear(Graph{}, {}, {}, options(64, threads)).results.nodes.empty());
    Graph wire;
    const Wire in = wire.input("in");
    CHECK(same_bits(hear(wire, {signal}, {in, in}, options(64, threads)).sinks[1], signal));
    Graph islands;
    const Wire a = islands.input("a"), b = islands.input("b");
    islands.node(node_type<Stir>, "meter", {b});  // reaches nothing, but reports
    const Heard h = hear(islands, {signal, signal}, {a}, options(64, threads));
    CHECK(same_bits(h.sinks[0], signal));
    CHECK(h.results.value("meter", "frames") == double(signal[0].size()));
    CHECK(hear(islands, {signal, signal}, {}, options(64, threads)).results.value("meter", "frames") ==
          double(signal[0].size()));
    Graph nothing;
    const Wire silence = nothing.sum("nothing", {});
    RunOptions o = options(64, threads);
    o.frames = 100;
    CHECK(hear(nothing, {}, {silence}, o).sinks[0] == Signal(2, std::vector<float>(100)));
    Graph twice;  // two ports of one node on one wire
    const Wire x = twice.input("in"), late = twice.node(node_type<Late>, "late", {x});
    const Wire stir = twice.node(node_type<Stir>, "stir", {late, late});
    const Wire sum = twice.sum("s", {late, late});
    CHECK(same(hear(twice, {signal}, {stir, sum}, options(64, threads)),
               hear(twice, {signal}, {stir, sum}, options(4096, 1))));
  }
  Graph one;
  const Wire in = one.input("in"), out = one.node(node_type<Late>, "late", {in});
  const Signal single(2, std::vector<float>{0.5f});
  CHECK(same_bits(hear(one, {single}, {out}, options(4096, 2)).sinks[0], single));
}

TEST_CASE("scheduler: what a source or a sink throws arrives, and nothing hangs", "[scheduler]") {
  class Breaks : public Play {
  public:
    using Play::Play;
    void read(float* const* out, int frames) override {
      if (at > 30000) throw std::runtime_error("the disk is gone");
      Play::read(out, frames);
    }
  };
  class Full : public Take {
  public:
    void write(const float* const* in, int frames) override {
      if (!signal.empty() && signal[0].size() > 30000) throw std::runtime_error("the disk is full");
      Take::write(in, frames);
    }
  };
  Graph g;
  Wire w = g.input("in");
  for (int i = 0; i < 4; ++i) w = g.node(node_type<Stir>, "s" + std::to_string(i), {w});
  for (const int threads : {1, 2, 6})
    for (const bool reading : {true, false}) {
      INFO(threads << " threads, " << (reading ? "source" : "sink"));
      Breaks bad(noise(-6, 2));
      Play good(noise(-6, 2));
      Full full;
      Take take;
      Source* source = reading ? &bad : &good;
      const std::pair<Wire, Sink*> sink{w, reading ? &take : &full};
      RunOptions o = options(1024, threads);
      o.frames = 96000;
      CHECK_THROWS_WITH(run(g, {&source, 1}, {&sink, 1}, o), reading ? "the disk is gone" : "the disk is full");
    }
}

TEST_CASE("scheduler: cancelling stops soon, progress only rises", "[scheduler]") {
  Graph g;
  const Wire w = g.node(node_type<Stir>, "s", {g.input("in")});
  for (const int threads : {1, 2}) {
    std::atomic<bool> cancel{false};
    RunOptions o = options(1024, threads);
    o.frames = std::int64_t(48000) * 3600;
    o.cancel = &cancel;
    std::int64_t last = 0;
    bool rises = true;
    o.progress = [&](std::int64_t done) {
      rises = rises && done > last;
      last = done;
      if (done > 100000) cancel = true;
    };
    CHECK_THROWS_AS(hear(g, {noise(-6, 0.1)}, {w}, o), Cancelled);
    CHECK(rises);
    CHECK(last < 1000000);
  }
  RunOptions o = options(1024, 2);
  std::int64_t last = 0;
  o.progress = [&](std::int64_t done) { last = done; };
  hear(g, {noise(-6, 0.5)}, {w}, o);
  CHECK(last == 24000);
}

TEST_CASE("scheduler: a node that listens keeps what it heard for the next run", "[scheduler]") {
  Graph g;
  const Wire in = g.input("in"), w = g.node(node_type<Recall>, "recall", {in});
  const Signal signal = noise(-6, 0.5);
  NodeStates states;
  const std::vector<std::string> listening{"recall"};
  hear(g, {signal}, {in}, options(1024, 2), &states, listening);
  REQUIRE(states.contains("recall"));
  const Heard h = hear(g, {signal}, {w}, options(1024, 2), &states);
  for (std::size_t i = 0; i < signal[0].size(); ++i) REQUIRE(h.sinks[0][0][i] == signal[0][i] + 24000);
}
