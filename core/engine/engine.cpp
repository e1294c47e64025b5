#include "core/engine/engine.hpp"

#include "core/engine/machine.hpp"
#include "core/simd/cpu.hpp"
#include "core/simd/simd.hpp"
#include "core/units.hpp"

#include <concurrentqueue/concurrentqueue.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <mutex>

namespace lacquer {
namespace {

struct Change {
  int step;
  std::uint32_t slot;
  float value;
};

/// One graph, ready to run.
struct Running {
  Graph graph;
  Machine machine;
  Scratch scratch;
  std::vector<int> inputs;  // steps, by input
  int end = -1, in_channels = 0;
  std::vector<std::unique_ptr<std::atomic<double>[]>> published;  // by step
  moodycamel::ConcurrentQueue<Change> changes{256};

  Running(const Graph& g, const LiveFormat& f)
      : graph(g), machine(make(graph, f)), scratch(machine.widest(), f.max_frames) {
    const Plan& plan = machine.plan();
    published.resize(plan.steps.size());
    for (std::size_t i = 0; i < plan.steps.size(); ++i) {
      const Plan::Step& s = plan.steps[i];
      if (s.kind == Plan::Step::end) end = int(i);
      if (const NodeState* n = machine.node(int(i))) {
        published[i] = std::make_unique<std::atomic<double>[]>(n->results().size());
        for (std::size_t r = 0; r < n->results().size(); ++r) published[i][r] = n->results()[r];
      }
    }
    for (const Vertex& v : graph.vertices)
      if (v.kind == Vertex::input) {
        const int step = plan.step_of[std::size_t(&v - graph.vertices.data())];
        inputs.push_back(step);
        widths.push_back(v.channels ? v.channels : f.channels);
        in_channels += widths.back();
      }
  }
  std::vector<int> widths;

  static Machine make(const Graph& g, const LiveFormat& f) {
    std::vector<Problem> problems;
    for (const Vertex& v : g.vertices)
      if (v.type && v.type->listen) {
        Where where = v.where;
        if (where.file.empty()) where.file = v.name;
        problems.push_back(
            {where,
             std::string(v.type->name) + " must hear the whole programme first, which a live stream does not have",
             "render files with it, or leave it out"});
      }
    if (!problems.empty()) throw Problems(std::move(problems));
    PlanRequest request;
    request.channels = f.channels;
    request.merge = false;  // each can be set apart from the others
    std::vector<Wire> ends;
    if (g.end.vertex >= 0) ends.push_back(g.end);
    request.ends = ends;
    MachineFormat format;
    format.rate_hz = f.rate_hz;
    format.block = f.max_frames;
    format.live = true;
    return Machine(g, request, format);
  }
};

}  // namespace

struct Engine::State {
  LiveFormat format;
  std::unique_ptr<Running> running;
  std::int64_t time = 0;
};

Engine::Engine(const Graph& graph, const LiveFormat& format) : state_(std::make_unique<State>()) {
  state_->format = format;
  state_->format.max_frames = std::clamp(format.max_frames, 1, 65536);
  state_->running = std::make_unique<Running>(graph, state_->format);
}
Engine::~Engine() = default;
Engine::Engine(Engine&&) noexcept = default;

int Engine::inputs() const { return state_->running->in_channels; }
int Engine::outputs() const {
  const Running& r = *state_->running;
  return r.end < 0 ? 0 : int(r.machine.heard(r.end, 0, 0).count);
}
int Engine::latency() const { return int(state_->running->machine.plan().latency); }

void Engine::process(const float* const* in, float* const* out, int frames) noexcept {
  const NoDenormals here;
  Running& r = *state_->running;
  Change change;
  while (r.changes.try_dequeue(change)) r.machine.node(change.step)->set(change.slot, change.value);
  const int steps = int(r.machine.plan().steps.size());
  for (int done = 0; done < frames;) {
    const int n = std::min(frames - done, state_->format.max_frames);
    int channel = 0;
    for (std::size_t i = 0; i < r.inputs.size(); channel += r.widths[i++])
      if (r.inputs[i] >= 0) {
        const lacquer_bus& bus = r.machine.output(r.inputs[i], 0, 0);
        for (std::uint32_t c = 0; c < bus.count; ++c)
          simd().engine.clean(bus.channel[c], in[channel + int(c)] + done, n);
      }
    for (int s = 0; s < steps; ++s) r.machine.fire(s, 0, state_->time, n, r.scratch);
    if (r.end >= 0) {
      const lacquer_bus& bus = r.machine.heard(r.end, 0, 0);
      for (std::uint32_t c = 0; c < bus.count; ++c) std::copy_n(bus.channel[c], n, out[c] + done);
    }
    state_->time += n;
    done += n;
  }
  for (int s = 0; s < steps; ++s)
    if (const NodeState* node = r.machine.node(s))
      for (std::size_t i = 0; i < node->results().size(); ++i)
        r.published[std::size_t(s)][i].store(node->results()[i], std::memory_order_relaxed);
}

void Engine::set(const std::string& path, const std::string& value) {
  Running& r = *state_->running;
  for (std::size_t v = 0; v < r.graph.vertices.size(); ++v) {
    const Vertex& vertex = r.graph.vertices[v];
    if (!vertex.type || path.size() <= vertex.name.size() || !path.starts_with(vertex.name) ||
        path[vertex.name.size()] != '.')
      continue;
    const int slot = vertex.slot(std::string_view(path).substr(vertex.name.size() + 1));
    if (slot < 0) continue;
    const lacquer_param& param = vertex.param(std::uint32_t(slot));
    const float x = parse(value, param);
    if (param.motion == LACQUER_FIXED)
      throw Complaint{path + " cannot change while running", "swap in a graph that has it so"};
    if (const int step = r.machine.plan().step_of[v]; step >= 0) r.changes.enqueue({step, std::uint32_t(slot), x});
    return;
  }
  throw Complaint{"there is no " + path, ""};
}

double Engine::result(const std::string& path) const noexcept {
  const Running& r = *state_->running;
  for (std::size_t v = 0; v < r.graph.vertices.size(); ++v) {
    const Vertex& vertex = r.graph.vertices[v];
    if (!vertex.type || path.size() <= vertex.name.size() || !path.starts_with(vertex.name) ||
        path[vertex.name.size()] != '.')
      continue;
    const int step = r.machine.plan().step_of[v];
    for (std::uint32_t i = 0; step >= 0 && i < vertex.type->result_count; ++i)
      if (std::string_view(path).substr(vertex.name.size() + 1) == vertex.type->results[i].name)
        return r.published[std::size_t(step)][i].load(std::memory_order_relaxed);
  }
  return std::numeric_limits<double>::quiet_NaN();
}

void Engine::swap(const Graph& graph) { state_->running = std::make_unique<Running>(graph, state_->format); }

}  // namespace lacquer
