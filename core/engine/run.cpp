#include "core/engine/run.hpp"

#include "core/engine/machine.hpp"
#include "core/simd/cpu.hpp"
#include "core/simd/simd.hpp"

#include <algorithm>
#include <limits>

namespace lacquer {
namespace {

class Run {
public:
  Run(const Graph& graph, std::span<Source* const> inputs, std::span<const std::pair<Wire, Sink*>> sinks,
      const RunOptions& options, NodeStates* states, std::span<const std::string> listening)
      : graph_(graph), inputs_(inputs), sinks_(sinks), options_(options), machine_(make(states, listening)) {}

  RunResults go(NodeStates* states);

private:
  Machine make(NodeStates* states, std::span<const std::string> listening) {
    std::vector<int> widths;
    for (const Source* s : inputs_) widths.push_back(s->channels());
    std::vector<Wire> ends;
    for (const auto& [wire, sink] : sinks_) ends.push_back(wire);
    PlanRequest request;
    request.input_channels = widths;
    for (const int w : widths) request.channels = std::max(request.channels, w);
    request.ends = ends;
    request.listening = listening;
    MachineFormat format;
    format.rate_hz = options_.rate_hz;
    format.block = std::clamp(options_.block, 1, 65536);
    format.length = options_.frames;
    return Machine(graph_, request, format, states);
  }

  void step(int number, int slot, std::int64_t time, int frames, const Scratch& scratch);
  void read(int number, int slot, std::int64_t time, int frames);
  void write(int number, int slot, std::int64_t time, int frames);
  RunResults collect();

  const Graph& graph_;
  std::span<Source* const> inputs_;
  std::span<const std::pair<Wire, Sink*>> sinks_;
  const RunOptions& options_;
  Machine machine_;
  std::atomic<std::int64_t> non_finite_{0};
};

void Run::read(int number, int slot, std::int64_t time, int frames) {
  const lacquer_bus& bus = machine_.output(number, 0, slot);
  const int n = int(std::clamp<std::int64_t>(options_.frames - time, 0, frames));
  Source* source = inputs_[std::size_t(machine_.plan().steps[std::size_t(number)].input_number)];
  if (n) source->read(bus.channel, n);
  int bad = 0;
  for (std::uint32_t c = 0; c < bus.count; ++c) {
    bad += simd().engine.clean(bus.channel[c], bus.channel[c], n);
    std::fill_n(bus.channel[c] + n, frames - n, 0.0f);
  }
  if (bad) non_finite_.fetch_add(bad, std::memory_order_relaxed);
}

void Run::write(int number, int slot, std::int64_t time, int frames) {
  const Plan::Step& s = machine_.plan().steps[std::size_t(number)];
  const auto first = std::clamp<std::int64_t>(s.arrival - time, 0, frames);
  const auto last = std::clamp<std::int64_t>(s.arrival + options_.frames - time, 0, frames);
  if (first >= last) return;
  const lacquer_bus& bus = machine_.heard(number, 0, slot);
  const float* channels[64];
  for (std::uint32_t c = 0; c < bus.count; ++c) channels[c] = bus.channel[c] + first;
  sinks_[std::size_t(s.place)].second->write(channels, int(last - first));
}

void Run::step(int number, int slot, std::int64_t time, int frames, const Scratch& scratch) {
  const Plan::Step::Kind kind = machine_.plan().steps[std::size_t(number)].kind;
  if (kind == Plan::Step::input) return read(number, slot, time, frames);
  machine_.fire(number, slot, time, frames, scratch);
  if (kind == Plan::Step::end) write(number, slot, time, frames);
}

RunResults Run::go(NodeStates* states) {
  const Plan& plan = machine_.plan();
  for (std::size_t i = 0; i < plan.steps.size(); ++i)
    if (const Plan::Step& s = plan.steps[i]; s.kind == Plan::Step::end)
      sinks_[std::size_t(s.place)].second->open(machine_.heard(int(i), 0, 0).count);
  const std::int64_t whole = options_.frames ? machine_.stream_frames() : 0;
  const Scratch scratch(machine_.widest(), machine_.format().block);
  std::int64_t told = 0;
  for (std::int64_t time = 0; time < whole;) {
    if (options_.cancel && options_.cancel->load(std::memory_order_relaxed)) throw Cancelled{};
    const int frames = int(std::min<std::int64_t>(machine_.format().block, whole - time));
    {
      const NoDenormals here;
      for (std::size_t s = 0; s < plan.steps.size(); ++s) step(int(s), 0, time, frames, scratch);
    }
    time += frames;
    const std::int64_t done = std::clamp<std::int64_t>(time - plan.latency, 0, options_.frames);
    if (options_.progress && (done - told >= 4096 || (time == whole && done > told))) options_.progress(told = done);
  }
  RunResults results = collect();
  if (states)
    for (std::size_t i = 0; i < plan.steps.size(); ++i)
      if (NodeState* node = machine_.node(int(i)); node && node->listening) {
        node->listening = false;
        (*states)[graph_.vertices[std::size_t(plan.steps[i].place)].name] = machine_.shared_node(int(i));
      }
  return results;
}

RunResults Run::collect() {
  RunResults results;
  const Plan& plan = machine_.plan();
  results.latency = plan.latency;
  results.non_finite = non_finite_;
  for (std::size_t i = 0; i < plan.steps.size(); ++i)
    if (NodeState* node = machine_.node(int(i))) node->finish();
  for (std::size_t v = 0; v < graph_.vertices.size(); ++v) {
    if (plan.step_of[v] < 0) continue;
    const NodeState* node = machine_.node(plan.step_of[v]);
    if (!node) continue;
    const auto copy = [](std::span<const double> s) { return std::vector<double>(s.begin(), s.end()); };
    results.nodes.push_back({graph_.vertices[v].name, &node->type(), copy(node->results()), copy(node->lowest()),
                             copy(node->highest()), node->listening ? "" : node->details(), node->latency()});
  }
  return results;
}

}  // namespace

double RunResults::value(const std::string& node, const std::string& result) const {
  for (const Node& n : nodes)
    if (n.name == node)
      for (std::uint32_t r = 0; r < n.type->result_count; ++r)
        if (n.type->results[r].name == result) return n.last[r];
  return std::numeric_limits<double>::quiet_NaN();
}

RunResults run(const Graph& graph, std::span<Source* const> inputs, std::span<const std::pair<Wire, Sink*>> sinks,
               const RunOptions& options, NodeStates* states, std::span<const std::string> listening) {
  return Run(graph, inputs, sinks, options, states, listening).go(states);
}

}  // namespace lacquer
