#include "core/engine/run.hpp"

#include "core/engine/machine.hpp"
#include "core/engine/pipeline.hpp"
#include "core/engine/profile.hpp"
#include "core/graph/check.hpp"
#include "core/simd/cpu.hpp"
#include "core/simd/simd.hpp"

#include <algorithm>
#include <exception>
#include <limits>

namespace lacquer {
namespace {

constexpr std::int64_t looked_at = 4;          // blocks run by one thread, to see what they cost
constexpr int least_frames = 1024;             // of a firing: what a firing costs should not show
constexpr std::size_t most_memory = 96 << 20;  // bytes on all wires

class Run {
public:
  Run(const Graph& graph, std::span<Source* const> inputs, std::span<const std::pair<Wire, Sink*>> sinks,
      const RunOptions& options, NodeStates* states, std::span<const std::string> listening)
      : graph_(graph),
        inputs_(inputs),
        sinks_(sinks),
        options_(options),
        threads_(std::clamp(options.threads > 0 ? options.threads : usable_threads(), 1, 256)),
        machine_(make(states, listening)),
        whole_(options.frames > 0 ? machine_.stream_frames() : 0) {}

  RunResults go(NodeStates* states);

private:
  Machine make(NodeStates* states, std::span<const std::string> listening);
  std::int64_t blocks() const { return (whole_ + machine_.format().block - 1) / machine_.format().block; }
  std::int64_t run_alone(std::int64_t block, std::int64_t last);
  bool worth_sharing() const;
  void run_shared(std::int64_t block);

  void step(int number, int slot, std::int64_t block, int thread);
  void read(int number, int slot, std::int64_t time, int frames);
  void write(int number, int slot, std::int64_t time, int frames);
  void tell(std::int64_t time);
  RunResults collect();

  const Graph& graph_;
  std::span<Source* const> inputs_;
  std::span<const std::pair<Wire, Sink*>> sinks_;
  const RunOptions& options_;
  int threads_;
  Machine machine_;
  std::int64_t whole_;                               // frames of stream
  std::vector<Scratch> scratch_;                     // by thread
  std::vector<std::vector<const float*>> pointers_;  // by end
  std::vector<std::uint64_t> cost_;                  // by step: ticks, in the blocks looked at
  std::unique_ptr<Profile> profile_;
  bool timed_ = false;
  Pipeline* pipeline_ = nullptr;
  std::atomic<bool> failed_{false};
  std::exception_ptr failure_;
  std::vector<std::atomic<std::int64_t>> written_;  // by end: stream frames
  std::int64_t told_ = 0;
  std::atomic<std::int64_t> non_finite_{0};
};

Machine Run::make(NodeStates* states, std::span<const std::string> listening) {
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
  format.node_block = std::clamp(options_.block, 1, 65536);
  format.block = options_.always_share ? format.node_block : std::max(format.node_block, least_frames);
  format.length = std::max<std::int64_t>(0, options_.frames);
  format.slots = threads_ > 1 ? std::clamp(options_.slots, 1, 64) : 1;
  format.one_by_one = threads_ == 1;
  format.pipelined = threads_ > 1;
  format.most_memory = most_memory;
  return Machine(graph_, request, format, states);
}

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
  const auto end = std::size_t(s.place);
  if (first < last) {
    const lacquer_bus& bus = machine_.heard(number, 0, slot);
    for (std::uint32_t c = 0; c < bus.count; ++c) pointers_[end][c] = bus.channel[c] + first;
    sinks_[end].second->write(pointers_[end].data(), int(last - first));
  }
  written_[end].store(time + frames - s.arrival, std::memory_order_relaxed);
  if (end == 0) {
    std::int64_t done = options_.frames;
    for (const auto& w : written_) done = std::min(done, w.load(std::memory_order_relaxed));
    tell(done);
  }
}

// By one thread at a time: that of the first end, or the only one there is.
void Run::tell(std::int64_t done) {
  done = std::clamp<std::int64_t>(done, 0, options_.frames);
  if (!options_.progress || (done - told_ < 4096 && (done < options_.frames || done == told_))) return;
  told_ = done;
  options_.progress(done);
}

void Run::step(int number, int slot, std::int64_t block, int thread) {
  const std::int64_t time = block * machine_.format().block;
  const int frames = int(std::min<std::int64_t>(machine_.format().block, whole_ - time));
  const Plan::Step::Kind kind = machine_.plan().steps[std::size_t(number)].kind;
  const std::uint64_t begin = timed_ ? ticks() : 0;
  if (kind == Plan::Step::input)
    read(number, slot, time, frames);
  else
    machine_.fire(number, slot, time, frames, scratch_[std::size_t(thread)]);
  if (kind == Plan::Step::end) write(number, slot, time, frames);
  if (const NodeState* node = machine_.node(number); node && node->failed())
    throw Problems({{{machine_.names()[std::size_t(number)]},
                     "it failed at " + std::to_string(double(time) / options_.rate_hz) + " s",
                     "leave it out, or report it to whoever made it"}});
  if (!timed_) return;
  const std::uint64_t end = ticks();
  if (!pipeline_) cost_[std::size_t(number)] += end - begin;
  if (profile_) profile_->add(thread, number, block, begin, end);
}

// One block after the other on this thread. Returns the first one not run.
std::int64_t Run::run_alone(std::int64_t block, std::int64_t last) {
  const int steps = int(machine_.plan().steps.size());
  for (; block < last; ++block) {
    if (options_.cancel && options_.cancel->load(std::memory_order_relaxed)) throw Cancelled{};
    {
      const NoDenormals here;
      for (int s = 0; s < steps; ++s) step(s, 0, block, 0);
    }
    if (sinks_.empty()) tell((block + 1) * machine_.format().block - machine_.plan().latency);
  }
  return block;
}

// From what the first blocks took: would several threads be faster?
bool Run::worth_sharing() const {
  constexpr double unit_ns = 100;  // a unit taken over from another core
  double all = 0, longest = 0;
  for (const std::uint64_t c : cost_) {
    all += double(c);
    longest = std::max(longest, double(c));
  }
  const double overhead = double(cost_.size()) * unit_ns * ticks_per_ns() * double(looked_at);
  return std::max(all / threads_, longest) + overhead < 0.9 * all;
}

void Run::run_shared(std::int64_t block) {
  const TaskGraph tasks = task_graph(machine_.plan());
  Pipeline pipeline(tasks, threads_, machine_.format().slots);
  pipeline_ = &pipeline;
  pipeline.run(
      block, blocks(),
      [](void* self, int task, std::int64_t b, int thread) noexcept {
        Run& run = *static_cast<Run*>(self);
        try {
          if (run.options_.cancel && run.options_.cancel->load(std::memory_order_relaxed)) throw Cancelled{};
          run.step(task, int(b % run.machine_.format().slots), b, thread);
          if (run.sinks_.empty() && task == int(run.machine_.plan().steps.size()) - 1)
            run.tell((b + 1) * run.machine_.format().block - run.machine_.plan().latency);
        } catch (...) {
          if (!run.failed_.exchange(true)) run.failure_ = std::current_exception();
          run.pipeline_->stop();
        }
      },
      this);
  pipeline_ = nullptr;
  if (failure_) std::rethrow_exception(failure_);
}

RunResults Run::go(NodeStates* states) {
  const Plan& plan = machine_.plan();
  written_ = std::vector<std::atomic<std::int64_t>>(sinks_.size());
  pointers_.resize(sinks_.size());
  for (std::size_t i = 0; i < plan.steps.size(); ++i)
    if (const Plan::Step& s = plan.steps[i]; s.kind == Plan::Step::end) {
      pointers_[std::size_t(s.place)].resize(std::size_t(s.channels));
      sinks_[std::size_t(s.place)].second->open(s.channels);
    }
  for (int t = 0; t < threads_; ++t) scratch_.emplace_back(machine_.widest(), machine_.format().block);
  cost_.resize(plan.steps.size());
  if (!options_.profile.empty()) profile_ = std::make_unique<Profile>(step_names(graph_, plan), threads_);

  timed_ = profile_ || threads_ > 1;
  const std::int64_t alone = threads_ == 1 ? blocks() : options_.always_share ? 0 : std::min(looked_at, blocks());
  const std::int64_t block = run_alone(0, alone);
  timed_ = profile_ != nullptr;
  if (block < blocks()) {
    if (options_.always_share || worth_sharing())
      run_shared(block);
    else
      run_alone(block, blocks());
  }
  tell(options_.frames);
  if (profile_) profile_->write(options_.profile);

  RunResults results = collect();
  if (profile_) results.profile = profile_->table(plan);
  if (states)
    for (std::size_t i = 0; i < plan.steps.size(); ++i)
      if (NodeState* node = machine_.node(int(i)); node && node->listening()) {
        node->listen(false);
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
                             copy(node->highest()), node->listening() ? "" : node->details(), node->latency()});
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
  check(graph);
  return Run(graph, inputs, sinks, options, states, listening).go(states);
}

}  // namespace lacquer
