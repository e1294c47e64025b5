#include "core/engine/engine.hpp"

#include "core/engine/sweep.hpp"
#include "core/graph/check.hpp"
#include "core/simd/cpu.hpp"
#include "core/simd/simd.hpp"
#include "core/units.hpp"

#include <concurrentqueue/concurrentqueue.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <mutex>
#include <thread>
#include <utility>

namespace lacquer {
namespace {

/// What the audio thread is through with: handed back over a list without locks, destroyed on the control side.
struct Retired {
  Retired* next = nullptr;
  virtual ~Retired() = default;
};
class Retirement {
public:
  void push(Retired* r) noexcept {  // [audio]
    r->next = first_.load(std::memory_order_relaxed);
    while (!first_.compare_exchange_weak(r->next, r, std::memory_order_release, std::memory_order_relaxed)) {}
  }
  Retired* take() noexcept { return first_.exchange(nullptr, std::memory_order_acquire); }  // [control]

private:
  std::atomic<Retired*> first_{nullptr};
};

struct Change : Retired {
  Change(std::shared_ptr<NodeState> n, std::uint32_t s, float v, std::int64_t g)
      : node(std::move(n)), slot(s), value(v), graph_number(g) {}
  std::shared_ptr<NodeState> node;
  std::uint32_t slot;
  float value;
  std::int64_t graph_number;  // meant for this graph, which may not have begun yet
};

struct Transition : Retired {
  Transition(const Machine& before, const Machine& after)
      : machine(before, after), scratch(machine.widest(), after.format().block) {
    for (int s = 0; s < int(machine.plan().steps.size()); ++s) {
      const Plan::Step& step = machine.plan().steps[std::size_t(s)];
      if (step.kind == Plan::Step::input) inputs.emplace_back(s, step.input_number);
      if (step.kind == Plan::Step::end) end = s;
    }
  }
  Machine machine;
  Scratch scratch;
  std::vector<std::pair<int, int>> inputs;  // step, input
  int end = -1;
};

/// One graph, ready to run.
struct Running : Retired {
  Graph graph;  // with what was set since
  Machine machine;
  std::vector<Scratch> scratch;  // by thread
  Sweep sweep;
  std::vector<std::pair<int, int>> inputs;  // step, input
  std::vector<int> first_channel;           // of process's `in`, by input
  std::vector<NodeState*> reporters;
  int end = -1, in_channels = 0;
  std::int64_t number = 0;                       // of the graphs this engine was given
  std::unique_ptr<Transition> transition;        // from what ran before
  std::vector<std::unique_ptr<Change>> changes;  // settings of nodes that stay, when it begins

  Running(Graph g, Machine m, const LiveFormat& f, int threads)
      : graph(std::move(g)), machine(std::move(m)), sweep(machine, threads) {
    const Plan& plan = machine.plan();
    for (int t = 0; t < threads; ++t) scratch.emplace_back(machine.widest(), f.max_frames);
    for (const Vertex& v : graph.vertices)
      if (v.kind == Vertex::input) {
        first_channel.push_back(in_channels);
        in_channels += v.channels ? v.channels : f.channels;
      }
    for (int s = 0; s < int(plan.steps.size()); ++s) {
      const Plan::Step& step = plan.steps[std::size_t(s)];
      if (step.kind == Plan::Step::input) inputs.emplace_back(s, step.input_number);
      if (step.kind == Plan::Step::end) end = s;
      if (NodeState* n = machine.node(s); n && n->type().result_count) reporters.push_back(n);
    }
  }
  int out_channels() const { return end < 0 ? 0 : machine.plan().steps[std::size_t(end)].channels; }
};

PlanRequest request_for(const Graph& g, const LiveFormat& f) {
  std::vector<Problem> problems;
  for (const Vertex& v : g.vertices)
    if (v.type && v.type->listen) {
      Where where = v.where;
      if (where.file.empty()) where.file = v.name;
      problems.push_back(
          {where, std::string(v.type->name) + " must hear the whole programme first, which a live stream does not have",
           "render files with it, or leave it out"});
    }
  if (!problems.empty()) throw Problems(std::move(problems));
  PlanRequest request;
  request.channels = f.channels;
  request.merge = false;  // each can be set apart from the others
  if (g.end.vertex >= 0) request.ends = {&g.end, 1};
  return request;
}

MachineFormat format_of(const LiveFormat& f) {
  MachineFormat format;
  format.rate_hz = f.rate_hz;
  format.block = format.node_block = f.max_frames;
  format.live = true;
  return format;
}

/// The vertex and what comes after its name and a dot: "punch.glue.ratio" is ratio of punch.glue.
const Vertex* named(const Graph& g, std::string_view path, std::string_view& rest) {
  for (const Vertex& v : g.vertices)
    if (v.type && path.size() > v.name.size() && path[v.name.size()] == '.' && path.starts_with(v.name)) {
      rest = path.substr(v.name.size() + 1);
      if (v.slot(rest) >= 0) return &v;
      for (std::uint32_t r = 0; r < v.type->result_count; ++r)
        if (rest == v.type->results[r].name) return &v;
    }
  return nullptr;
}

}  // namespace

struct Engine::State {
  LiveFormat format;
  int threads = 1;

  // [control], under the lock
  std::mutex lock;
  std::int64_t graphs = 0;
  Running* latest = nullptr;                      // begun or not
  Running* base = nullptr;                        // what runs or is fading in: what comes next fades from it
  std::vector<std::unique_ptr<Retired>> waiting;  // helpers may still be looking at them

  // between control and audio
  alignas(cache_line) std::atomic<Running*> pending{nullptr};
  moodycamel::ConcurrentQueue<Change*> commands{256};
  Retirement retired;
  std::atomic<std::int64_t> blocks{0}, shared{0}, swaps{0};
  std::atomic<int> always{-1};

  // [audio]
  std::int64_t time = 0;
  Transition* fading = nullptr;
  Change *first_held = nullptr, *last_held = nullptr;
  std::uint64_t last_start = 0;

  // between audio and helpers
  alignas(cache_line) std::atomic<Running*> current{nullptr};
  alignas(cache_line) std::atomic<std::uint32_t> epoch{0};               // odd: a block is being shared
  alignas(cache_line) std::atomic<std::uint64_t> started{0}, period{0};  // ticks: last block, and between blocks
  std::atomic<bool> sharing{false};
  alignas(cache_line) std::atomic<std::uint32_t> bell{0};
  std::atomic<bool> leave{false};
  std::atomic<int> present{0};
  struct alignas(cache_line) Hazard {
    std::atomic<Running*> running{nullptr};
  };
  std::vector<Hazard> hazards;
  std::vector<std::thread> helpers;

  ~State();
  void start_helpers();
  void help(int thread);
  bool help_once(int thread) noexcept;
  void rest(int& idle) noexcept;

  void process(const float* const* in, float* const* out, int frames) noexcept;
  void begin_pending() noexcept;
  void apply(Change&) noexcept;
  void apply_changes() noexcept;
  void fill(const Machine& machine, const std::vector<std::pair<int, int>>& inputs, const Running& r,
            const float* const* in, int done, int frames) noexcept;

  void put(const Graph& graph);
  void reclaim();
};

// ---- audio ----------------------------------------------------------------------------------------------------------

void Engine::State::apply(Change& c) noexcept {
  c.node->set(c.slot, c.value);
  retired.push(&c);
}

// Changes meant for a graph that has not begun wait until it has.
void Engine::State::apply_changes() noexcept {
  const std::int64_t number = current.load(std::memory_order_relaxed)->number;
  while (first_held && first_held->graph_number <= number) {
    Change* c = std::exchange(first_held, static_cast<Change*>(first_held->next));
    apply(*c);
  }
  Change* c;
  while (commands.try_dequeue(c)) {
    if (c->graph_number <= number) {
      apply(*c);
      continue;
    }
    c->next = nullptr;
    if (first_held)
      last_held->next = c;
    else
      first_held = c;
    last_held = c;
  }
}

// The new graph takes over: one exchange, and one store the helpers see.
void Engine::State::begin_pending() noexcept {
  if (fading || !pending.load(std::memory_order_relaxed)) return;
  Running* next = pending.exchange(nullptr, std::memory_order_acq_rel);
  if (!next) return;
  apply_changes();  // of the graph before, which are older
  for (auto& c : next->changes) c->node->set(c->slot, c->value);
  fading = next->transition.release();
  if (fading)
    fading->machine.set_fade(time + std::max(next->machine.plan().longest, fading->machine.plan().longest),
                             std::max(1, int(0.020 * format.rate_hz)));
  Running* before = current.exchange(next, std::memory_order_seq_cst);
  swaps.store(swaps.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  if (before) retired.push(before);
}

void Engine::State::fill(const Machine& machine, const std::vector<std::pair<int, int>>& inputs, const Running& r,
                         const float* const* in, int done, int frames) noexcept {
  for (const auto& [step, number] : inputs) {
    const lacquer_bus& bus = machine.output(step, 0, 0);
    for (std::uint32_t c = 0; c < bus.count; ++c)
      simd().engine.clean(bus.channel[c], in[r.first_channel[std::size_t(number)] + int(c)] + done, frames);
  }
}

void Engine::State::process(const float* const* in, float* const* out, int frames) noexcept {
  const NoDenormals here;
  const std::uint64_t start = ticks();
  if (last_start) {
    const std::uint64_t now = start - last_start, was = period.load(std::memory_order_relaxed);
    period.store(was ? was - was / 8 + now / 8 : now, std::memory_order_relaxed);
  }
  last_start = start;
  for (int done = 0; done < frames;) {
    begin_pending();
    apply_changes();
    const int n = std::min(frames - done, format.max_frames);
    Running& r = *current.load(std::memory_order_relaxed);
    const Machine* machine = &r.machine;
    int end = r.end;
    if (fading) {
      machine = &fading->machine;
      end = fading->end;
      fill(*machine, fading->inputs, r, in, done, n);
      for (int s = 0; s < int(machine->plan().steps.size()); ++s) fading->machine.fire(s, 0, time, n, fading->scratch);
    } else {
      fill(*machine, r.inputs, r, in, done, n);
      const int forced = always.load(std::memory_order_relaxed);
      const bool share = threads > 1 && (forced < 0 ? r.sweep.worth_sharing() : forced > 0);
      sharing.store(share, std::memory_order_relaxed);
      if (share) epoch.fetch_add(1, std::memory_order_release);
      r.sweep.run(time, n, r.scratch[0], share);
      if (share) {
        epoch.fetch_add(1, std::memory_order_release);
        shared.store(shared.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
      }
    }
    if (end >= 0) {
      const lacquer_bus& bus = machine->heard(end, 0, 0);
      for (std::uint32_t c = 0; c < bus.count; ++c) simd().engine.clean(out[c] + done, bus.channel[c], n);
    }
    time += n;
    done += n;
    blocks.store(blocks.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    if (fading && fading->machine.faded(time)) retired.push(std::exchange(fading, nullptr));
  }
  for (NodeState* n : current.load(std::memory_order_relaxed)->reporters) n->publish();
  // Told only now: a helper that waits for this block must not take it for one that is long over.
  started.store(start, std::memory_order_release);
}

// ---- helpers --------------------------------------------------------------------------------------------------------

void Engine::State::start_helpers() {
  hazards = std::vector<Hazard>(std::size_t(threads));
  for (int t = 1; t < threads; ++t) {
    present.fetch_add(1);
    const auto work = [this, t] {
      help(t);
      present.fetch_sub(1, std::memory_order_release);
    };
    if (format.start_helper)
      format.start_helper(work);
    else
      helpers.emplace_back(work);
  }
}

bool Engine::State::help_once(int thread) noexcept {
  std::atomic<Running*>& hazard = hazards[std::size_t(thread)].running;
  Running* r = current.load(std::memory_order_acquire);
  hazard.store(r, std::memory_order_seq_cst);
  // Only what is still current after it was named here is sure to be there: reclaim looks after it has changed.
  const bool helped =
      r && r == current.load(std::memory_order_seq_cst) && r->sweep.help(thread, r->scratch[std::size_t(thread)]);
  hazard.store(nullptr, std::memory_order_release);
  return helped;
}

// Rests until shortly before the next block is to be expected, and looks out for it around that time. The audio thread
// wakes nobody: that would cost it a system call, and more time than a helper saves.
void Engine::State::rest(int& idle) noexcept {
  constexpr double early_us = 80, late_us = 200, nap_us = 2000;
  const double per_us = ticks_per_ns() * 1000;
  if (++idle < 200) return relax();
  const std::uint32_t heard = bell.load(std::memory_order_acquire);
  if (leave.load(std::memory_order_acquire)) return;
  if (epoch.load(std::memory_order_acquire) & 1) {  // a block with nothing to take right now
    if (idle > 2000) give_way();
    return relax();
  }
  const double since = double(ticks() - started.load(std::memory_order_acquire)) / per_us;
  const double until = double(period.load(std::memory_order_relaxed)) / per_us - since;
  if (!sharing.load(std::memory_order_relaxed) || until < -late_us)
    park(bell, heard, std::int64_t(nap_us * 1000));
  else if (until > early_us + 20)
    park(bell, heard, std::int64_t(std::min(until - early_us, nap_us) * 1000));
  else
    relax();
}

void Engine::State::help(int thread) {
  const NoDenormals here;
  be_punctual();
  for (int idle = 0; !leave.load(std::memory_order_acquire);)
    if ((epoch.load(std::memory_order_acquire) & 1) && help_once(thread))
      idle = 0;
    else
      rest(idle);
}

// ---- control --------------------------------------------------------------------------------------------------------

/// Destroys what came back, except what a helper still looks at.
void Engine::State::reclaim() {
  for (Retired* r = retired.take(); r;) {
    Retired* next = r->next;
    waiting.emplace_back(r);
    r = next;
  }
  std::erase_if(waiting, [&](const std::unique_ptr<Retired>& r) {
    return std::none_of(hazards.begin(), hazards.end(),
                        [&](const Hazard& h) { return h.running.load(std::memory_order_seq_cst) == r.get(); });
  });
}

void Engine::State::put(const Graph& graph) {
  const PlanRequest request = request_for(graph, format);
  // What was not begun yet is taken back: the new graph follows the one that runs.
  std::unique_ptr<Running> passed_over(pending.exchange(nullptr, std::memory_order_acq_rel));
  if (!passed_over) base = latest;
  const auto put_back = [&] {
    latest = passed_over ? passed_over.get() : base;
    if (passed_over) pending.store(passed_over.release(), std::memory_order_release);
  };
  std::unique_ptr<Running> next;
  try {
    std::vector<std::string> anew;
    while (!next) {
      try {
        next = std::make_unique<Running>(
            graph,
            base ? Machine(graph, request, format_of(format), base->machine, base->graph, anew)
                 : Machine(graph, request, format_of(format)),
            format, threads);
        if (!base) break;
        if (next->in_channels != base->in_channels || next->out_channels() != base->out_channels())
          throw Problems({{{"the graph"},
                           "it has " + std::to_string(next->in_channels) + " channels in and " +
                               std::to_string(next->out_channels()) + " out, the running one " +
                               std::to_string(base->in_channels) + " and " + std::to_string(base->out_channels()),
                           "make another engine for it"}});
        next->transition = std::make_unique<Transition>(base->machine, next->machine);
      } catch (const Machine::Circle& circle) {
        anew.insert(anew.end(), circle.names.begin(), circle.names.end());
        next = nullptr;
      }
    }
  } catch (...) {
    put_back();
    throw;
  }
  next->number = ++graphs;
  if (base)
    for (std::size_t v = 0; v < graph.vertices.size(); ++v) {
      const Vertex& now = graph.vertices[v];
      const int step = next->machine.plan().step_of[v];
      const int old = step < 0 || !now.type ? -1 : base->graph.find(now.name);
      const int old_step = old < 0 ? -1 : base->machine.plan().step_of[std::size_t(old)];
      if (old_step < 0 || base->machine.node(old_step) != next->machine.node(step)) continue;
      for (std::uint32_t s = 0; s < now.slots(); ++s)
        if (now.values[s] != base->graph.vertices[std::size_t(old)].values[s])
          next->changes.push_back(
              std::make_unique<Change>(next->machine.shared_node(step), s, now.values[s], next->number));
    }
  if (passed_over) waiting.push_back(std::move(passed_over));
  latest = next.release();
  if (base) {
    pending.store(latest, std::memory_order_release);
  } else {
    base = latest;
    current.store(latest, std::memory_order_release);
  }
}

Engine::State::~State() {
  leave.store(true, std::memory_order_release);
  bell.fetch_add(1, std::memory_order_release);
  unpark(bell, threads);
  for (std::thread& h : helpers) h.join();
  while (present.load(std::memory_order_acquire)) give_way();
  Change* c;
  while (commands.try_dequeue(c)) delete c;
  while (first_held) delete std::exchange(first_held, static_cast<Change*>(first_held->next));
  reclaim();
  delete fading;
  delete pending.load();
  delete current.load();
}

Engine::Engine(const Graph& graph, const LiveFormat& format) : state_(std::make_unique<State>()) {
  check(graph);
  State& s = *state_;
  s.format = format;
  s.format.max_frames = std::clamp(format.max_frames, 1, 65536);
  s.threads = 1 + (format.helpers < 0 ? std::max(0, usable_threads() - 1) : std::min(format.helpers, 63));
  s.put(graph);
  ticks_per_ns();
  s.start_helpers();
}
Engine::~Engine() = default;
Engine::Engine(Engine&&) noexcept = default;

void Engine::process(const float* const* in, float* const* out, int frames) noexcept {
  if (state_) state_->process(in, out, frames);
}

int Engine::inputs() const {
  const std::lock_guard guard(state_->lock);
  return state_->latest->in_channels;
}
int Engine::outputs() const {
  const std::lock_guard guard(state_->lock);
  return state_->latest->out_channels();
}
int Engine::latency() const {
  const std::lock_guard guard(state_->lock);
  return int(state_->latest->machine.plan().latency);
}

void Engine::set(const std::string& path, const std::string& value) {
  const std::lock_guard guard(state_->lock);
  Running& r = *state_->latest;
  std::string_view rest;
  const Vertex* vertex = named(r.graph, path, rest);
  const int slot = vertex ? vertex->slot(rest) : -1;
  if (slot < 0) throw Complaint{"there is no " + path, ""};
  const lacquer_param& param = vertex->param(std::uint32_t(slot));
  const float x = parse(value, param);
  if (param.motion == LACQUER_FIXED) throw Complaint{path + " cannot change while running", "swap in a graph with it"};
  const auto v = std::size_t(vertex - r.graph.vertices.data());
  r.graph.vertices[v].values[std::size_t(slot)] = x;
  if (const int step = r.machine.plan().step_of[v]; step >= 0)
    state_->commands.enqueue(new Change(r.machine.shared_node(step), std::uint32_t(slot), x, r.number));
  state_->reclaim();
}

double Engine::result(const std::string& path) const noexcept {
  const std::lock_guard guard(state_->lock);
  const Running& r = *state_->latest;
  std::string_view rest;
  const Vertex* vertex = named(r.graph, path, rest);
  const int step = vertex ? r.machine.plan().step_of[std::size_t(vertex - r.graph.vertices.data())] : -1;
  for (std::uint32_t i = 0; step >= 0 && i < vertex->type->result_count; ++i)
    if (rest == vertex->type->results[i].name) return r.machine.node(step)->read(i);
  return std::numeric_limits<double>::quiet_NaN();
}

void Engine::swap(const Graph& graph) {
  check(graph);
  const std::lock_guard guard(state_->lock);
  state_->put(graph);
  state_->reclaim();
}

std::vector<std::string> Engine::failed() const {
  const std::lock_guard guard(state_->lock);
  std::vector<std::string> names;
  const Machine& m = state_->latest->machine;
  for (int s = 0; s < int(m.plan().steps.size()); ++s)
    if (m.node(s) && m.node(s)->failed()) names.push_back(m.names()[std::size_t(s)]);
  return names;
}

Engine::Stats Engine::stats() const {
  const std::lock_guard guard(state_->lock);
  return {state_->blocks.load(), state_->shared.load(), state_->latest->sweep.helped(), state_->swaps.load()};
}

void Engine::share(int always) { state_->always.store(always, std::memory_order_relaxed); }

}  // namespace lacquer
