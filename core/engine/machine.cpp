#include "core/engine/machine.hpp"

#include "core/simd/simd.hpp"

#include <algorithm>
#include <cstring>
#include <functional>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace lacquer {
namespace {

using Instances = std::vector<std::shared_ptr<NodeState>>;  // by vertex

/// Compiles, making or taking each node when its shape is known.
Plan compile_with(const Graph& graph, PlanRequest& request,
                  const std::function<std::shared_ptr<NodeState>(const Vertex&, const NodeShape&)>& instance,
                  Instances& by_vertex) {
  by_vertex.resize(graph.vertices.size());
  std::vector<Problem> refused;
  request.latency = [&](int v, const NodeShape& shape) -> std::int64_t {
    try {
      auto& node = by_vertex[std::size_t(v)];
      node = instance(graph.vertices[std::size_t(v)], shape);
      return node->latency();
    } catch (const Problems& p) {
      refused.insert(refused.end(), p.list().begin(), p.list().end());
      return 0;
    }
  };
  Plan plan = compile(graph, request);
  if (!refused.empty()) throw Problems(std::move(refused));
  return plan;
}

/// The same signal, as late.
bool unchanged(const Plan::Read& was, const Plan::Read& is, const std::vector<int>& same) {
  if (was.channels != is.channels) return false;
  if (was.step < 0 || is.step < 0) return was.step < 0 && is.step < 0;
  return same[std::size_t(was.step)] == is.step && was.output == is.output && was.delay == is.delay;
}

}  // namespace

Machine::Machine(const Graph& graph, PlanRequest request, const MachineFormat& format, NodeStates* states)
    : format_(format) {
  Instances by_vertex;
  const std::unordered_set<std::string> listening(request.listening.begin(), request.listening.end());
  plan_ = compile_with(
      graph, request,
      [&](const Vertex& vertex, const NodeShape& shape) {
        std::shared_ptr<NodeState> node;
        if (states)
          if (const auto found = states->find(vertex.name);
              found != states->end() && &found->second->type() == vertex.type)
            node = found->second;
        if (!node) node = std::make_shared<NodeState>(vertex, shape, format.rate_hz, format.node_block);
        node->begin(vertex, format.rate_hz, format.live);
        node->listen(listening.contains(vertex.name));
        return node;
      },
      by_vertex);
  settle(std::move(by_vertex), graph);
  lay_out();
}

Machine::Machine(const Graph& graph, PlanRequest request, const MachineFormat& format, const Machine& before,
                 const Graph& settings, std::span<const std::string> anew)
    : format_(format) {
  std::unordered_map<std::string_view, const Vertex*> written;
  for (const Vertex& v : settings.vertices) written.emplace(v.name, &v);
  std::unordered_map<std::string_view, const std::shared_ptr<NodeState>*> running;
  for (std::size_t s = 0; s < before.nodes_.size(); ++s)
    if (before.nodes_[s]) running.emplace(before.names_[s], &before.nodes_[s]);
  for (const std::string& name : anew) running.erase(name);
  Instances by_vertex;
  plan_ = compile_with(
      graph, request,
      [&](const Vertex& vertex, const NodeShape& shape) {
        if (const auto found = running.find(vertex.name); found != running.end())
          if (const auto& node = *found->second; node->fits(vertex, shape, format.rate_hz, format.node_block) &&
                                                 written.at(vertex.name)->automation == vertex.automation)
            return node;
        auto node = std::make_shared<NodeState>(vertex, shape, format.rate_hz, format.node_block);
        node->begin(vertex, format.rate_hz, format.live);
        return node;
      },
      by_vertex);
  settle(std::move(by_vertex), graph);
  const std::vector<int> same = same_as(before);
  for (std::size_t o = 0; o < same.size(); ++o) {
    if (same[o] < 0) continue;
    const Plan::Step &was = before.plan_.steps[o], &is = plan_.steps[std::size_t(same[o])];
    for (int r = 0; r < is.reads; ++r)
      if (unchanged(before.plan_.reads[std::size_t(was.first_read + r)], plan_.reads[std::size_t(is.first_read + r)],
                    same))
        lines_[std::size_t(is.first_read + r)] = before.lines_[std::size_t(was.first_read + r)];
  }
  lay_out();
}

std::vector<int> Machine::same_as(const Machine& before) const {
  std::unordered_map<const NodeState*, int> nodes;
  std::unordered_map<int, int> inputs, ends;
  std::unordered_map<std::string_view, int> sums;
  for (int s = 0; s < int(plan_.steps.size()); ++s) {
    const Plan::Step& step = plan_.steps[std::size_t(s)];
    if (step.kind == Plan::Step::node) nodes[node(s)] = s;
    if (step.kind == Plan::Step::input) inputs[step.input_number] = s;
    if (step.kind == Plan::Step::sum) sums[names_[std::size_t(s)]] = s;
    if (step.kind == Plan::Step::end) ends[step.place] = s;
  }
  std::vector<int> same(before.plan_.steps.size(), -1);
  const auto look_up = [](const auto& map, const auto& key) {
    const auto found = map.find(key);
    return found == map.end() ? -1 : found->second;
  };
  for (std::size_t o = 0; o < same.size(); ++o) {
    const Plan::Step& was = before.plan_.steps[o];
    if (was.kind == Plan::Step::node) {
      same[o] = look_up(nodes, before.node(int(o)));
    } else if (was.kind == Plan::Step::end) {
      same[o] = look_up(ends, was.place);
    } else if (was.kind == Plan::Step::input) {
      const int s = look_up(inputs, was.input_number);
      if (s >= 0 && plan_.steps[std::size_t(s)].channels == was.channels) same[o] = s;
    } else if (was.kind == Plan::Step::sum) {
      const int s = look_up(sums, std::string_view(before.names_[o]));
      if (s < 0) continue;
      const Plan::Step& is = plan_.steps[std::size_t(s)];
      bool equal = is.reads == was.reads;
      for (int r = 0; equal && r < is.reads; ++r)
        equal = unchanged(before.plan_.reads[std::size_t(was.first_read + r)],
                          plan_.reads[std::size_t(is.first_read + r)], same);
      if (equal) same[o] = s;
    }
  }
  return same;
}

void Machine::settle(Instances by_vertex, const Graph& graph) {
  names_ = step_names(graph, plan_);
  for (const Plan::Step& s : plan_.steps)
    nodes_.push_back(s.kind == Plan::Step::node ? by_vertex[std::size_t(s.place)] : nullptr);
  lines_.resize(plan_.reads.size());
}

Machine::Machine(const Machine& before, const Machine& after) : format_(after.format_) {
  const Plan &old = before.plan_, &now = after.plan_;
  const int steps = int(now.steps.size());

  const std::vector<int> same = after.same_as(before);

  // Everything there is, loosely numbered: new steps, then old ones, then fades. Reads name these numbers.
  struct Item {
    Plan::Step step;
    std::vector<Plan::Read> reads;
    std::vector<std::shared_ptr<DelayLine>> lines;
    std::shared_ptr<NodeState> node;
    std::string name;
    bool wanted;
  };
  std::vector<Item> items;
  const auto take = [&](const Machine& from, int s, bool wanted) {
    const Plan::Step& step = from.plan_.steps[std::size_t(s)];
    Item item{step, {}, {}, from.nodes_[std::size_t(s)], from.names_[std::size_t(s)], wanted};
    for (int i = step.first_read; i < step.first_read + step.reads; ++i) {
      item.reads.push_back(from.plan_.reads[std::size_t(i)]);
      item.lines.push_back(from.lines_[std::size_t(i)]);
    }
    items.push_back(std::move(item));
  };
  for (int s = 0; s < steps; ++s) take(after, s, true);
  for (int o = 0; o < int(old.steps.size()); ++o) {
    take(before, o, false);
    for (Plan::Read& r : items.back().reads)
      if (r.step >= 0) r.step = same[std::size_t(r.step)] >= 0 ? same[std::size_t(r.step)] : steps + r.step;
  }
  for (int o = 0; o < int(old.steps.size()); ++o) {
    const Plan::Step& was = old.steps[std::size_t(o)];
    const int s = same[std::size_t(o)];
    if (s < 0 || (was.kind != Plan::Step::node && was.kind != Plan::Step::end)) continue;
    for (int r = 0; r < was.reads; ++r) {
      const Plan::Read& then = old.reads[std::size_t(was.first_read + r)];
      if (unchanged(then, now.reads[std::size_t(now.steps[std::size_t(s)].first_read + r)], same)) continue;
      Item fade{};
      fade.step.kind = Plan::Step::fade;
      fade.wanted = true;
      fade.name = "(fade to " + items[std::size_t(s)].name + ")";
      Plan::Read& is = items[std::size_t(s)].reads[std::size_t(r)];
      fade.reads = {items[std::size_t(steps + o)].reads[std::size_t(r)], is};
      fade.lines = {items[std::size_t(steps + o)].lines[std::size_t(r)], items[std::size_t(s)].lines[std::size_t(r)]};
      fade.step.channels = std::max(fade.reads[0].channels, fade.reads[1].channels);
      is = {int(items.size()), 0, fade.step.channels, 0};
      items[std::size_t(s)].lines[std::size_t(r)] = nullptr;
      items.push_back(std::move(fade));
    }
  }

  // Wanted: the new, the fades, and whatever these hear. Put in order; what remains runs in a circle.
  std::vector<int> open, order;
  for (int i = 0; i < int(items.size()); ++i)
    if (items[std::size_t(i)].wanted) open.push_back(i);
  while (!open.empty()) {
    const int i = open.back();
    open.pop_back();
    for (const Plan::Read& r : items[std::size_t(i)].reads)
      if (r.step >= 0 && !items[std::size_t(r.step)].wanted)
        items[std::size_t(r.step)].wanted = true, open.push_back(r.step);
  }
  std::vector<int> missing(items.size()), place(items.size(), -1);
  std::vector<std::vector<int>> readers(items.size());
  for (int i = 0; i < int(items.size()); ++i) {
    if (!items[std::size_t(i)].wanted) continue;
    for (const Plan::Read& r : items[std::size_t(i)].reads)
      if (r.step >= 0) ++missing[std::size_t(i)], readers[std::size_t(r.step)].push_back(i);
    if (!missing[std::size_t(i)]) order.push_back(i);
  }
  for (std::size_t k = 0; k < order.size(); ++k)
    for (const int i : readers[std::size_t(order[k])])
      if (!--missing[std::size_t(i)]) order.push_back(i);
  Circle circle;
  for (int i = 0; i < steps; ++i)
    if (missing[std::size_t(i)] && items[std::size_t(i)].node) circle.names.push_back(items[std::size_t(i)].name);
  if (!circle.names.empty()) throw circle;

  for (const int i : order) {
    Item& item = items[std::size_t(i)];
    place[std::size_t(i)] = int(plan_.steps.size());
    Plan::Step step = item.step;
    step.in_place = false;
    step.first_read = int(plan_.reads.size());
    step.reads = int(item.reads.size());
    const int first_out = int(plan_.widths.size());
    if (step.kind == Plan::Step::fade) {
      step.outs = 1;
      plan_.widths.push_back(step.channels);
    } else {
      const Plan& from = i < steps ? now : old;
      for (int o = 0; o < step.outs; ++o) plan_.widths.push_back(from.widths[std::size_t(step.first_out + o)]);
    }
    step.first_out = first_out;
    for (std::size_t r = 0; r < item.reads.size(); ++r) {
      Plan::Read read = item.reads[r];
      if (read.step >= 0) read.step = place[std::size_t(read.step)];
      plan_.reads.push_back(read);
      lines_.push_back(item.lines[r]);
    }
    plan_.steps.push_back(step);
    nodes_.push_back(item.node);
    names_.push_back(item.name);
  }
  plan_.latency = now.latency;
  lay_out();
}

void Machine::lay_out() {
  std::size_t frame_bytes = sizeof(float);
  for (const Plan::Step& s : plan_.steps) widest_ = std::max(widest_, s.channels);
  for (const int w : plan_.widths) {
    widest_ = std::max(widest_, w);
    frame_bytes += std::size_t(w) * sizeof(float) * std::size_t(format_.slots);
  }
  while (format_.block > 64 && frame_bytes * std::size_t(format_.block) > format_.most_memory)
    format_.block = (format_.block + 1) / 2;

  const auto slots = std::size_t(format_.slots);
  // One stretch of memory, so that what a block touches lies together.
  std::optional<SharedMemory> shared;
  if (!format_.pipelined) shared = share_memory(plan_, format_.one_by_one);
  int channels = widest_;
  for (const int width : shared ? shared->widths : plan_.widths) channels += width * (shared ? 1 : format_.slots);
  for (const Plan::Read& r : plan_.reads) channels += r.delay ? r.channels : 0;
  memory_.emplace(channels, format_.block);
  float* const* next = memory_->bus();
  const auto bus_of = [&](int count) { return lacquer_bus{std::exchange(next, next + count), std::uint32_t(count)}; };
  if (shared) {
    std::vector<lacquer_bus> places;
    for (const int width : shared->widths) places.push_back(bus_of(width));
    for (const int place : shared->place) wires_.push_back(places[std::size_t(place)]);
  } else {
    for (std::size_t k = 0; k < slots; ++k)
      for (const int width : plan_.widths) wires_.push_back(bus_of(width));
  }
  const lacquer_bus silence = bus_of(widest_);

  delayed_.resize(plan_.reads.size());
  reads_.resize(plan_.reads.size() * slots);
  for (const Plan::Step& s : plan_.steps)
    for (int i = s.first_read; i < s.first_read + s.reads; ++i) {
      const Plan::Read& r = plan_.reads[std::size_t(i)];
      if (r.delay) {
        if (!lines_[std::size_t(i)]) lines_[std::size_t(i)] = std::make_shared<DelayLine>(r.channels, r.delay);
        delayed_[std::size_t(i)] = bus_of(r.channels);
      }
      int wanted = r.channels;
      if (const NodeState* node = nodes_[std::size_t(&s - plan_.steps.data())].get())
        if (node->type().inputs[i - s.first_read].kind == LACQUER_MAIN) wanted = s.channels;
      for (std::size_t k = 0; k < slots; ++k) {
        lacquer_bus heard = r.delay      ? delayed_[std::size_t(i)]
                            : r.step < 0 ? lacquer_bus{silence.channel, std::uint32_t(r.channels)}
                                         : wires_[k * plan_.widths.size() + std::size_t(plan_.output(r))];
        if (wanted != r.channels) {  // one channel, heard on each of them
          pointers_.push_back(std::make_unique<float*[]>(std::size_t(wanted)));
          std::fill_n(pointers_.back().get(), wanted, heard.channel[0]);
          heard = {pointers_.back().get(), std::uint32_t(wanted)};
        }
        reads_[k * plan_.reads.size() + std::size_t(i)] = heard;
      }
    }

  for (std::size_t k = 0; k < slots; ++k)
    for (std::size_t s = 0; s < plan_.steps.size(); ++s) {
      const Plan::Step& step = plan_.steps[s];
      bool delays = false;
      for (const Plan::Read& r : plan_.reads_of(step)) delays = delays || r.delay;
      const std::int64_t stop = format_.length == INT64_MAX ? INT64_MAX : format_.length + step.need;
      firings_.push_back({nodes_[s].get(), reads_.data() + k * plan_.reads.size() + step.first_read,
                          wires_.data() + k * plan_.widths.size() + step.first_out, step.arrival, stop,
                          nodes_[s] && !delays ? stop : std::numeric_limits<std::int64_t>::min(), delays});
    }
}

void Machine::fire_other(const Firing& f, int number, int slot, std::int64_t time, int frames,
                         const Scratch& scratch) noexcept {
  const Plan::Step& s = plan_.steps[std::size_t(number)];
  frames = int(std::min<std::int64_t>(frames, f.stop - time));
  if (frames <= 0) return;
  const lacquer_bus* wires = wires_.data() + std::size_t(slot) * plan_.widths.size();
  if (f.delays)
    for (int i = s.first_read; i < s.first_read + s.reads; ++i)
      if (const Plan::Read& r = plan_.reads[std::size_t(i)]; r.delay)
        lines_[std::size_t(i)]->process(delayed_[std::size_t(i)].channel, wires[plan_.output(r)].channel, frames);
  if (f.node)
    f.node->process(time - f.arrival, format_.length, frames, f.in, f.out, scratch);
  else if (s.kind == Plan::Step::sum)
    add_up(s, slot, frames);
  else if (s.kind == Plan::Step::fade)
    cross_fade(s, slot, time, frames);
}

void Machine::add_up(const Plan::Step& s, int slot, int frames) noexcept {
  const int number = int(&s - plan_.steps.data());
  const lacquer_bus& out = output(number, 0, slot);
  for (int r = 0; r < s.reads; ++r) {
    const lacquer_bus& in = heard(number, r, slot);
    for (std::uint32_t c = 0; c < out.count; ++c) {
      const float* from = in.channel[in.count == 1 ? 0 : c];
      if (r)
        simd().add(out.channel[c], out.channel[c], from, frames);
      else if (from != out.channel[c])
        std::memcpy(out.channel[c], from, std::size_t(frames) * sizeof(float));
    }
  }
  if (!s.reads)
    for (std::uint32_t c = 0; c < out.count; ++c) std::fill_n(out.channel[c], frames, 0.0f);
}

void Machine::cross_fade(const Plan::Step& s, int slot, std::int64_t time, int frames) noexcept {
  const int number = int(&s - plan_.steps.data());
  const lacquer_bus &out = output(number, 0, slot), &from = heard(number, 0, slot), &to = heard(number, 1, slot);
  const auto before = int(std::clamp<std::int64_t>(fade_begin_ - time, 0, frames));
  const auto fading = int(std::clamp<std::int64_t>(fade_begin_ + fade_frames_ - time, 0, frames)) - before;
  const Ramp t{0, 1, int(std::clamp<std::int64_t>(time - fade_begin_, 0, fade_frames_)), fade_frames_};
  for (std::uint32_t c = 0; c < out.count; ++c) {
    const float* a = from.channel[from.count == 1 ? 0 : c];
    const float* b = to.channel[to.count == 1 ? 0 : c];
    float* o = out.channel[c];
    std::copy_n(a, before, o);
    simd().engine.fade(o + before, a + before, b + before, t, fading);
    const int faded_in = before + fading;
    std::copy_n(b + faded_in, frames - faded_in, o + faded_in);
  }
}

}  // namespace lacquer
