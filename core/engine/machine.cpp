#include "core/engine/machine.hpp"

#include "core/simd/simd.hpp"

#include <algorithm>
#include <cstring>

namespace lacquer {

Machine::Machine(const Graph& graph, PlanRequest request, const MachineFormat& format, NodeStates* states)
    : format_(format) {
  std::vector<std::shared_ptr<NodeState>> by_vertex(graph.vertices.size());
  std::vector<Problem> refused;
  request.latency = [&](int v, const NodeShape& shape) -> std::int64_t {
    const Vertex& vertex = graph.vertices[std::size_t(v)];
    auto& node = by_vertex[std::size_t(v)];
    if (states)
      if (const auto found = states->find(vertex.name); found != states->end() && &found->second->type() == vertex.type)
        node = found->second;
    try {
      if (!node) node = std::make_shared<NodeState>(vertex, shape, format.rate_hz, format.node_block);
    } catch (const Problems& p) {
      refused.insert(refused.end(), p.list().begin(), p.list().end());
      return 0;
    }
    node->begin(vertex, format.rate_hz, format.live);
    node->listening =
        std::find(request.listening.begin(), request.listening.end(), vertex.name) != request.listening.end();
    return node->latency();
  };
  plan_ = compile(graph, request);
  if (!refused.empty()) throw Problems(std::move(refused));
  for (const Plan::Step& s : plan_.steps) {
    nodes_.push_back(s.kind == Plan::Step::node ? by_vertex[std::size_t(s.place)] : nullptr);
    widest_ = std::max(widest_, s.channels);
  }
  std::size_t frame_bytes = sizeof(float);
  for (const int w : plan_.widths) {
    widest_ = std::max(widest_, w);
    frame_bytes += std::size_t(w) * sizeof(float) * std::size_t(format_.slots);
  }
  while (format_.block > 64 && frame_bytes * std::size_t(format_.block) > format_.most_memory)
    format_.block = (format_.block + 1) / 2;
  lay_out();
}

void Machine::lay_out() {
  const auto slots = std::size_t(format_.slots);
  const auto bus_of = [&](int channels) {
    memory_.push_back(std::make_unique<Scratch>(channels, format_.block));
    return lacquer_bus{memory_.back()->bus(), std::uint32_t(channels)};
  };
  if (!format_.pipelined) {
    const SharedMemory shared = share_memory(plan_, format_.one_by_one);
    std::vector<lacquer_bus> places;
    for (const int width : shared.widths) places.push_back(bus_of(width));
    for (const int place : shared.place) wires_.push_back(places[std::size_t(place)]);
  } else {
    for (std::size_t k = 0; k < slots; ++k)
      for (const int width : plan_.widths) wires_.push_back(bus_of(width));
  }
  const lacquer_bus silence = bus_of(widest_);

  lines_.resize(plan_.reads.size());
  delayed_.resize(plan_.reads.size());
  reads_.resize(plan_.reads.size() * slots);
  for (const Plan::Step& s : plan_.steps)
    for (int i = s.first_read; i < s.first_read + s.reads; ++i) {
      const Plan::Read& r = plan_.reads[std::size_t(i)];
      if (r.delay) {
        lines_[std::size_t(i)] = DelayLine(r.channels, r.delay);
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
}

void Machine::fire(int number, int slot, std::int64_t time, int frames, const Scratch& scratch) noexcept {
  const Plan::Step& s = plan_.steps[std::size_t(number)];
  if (format_.length != INT64_MAX) frames = int(std::min<std::int64_t>(frames, format_.length + s.need - time));
  if (frames <= 0) return;
  const lacquer_bus* wires = wires_.data() + std::size_t(slot) * plan_.widths.size();
  for (int i = s.first_read; i < s.first_read + s.reads; ++i)
    if (DelayLine& line = lines_[std::size_t(i)]; line.frames())
      line.process(delayed_[std::size_t(i)].channel, wires[plan_.output(plan_.reads[std::size_t(i)])].channel, frames);
  if (s.kind == Plan::Step::sum)
    add_up(s, slot, frames);
  else if (s.kind == Plan::Step::node)
    nodes_[std::size_t(number)]->process(time - s.arrival, format_.length, frames,
                                         reads_.data() + std::size_t(slot) * plan_.reads.size() + s.first_read,
                                         wires + s.first_out, scratch);
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

}  // namespace lacquer
