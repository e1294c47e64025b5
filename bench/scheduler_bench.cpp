// bench/scheduler_bench.cpp — what scheduling costs and what it gains: a plain loop, the engine's ways to run a graph,
// and oneTBB's, all over the same graphs with the same node bodies. bench/README.md has results and how to repeat them.

#include "core/engine/engine.hpp"
#include "core/engine/pipeline.hpp"
#include "core/engine/sweep.hpp"
#include "core/simd/cpu.hpp"

#include <benchmark/benchmark.h>
#if __has_include(<tbb/flow_graph.h>)
#include <tbb/flow_graph.h>
#include <tbb/global_control.h>
#include <tbb/parallel_pipeline.h>
#define LACQUER_TBB 1
#endif

#include <array>
#include <cstring>
#include <ctime>
#include <random>
#include <thread>

using namespace lacquer;

namespace {

// ---- bodies: so many steps of a recursion, about a nanosecond each; none at all leaves one store --------------------

int steps_of_recursion = 0;

double steps_per_ns() {
  static const double rate = [] {
    double best = 1e9;
    for (int tries = 0; tries < 5; ++tries) {
      volatile double start = 0.5;
      double x = start;
      const auto begin = ticks();
      for (int i = 0; i < 200000; ++i) x = x * 0.999 + 0.001;
      benchmark::DoNotOptimize(x);
      best = std::min(best, double(ticks() - begin) / ticks_per_ns() / 200000);
    }
    return 1 / best;
  }();
  return rate;
}

void body(void* self, const lacquer_block* b) {
  double x = *static_cast<double*>(self);
  for (int i = 0; i < steps_of_recursion; ++i) x = x * 0.999 + 0.001;
  *static_cast<double*>(self) = x;
  b->out[0].channel[0][0] = float(x) + b->in[0].channel[0][0];
}

/// A type with so many inputs, so that every join is a node like any other.
const lacquer_node_type& type_with(int inputs) {
  static std::array<lacquer_node_type, 256> types{};
  static std::array<lacquer_port, 256> ports{};
  static const lacquer_port out{"out", LACQUER_MAIN, "Out."};
  if (!ports[0].name) {
    ports.fill({"key", LACQUER_OR_MAIN, "Another."});
    ports[0] = {"in", LACQUER_MAIN, "In."};
  }
  lacquer_node_type& t = types[std::size_t(inputs)];
  if (t.abi) return t;
  t.abi = LACQUER_ABI;
  t.name = "body";
  t.doc = "Takes its time.";
  t.inputs = ports.data();
  t.outputs = &out;
  t.input_count = std::uint32_t(inputs);
  t.output_count = 1;
  t.create = []() -> void* { return new double(0.5); };
  t.destroy = [](void* self) { delete static_cast<double*>(self); };
  t.prepare = [](void*, const lacquer_setup*) -> const char* { return nullptr; };
  t.reset = [](void* self) { *static_cast<double*>(self) = 0.5; };
  t.process = body;
  t.latency = [](const void*) -> std::uint32_t { return 0; };
  return t;
}

// ---- shapes: what each node hears; -1 is the graph's input
// -----------------------------------------------------------

using Shape = std::vector<std::vector<int>>;

Shape chain(int n) {
  Shape s;
  for (int i = 0; i < n; ++i) s.push_back({i - 1});
  return s;
}
Shape wide(int branches, int length) {  // one, so many files of so many, one
  Shape s{{-1}};
  std::vector<int> ends;
  for (int b = 0; b < branches; ++b) {
    int last = 0;
    for (int i = 0; i < length; ++i) s.push_back({last}), last = int(s.size()) - 1;
    ends.push_back(last);
  }
  s.push_back(ends);
  return s;
}
Shape random_dag(int n) {
  std::mt19937 random(1);
  Shape s;
  std::vector<bool> heard(std::size_t(n), false);
  for (int i = 0; i < n - 1; ++i) {
    std::vector<int> in;
    for (unsigned e = 0; i && e < 1 + random() % 3; ++e) in.push_back(std::max(0, i - 1 - int(random() % 32)));
    std::sort(in.begin(), in.end());
    in.erase(std::unique(in.begin(), in.end()), in.end());
    for (const int p : in) heard[std::size_t(p)] = true;
    s.push_back(in.empty() ? std::vector<int>{-1} : in);
  }
  std::vector<int> rest;
  for (int i = 0; i < n - 1; ++i)
    if (!heard[std::size_t(i)] && rest.size() < 255) rest.push_back(i);
  s.push_back(rest);
  return s;
}
const std::pair<const char*, Shape> shapes[] = {{"chain_8", chain(8)},
                                                {"chain_64", chain(64)},
                                                {"chain_1000", chain(1000)},
                                                {"wide_64", wide(64, 1)},
                                                {"random_1000", random_dag(1000)}};
const std::pair<const char*, Shape> heavy[] = {{"chain_8", chain(8)},
                                               {"split_6_join", wide(6, 1)},
                                               {"split_6x4_join", wide(6, 4)},
                                               {"wide_64", wide(64, 1)},
                                               {"random_200", random_dag(200)}};

Graph graph_of(const Shape& shape) {
  Graph g;
  g.vertices.reserve(shape.size() + 1);
  Vertex in;
  in.kind = Vertex::input;
  in.name = "in";
  in.channels = 1;
  g.vertices.push_back(in);
  for (std::size_t i = 0; i < shape.size(); ++i) {
    Vertex v;
    v.name = "n" + std::to_string(i);
    v.type = &type_with(int(shape[i].size()));
    v.values = {100, 0};
    g.vertices.push_back(std::move(v));
    for (std::size_t p = 0; p < shape[i].size(); ++p) g.edges.push_back({shape[i][p] + 1, 0, int(i) + 1, int(p)});
  }
  g.end = {int(shape.size()), 0};
  return g;
}

constexpr int frames = 16;

std::unique_ptr<Machine> machine_of(const Graph& g, bool one_by_one) {
  PlanRequest request;
  request.channels = 1;
  request.merge = false;
  request.ends = {&g.end, 1};
  MachineFormat f;
  f.block = f.node_block = frames;
  f.live = true;
  f.one_by_one = one_by_one;
  return std::make_unique<Machine>(g, request, f);
}

/// The floor: the same bodies called one after the other.
struct Plain {
  explicit Plain(const Shape& shape) : bus(shape.size() + 1), memory(shape.size() + 1, std::vector<float>(frames)) {
    for (std::size_t i = 0; i < memory.size(); ++i) pointers.push_back(memory[i].data());
    for (std::size_t i = 0; i < memory.size(); ++i) bus[i] = {&pointers[i], 1};
    for (std::size_t i = 0; i < shape.size(); ++i) {
      selves.push_back(0.5);
      std::vector<lacquer_bus> in;
      for (const int p : shape[i]) in.push_back(bus[std::size_t(p + 1)]);
      ins.push_back(std::move(in));
    }
    for (std::size_t i = 0; i < shape.size(); ++i) {
      lacquer_block b{};
      b.frames = frames;
      b.in = ins[i].data();
      b.out = &bus[i + 1];
      blocks.push_back(b);
    }
  }
  void one(std::size_t i) { process(&selves[i], &blocks[i]); }
  void run() {
    for (std::size_t i = 0; i < blocks.size(); ++i) one(i);
  }
  void (*volatile chosen)(void*, const lacquer_block*) = body;
  void (*process)(void*, const lacquer_block*) = chosen;
  std::vector<lacquer_bus> bus;
  std::vector<std::vector<float>> memory;
  std::vector<float*> pointers;
  std::vector<std::vector<lacquer_bus>> ins;
  std::vector<double> selves;
  std::vector<lacquer_block> blocks;
};

void per_node(benchmark::State& state, const Shape& shape, std::int64_t blocks_each = 1) {
  state.counters["ns_per_node"] =
      benchmark::Counter(double(shape.size()) * double(state.iterations()) * double(blocks_each) / 1e9,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

// ---- contenders
// -------------------------------------------------------------------------------------------------------

void plain(benchmark::State& state, Shape shape, double ns) {
  steps_of_recursion = int(ns * steps_per_ns());
  Plain p(shape);
  for (auto _ : state) p.run();
  per_node(state, shape);
}

void serial(benchmark::State& state, Shape shape, double ns) {
  steps_of_recursion = int(ns * steps_per_ns());
  const Graph g = graph_of(shape);
  const auto machine = machine_of(g, true);
  Sweep sweep(*machine, 1);
  const Scratch scratch(2, frames);
  std::int64_t time = 0;
  for (auto _ : state) sweep.run(time, frames, scratch, false), time += frames;
  per_node(state, shape);
}

void shared_path_on_one_thread(benchmark::State& state, Shape shape, double ns) {
  steps_of_recursion = int(ns * steps_per_ns());
  const Graph g = graph_of(shape);
  const auto machine = machine_of(g, false);
  Sweep sweep(*machine, 1);
  const Scratch scratch(2, frames);
  std::int64_t time = 0;
  for (auto _ : state) sweep.run(time, frames, scratch, true), time += frames;
  per_node(state, shape);
}

// share: 1 every block, -1 as the gate decides
void engine(benchmark::State& state, Shape shape, double ns, int share, int helpers = 1) {
  steps_of_recursion = int(ns * steps_per_ns());
  LiveFormat f;
  f.channels = 1;
  f.max_frames = frames;
  f.helpers = helpers;
  Engine e(graph_of(shape), f);
  e.share(share);
  float in[frames] = {}, out[frames];
  const float* ins[] = {in};
  float* outs[] = {out};
  for (int i = 0; i < 100; ++i) e.process(ins, outs, frames);
  for (auto _ : state) e.process(ins, outs, frames);
  per_node(state, shape);
  const Engine::Stats s = e.stats();
  state.counters["helped_per_block"] = double(s.helped) / double(s.blocks);
  if (share > 0 && ns >= 5000 && !s.helped) state.SkipWithError("nobody helped: the figure is void");
}

// A render is long: threads start once in tens of milliseconds of work at least.
int blocks_of(const Shape& shape, double ns) {
  return std::clamp(int(8e7 / (double(shape.size()) * std::max(ns, 10.0))), 64, 1024);
}

void pipeline(benchmark::State& state, Shape shape, double ns, int threads) {
  steps_of_recursion = int(ns * steps_per_ns());
  Plain p(shape);
  std::vector<std::pair<int, int>> pairs;
  for (std::size_t i = 0; i < shape.size(); ++i)
    for (const int before : shape[i])
      if (before >= 0) pairs.emplace_back(before, int(i));
  const TaskGraph tasks = task_graph(int(shape.size()), pairs);
  Pipeline pipe(tasks, threads, 4);
  const int blocks = blocks_of(shape, ns);
  for (auto _ : state)
    pipe.run(
        0, blocks,
        [](void* self, int t, std::int64_t, int) noexcept { static_cast<Plain*>(self)->one(std::size_t(t)); }, &p);
  per_node(state, shape, blocks);
  state.counters["helped"] = double(pipe.helped()) / double(state.iterations()) / double(blocks) / double(shape.size());
  if (threads > 1 && !pipe.helped()) state.SkipWithError("nobody helped: the figure is void");
}

#ifdef LACQUER_TBB
void tbb_flow(benchmark::State& state, Shape shape, double ns, int threads, bool lightweight) {
  steps_of_recursion = int(ns * steps_per_ns());
  const tbb::global_control limit(tbb::global_control::max_allowed_parallelism, std::size_t(threads));
  Plain p(shape);
  using namespace tbb::flow;
  tbb::flow::graph g;
  broadcast_node<continue_msg> start(g);
  const auto run = [&](auto policy) {
    using Node = continue_node<continue_msg, decltype(policy)>;
    std::vector<std::unique_ptr<Node>> nodes;
    for (std::size_t i = 0; i < shape.size(); ++i)
      nodes.push_back(std::make_unique<Node>(g, [&p, i](const continue_msg&) noexcept {
        p.one(i);
        return continue_msg();
      }));
    for (std::size_t i = 0; i < shape.size(); ++i)
      for (const int before : shape[i])
        if (before < 0)
          make_edge(start, *nodes[i]);
        else
          make_edge(*nodes[std::size_t(before)], *nodes[i]);
    for (auto _ : state) {
      start.try_put(continue_msg());
      g.wait_for_all();
    }
  };
  if (lightweight)
    run(tbb::flow::lightweight{});
  else
    run(tbb::detail::d1::Policy<void>{});
  per_node(state, shape);
}

void tbb_pipeline(benchmark::State& state, Shape shape, double ns) {  // only for chains
  steps_of_recursion = int(ns * steps_per_ns());
  const tbb::global_control limit(tbb::global_control::max_allowed_parallelism, 2);
  Plain p(shape);
  const int blocks = blocks_of(shape, ns);
  for (auto _ : state) {
    int left = blocks;
    tbb::filter<void, int> first(tbb::filter_mode::serial_in_order, [&](tbb::flow_control& flow) {
      if (left-- == 0) return flow.stop(), 0;
      p.one(0);
      return 1;
    });
    tbb::filter<int, int> all;
    bool any = false;
    for (std::size_t i = 1; i + 1 < shape.size(); ++i) {
      tbb::filter<int, int> next(tbb::filter_mode::serial_in_order, [&p, i](int x) {
        p.one(i);
        return x;
      });
      all = any ? all & next : next;
      any = true;
    }
    tbb::filter<int, void> last(tbb::filter_mode::serial_in_order, [&](int) { p.one(shape.size() - 1); });
    tbb::parallel_pipeline(4, first & all & last);
  }
  per_node(state, shape, blocks);
}
#endif

// As a sound card would ask for it: a block every 5.33 ms. The time is that of the block; cpu_percent is that of the
// whole process.
void paced(benchmark::State& state, Shape shape, double ns, int helpers) {
  steps_of_recursion = int(ns * steps_per_ns());
  LiveFormat f;
  f.channels = 1;
  f.max_frames = frames;
  f.helpers = helpers;
  Engine e(graph_of(shape), f);
  float in[frames] = {}, out[frames];
  const float* ins[] = {in};
  float* outs[] = {out};
  const auto cpu = [] { return double(std::clock()) / CLOCKS_PER_SEC; };
  for (int i = 0; i < 200; ++i) e.process(ins, outs, frames);
  const double cpu_before = cpu();
  const std::int64_t begin = now_ns();
  std::int64_t next = begin;
  std::vector<double> times;
  for (auto _ : state) {
    sleep_until_ns(next += 5333000);
    const std::uint64_t start = ticks();
    e.process(ins, outs, frames);
    times.push_back(double(ticks() - start) / ticks_per_ns());
    state.SetIterationTime(times.back() / 1e9);
  }
  std::nth_element(times.begin(), times.begin() + std::ptrdiff_t(times.size() / 2), times.end());
  state.counters["median_us"] = times[times.size() / 2] / 1000;
  state.counters["cpu_percent"] = 100 * (cpu() - cpu_before) / (double(now_ns() - begin) / 1e9);
  state.counters["shared"] = double(e.stats().shared) / double(e.stats().blocks);
  state.counters["helped"] = double(e.stats().helped) / double(e.stats().blocks);
}

// ---- the control side
// ---------------------------------------------------------------------------------------------------

void compile_plan(benchmark::State& state, Shape shape) {
  const Graph g = graph_of(shape);
  PlanRequest request;
  request.channels = 1;
  request.ends = {&g.end, 1};
  request.latency = [](int v, const NodeShape&) -> std::int64_t { return v % 7 == 0 ? 64 : 0; };
  for (auto _ : state) benchmark::DoNotOptimize(task_graph(compile(g, request)));
  per_node(state, shape);
}

// Blocks during which a graph is swapped in, against blocks during which none is.
void swap_block(benchmark::State& state, bool swapping) {
  steps_of_recursion = 0;
  LiveFormat f;
  f.channels = 1;
  f.max_frames = frames;
  f.helpers = 0;
  const Graph g = graph_of(chain(64));
  Engine e(g, f);
  float in[frames] = {}, out[frames];
  const float* ins[] = {in};
  float* outs[] = {out};
  for (auto _ : state) {
    state.PauseTiming();
    if (swapping) {
      for (int i = 0; i < 100; ++i) e.process(ins, outs, frames);  // the fade of the one before is over
      e.swap(g);
    }
    for (int i = 0; !swapping && i < 100; ++i) e.process(ins, outs, frames);
    state.ResumeTiming();
    e.process(ins, outs, frames);
  }
  state.counters["swaps"] = double(e.stats().swaps);
}

[[maybe_unused]] const bool registered = [] {
  const auto add = [](const std::string& name, auto function, auto... args) {
    return benchmark::RegisterBenchmark(name.c_str(), function, args...)->UseRealTime();
  };
  for (const auto& [name, shape] : shapes) {
    const std::string end = std::string("/") + name;
    add("empty/plain" + end, plain, shape, 0.0);
    add("empty/serial" + end, serial, shape, 0.0);
    add("empty/shared_path_1_thread" + end, shared_path_on_one_thread, shape, 0.0);
    add("empty/engine_1_thread" + end, engine, shape, 0.0, 0, 0);
    add("empty/engine_gate_2_threads" + end, engine, shape, 0.0, -1, 1);
    add("empty/pipeline_1_thread" + end, pipeline, shape, 0.0, 1);
#ifdef LACQUER_TBB
    add("empty/tbb_flow_1_thread" + end, tbb_flow, shape, 0.0, 1, false);
    add("empty/tbb_lightweight_1_thread" + end, tbb_flow, shape, 0.0, 1, true);
    add("empty/tbb_flow_2_threads" + end, tbb_flow, shape, 0.0, 2, false);
#endif
  }
  for (const auto& [name, shape] : heavy)
    for (const double ns : {100.0, 1000.0, 5000.0, 20000.0, 100000.0}) {
      const std::string end = std::string("/") + name + "/" + std::to_string(int(ns)) + "_ns";
      add("work/plain" + end, plain, shape, ns);
      add("work/engine_1_thread" + end, engine, shape, ns, 0, 0);  // what two threads must never be slower than
      add("work/engine_gate_2_threads" + end, engine, shape, ns, -1, 1);
      if (ns >= 1000) add("work/engine_shared_2_threads" + end, engine, shape, ns, 1, 1);
      if (ns >= 1000) add("work/pipeline_2_threads" + end, pipeline, shape, ns, 2);
#ifdef LACQUER_TBB
      add("work/tbb_flow_2_threads" + end, tbb_flow, shape, ns, 2, false);
      if (std::strcmp(name, "chain_8") == 0) add("work/tbb_pipeline_2_threads" + end, tbb_pipeline, shape, ns);
#endif
    }
  for (const int n : {1000, 4000, 10000}) {
    add("compile/chain_" + std::to_string(n), compile_plan, chain(n));
    add("compile/random_" + std::to_string(n), compile_plan, random_dag(n));
  }
  for (const int helpers : {0, 1})
    benchmark::RegisterBenchmark(("paced/split_6_join/20000_ns/helpers_" + std::to_string(helpers)).c_str(), paced,
                                 wide(6, 1), 20000.0, helpers)
        ->UseManualTime()
        ->Iterations(400);
  add("swap/none", swap_block, false)->Iterations(2000);
  add("swap/begun", swap_block, true)->Iterations(2000);
  return true;
}();

}  // namespace
