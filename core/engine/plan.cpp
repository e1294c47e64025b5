#include "core/engine/plan.hpp"

#include <algorithm>

namespace lacquer {
namespace {

class Compiler {
public:
  Compiler(const Graph& g, const PlanRequest& r) : graph_(g), request_(r), wiring_(g) {}

  Plan compile() {
    const std::vector<int> order = ordered(graph_);
    const std::vector<bool> keep = needed(graph_, wiring_, request_.ends, request_.listening);
    same_ = merged(graph_, wiring_, order, keep);
    if (!request_.merge)
      for (std::size_t v = 0; v < same_.size(); ++v) same_[v] = int(v);
    number_inputs();
    plan_.step_of.assign(graph_.vertices.size(), -1);
    plan_.steps.reserve(order.size() + request_.ends.size());
    plan_.reads.reserve(graph_.edges.size() + request_.ends.size());
    plan_.widths.reserve(order.size());
    for (const int v : order) {
      if (!keep[std::size_t(v)]) continue;
      if (same_[std::size_t(v)] != v)
        plan_.step_of[std::size_t(v)] = plan_.step_of[std::size_t(same_[std::size_t(v)])];
      else
        add(v);
    }
    for (std::size_t e = 0; e < request_.ends.size(); ++e) add_end(int(e));
    if (!problems_.empty()) throw Problems(std::move(problems_));
    settle_needs();
    find_in_place();
    return std::move(plan_);
  }

private:
  void complain(const Vertex& v, std::string what, std::string hint) {
    Where where = v.where;
    if (where.file.empty()) where.file = v.name;
    problems_.push_back({where, std::move(what), std::move(hint)});
  }
  static std::string wide(int channels) {
    return std::to_string(channels) + (channels == 1 ? " channel" : " channels");
  }

  void number_inputs() {
    input_number_.assign(graph_.vertices.size(), -1);
    int next = 0;
    for (std::size_t v = 0; v < graph_.vertices.size(); ++v)
      if (graph_.vertices[v].kind == Vertex::input) input_number_[v] = next++;
  }

  Plan::Read read(Wire from) const {
    const int step = plan_.step_of[std::size_t(from.vertex)];
    const Plan::Step& s = plan_.steps[std::size_t(step)];
    return {step, from.output, plan_.widths[std::size_t(s.first_out + from.output)], 0};
  }
  std::int64_t lateness(const Plan::Read& r) const {
    if (r.step < 0) return 0;
    const Plan::Step& s = plan_.steps[std::size_t(r.step)];
    return s.arrival + s.latency;
  }

  // Everything waits for what is latest. Silence waits for nothing.
  void align(Plan::Step& s) {
    const std::span<Plan::Read> all{plan_.reads.data() + s.first_read, std::size_t(s.reads)};
    for (const Plan::Read& r : all) s.arrival = std::max(s.arrival, lateness(r));
    for (Plan::Read& r : all)
      if (r.step >= 0) r.delay = s.arrival - lateness(r);
  }

  void add(int v) {
    const Vertex& vertex = graph_.vertices[std::size_t(v)];
    Plan::Step s{};
    s.place = v;
    s.first_read = int(plan_.reads.size());
    s.first_out = int(plan_.widths.size());
    switch (vertex.kind) {
      case Vertex::input:
        s.kind = Plan::Step::input;
        add_input(s, v, vertex);
        break;
      case Vertex::sum:
        s.kind = Plan::Step::sum;
        add_sum(s, v, vertex);
        break;
      case Vertex::node:
        s.kind = Plan::Step::node;
        add_node(s, v, vertex);
        break;
    }
    s.outs = int(plan_.widths.size()) - s.first_out;
    plan_.step_of[std::size_t(v)] = int(plan_.steps.size());
    plan_.steps.push_back(s);
  }

  void add_input(Plan::Step& s, int v, const Vertex& vertex) {
    s.input_number = input_number_[std::size_t(v)];
    const auto& given = request_.input_channels;
    s.channels = vertex.channels ? vertex.channels : request_.channels;
    if (!given.empty()) {
      const int connected = given[std::size_t(s.input_number)];
      if (vertex.channels && connected != vertex.channels)
        complain(vertex, vertex.name + " takes " + wide(vertex.channels) + " and is given " + wide(connected),
                 "give another, or change 'in:' in the graph");
      s.channels = connected;
    }
    plan_.widths.push_back(s.channels);
  }

  void add_sum(Plan::Step& s, int v, const Vertex& vertex) {
    for (const int i : wiring_.into(v)) {
      const Edge& e = graph_.edges[std::size_t(i)];
      plan_.reads.push_back(read({e.from, e.output}));
      s.channels = std::max(s.channels, plan_.reads.back().channels);
      ++s.reads;
    }
    if (!s.reads) s.channels = request_.channels;
    for (const Plan::Read& r : plan_.reads_of(s))
      if (r.channels != 1 && r.channels != s.channels) {
        complain(vertex, vertex.name + " adds up " + wide(r.channels) + " and " + wide(s.channels),
                 "bring both to one width, or to one channel, which goes to every other");
        break;
      }
    plan_.widths.push_back(s.channels);
    align(s);
  }

  void add_node(Plan::Step& s, int v, const Vertex& vertex) {
    const lacquer_node_type& type = *vertex.type;
    s.reads = int(type.input_count);
    plan_.reads.resize(plan_.reads.size() + type.input_count);
    const std::span<Plan::Read> reads{plan_.reads.data() + s.first_read, type.input_count};
    for (const int i : wiring_.into(v)) {
      const Edge& e = graph_.edges[std::size_t(i)];
      if (e.input < 0 || e.input >= int(type.input_count)) {
        complain(vertex, vertex.name + " has no input " + std::to_string(e.input), "");
        continue;
      }
      Plan::Read& r = reads[std::size_t(e.input)];
      if (r.step >= 0)
        complain(vertex, vertex.name + "." + type.inputs[e.input].name + " hears two things", "put a sum before it");
      r = read({e.from, e.output});
    }
    bool all_mono = type.input_count > 0;
    for (std::uint32_t p = 0; p < type.input_count; ++p) all_mono = all_mono && type.inputs[p].kind == LACQUER_MONO;
    s.channels = all_mono ? int(type.input_count) : 0;
    for (std::uint32_t p = 0; p < type.input_count; ++p)
      if (type.inputs[p].kind == LACQUER_MAIN) s.channels = std::max(s.channels, reads[p].channels);
    if (!s.channels) s.channels = request_.channels;

    shape_.channels = s.channels;
    shape_.input_channels.clear();
    for (std::uint32_t p = 0; p < type.input_count; ++p) {
      Plan::Read& r = reads[p];
      const lacquer_port& port = type.inputs[p];
      if (r.step < 0 && port.kind == LACQUER_OR_MAIN) r = reads[0];
      if (r.step < 0) r.channels = port.kind == LACQUER_MONO ? 1 : s.channels;
      const int wanted = port.kind == LACQUER_MONO ? 1 : s.channels;
      if (r.channels != wanted && port.kind != LACQUER_OR_MAIN && !(r.channels == 1))
        complain(vertex, vertex.name + "." + port.name + " takes " + wide(wanted) + " and is given " + wide(r.channels),
                 "");
      // one channel where more are taken goes to each of them
      shape_.input_channels.push_back(std::uint32_t(port.kind == LACQUER_OR_MAIN ? r.channels : wanted));
    }
    for (std::uint32_t p = 0; p < type.output_count; ++p)
      plan_.widths.push_back(type.outputs[p].kind == LACQUER_MONO ? 1 : s.channels);
    align(s);
    if (problems_.empty() && request_.latency) s.latency = request_.latency(v, shape_);
  }

  void add_end(int number) {
    const Wire w = request_.ends[std::size_t(number)];
    Plan::Step s{};
    s.kind = Plan::Step::end;
    s.place = number;
    s.first_read = int(plan_.reads.size());
    s.first_out = int(plan_.widths.size());
    s.reads = 1;
    plan_.reads.push_back(read(w));
    s.channels = plan_.reads.back().channels;
    align(s);
    plan_.latency = std::max(plan_.latency, s.arrival);
    plan_.steps.push_back(s);
  }

  // Each step runs until its own programme is through, and until those that hear it have had all of theirs.
  void settle_needs() {
    for (std::size_t i = plan_.steps.size(); i-- > 0;) {
      Plan::Step& s = plan_.steps[i];
      s.need = std::max(s.need, s.arrival);
      plan_.longest = std::max(plan_.longest, s.need);
      for (const Plan::Read& r : plan_.reads_of(s))
        if (r.step >= 0) {
          Plan::Step& from = plan_.steps[std::size_t(r.step)];
          from.need = std::max(from.need, s.need);
        }
    }
  }

  void find_in_place() {
    std::vector<int> readers(plan_.widths.size());
    for (const Plan::Read& r : plan_.reads)
      if (r.step >= 0) ++readers[std::size_t(plan_.output(r))];
    for (Plan::Step& s : plan_.steps) {
      if (!s.reads || !s.outs) continue;
      const Plan::Read& r = plan_.reads[std::size_t(s.first_read)];
      if (r.step < 0 || r.delay || r.channels != s.channels || readers[std::size_t(plan_.output(r))] != 1) continue;
      if (s.kind == Plan::Step::sum) s.in_place = true;
      if (s.kind == Plan::Step::node) {
        const lacquer_node_type& type = *graph_.vertices[std::size_t(s.place)].type;
        s.in_place = type.inputs[0].kind == LACQUER_MAIN && type.outputs[0].kind == LACQUER_MAIN;
      }
    }
  }

  const Graph& graph_;
  const PlanRequest& request_;
  Wiring wiring_;
  std::vector<int> same_, input_number_;
  NodeShape shape_;
  std::vector<Problem> problems_;
  Plan plan_;
};

}  // namespace

std::vector<std::string> step_names(const Graph& graph, const Plan& plan) {
  std::vector<std::string> names;
  names.reserve(plan.steps.size());
  for (const Plan::Step& s : plan.steps)
    names.push_back(s.kind == Plan::Step::end ? "(end " + std::to_string(s.place + 1) + ")"
                                              : graph.vertices[std::size_t(s.place)].name);
  return names;
}

namespace {

/// Places that everybody who used them has finished with, by width; and of values with several readers, how many have.
struct Pool {
  std::vector<std::vector<int>> free;
  std::vector<std::pair<int, int>> read;  // output, times

  void put(int place, int width) {
    if (free.size() <= std::size_t(width)) free.resize(std::size_t(width) + 1);
    free[std::size_t(width)].push_back(place);
  }
  int take(int width) {  ///< -1: none
    if (std::size_t(width) >= free.size() || free[std::size_t(width)].empty()) return -1;
    const int place = free[std::size_t(width)].back();
    free[std::size_t(width)].pop_back();
    return place;
  }
  /// So many more readers of an output have finished. How many have, as far as this pool knows; it knows a few outputs
  /// only, so that looking for them stays cheap.
  int count(int output, int times) {
    for (auto& [o, n] : read)
      if (o == output) return n += times;
    if (read.size() < 16) read.emplace_back(output, times);
    return times;
  }
  void merge(Pool&& other) {
    if (free.size() < other.free.size()) free.swap(other.free);
    for (std::size_t w = 0; w < other.free.size(); ++w) {
      if (free[w].size() < other.free[w].size()) free[w].swap(other.free[w]);
      free[w].insert(free[w].end(), other.free[w].begin(), other.free[w].end());
    }
    if (read.empty()) return read.swap(other.read);
    for (const auto& [output, times] : other.read) count(output, times);
  }
};

}  // namespace

// What is free is handed down: every step leaves its pool to the first that hears it. Whatever is in the pool of a step
// has been finished with by steps before it, so that nothing is taken from anybody who may still be at work, in
// whatever order steps run. One after the other there is one pool for all.
SharedMemory share_memory(const Plan& plan, bool one_by_one) {
  SharedMemory memory;
  memory.place.assign(plan.widths.size(), -1);
  std::vector<int> readers(plan.widths.size()), finished(plan.widths.size());
  for (const Plan::Read& r : plan.reads)
    if (r.step >= 0) ++readers[std::size_t(plan.output(r))];
  std::vector<Pool> left(one_by_one ? 0 : plan.steps.size());
  Pool pool;
  for (std::size_t number = 0; number < plan.steps.size(); ++number) {
    const Plan::Step& s = plan.steps[number];
    if (!one_by_one) {
      pool = {};
      for (const Plan::Read& r : plan.reads_of(s))
        if (r.step >= 0) pool.merge(std::exchange(left[std::size_t(r.step)], {}));
    }
    const auto release = [&](int output) {
      const int place = memory.place[std::size_t(output)];
      pool.put(place, memory.widths[std::size_t(place)]);
    };
    for (int o = s.first_out; o < s.first_out + s.outs; ++o) {
      const int width = plan.widths[std::size_t(o)];
      int& place = memory.place[std::size_t(o)];
      if (o == s.first_out && s.in_place)
        place = memory.place[std::size_t(plan.output(plan.reads[std::size_t(s.first_read)]))];
      else
        place = pool.take(width);
      if (place >= 0) continue;
      place = int(memory.widths.size());
      memory.widths.push_back(width);
    }
    // what an end hears is read once the block is through, unless steps run one after the other
    if (one_by_one || s.kind != Plan::Step::end)
      for (int i = s.first_read; i < s.first_read + s.reads; ++i) {
        const Plan::Read& r = plan.reads[std::size_t(i)];
        if (r.step < 0) continue;
        const int output = plan.output(r), all = readers[std::size_t(output)];
        const bool last =
            one_by_one ? ++finished[std::size_t(output)] == all : all == 1 || pool.count(output, 1) == all;
        if (last && !(i == s.first_read && s.in_place)) release(output);
      }
    for (int o = s.first_out; o < s.first_out + s.outs; ++o)
      if (!readers[std::size_t(o)]) release(o);
    if (!one_by_one) left[number] = std::move(pool);
  }
  return memory;
}

Plan compile(const Graph& graph, const PlanRequest& request) { return Compiler(graph, request).compile(); }

}  // namespace lacquer
