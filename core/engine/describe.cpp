#include "core/engine/machine.hpp"
#include "core/engine/pipeline.hpp"

#include <fmt/format.h>

namespace lacquer {

std::string describe(const Graph& graph, double rate_hz, int channels) {
  std::vector<Wire> ends;
  for (const Output& o : graph.outputs) ends.push_back(o.from);
  if (ends.empty() && graph.end.vertex >= 0) ends.push_back(graph.end);
  PlanRequest request;
  request.channels = channels;
  request.ends = ends;
  MachineFormat format;
  format.rate_hz = rate_hz;
  format.block = format.node_block = 1024;
  format.one_by_one = true;
  const Machine machine(graph, request, format);
  const Plan& plan = machine.plan();
  const TaskGraph tasks = task_graph(plan);
  const SharedMemory memory = share_memory(plan, true);

  std::size_t width = 4;
  for (const std::string& n : machine.names()) width = std::max(width, n.size());
  std::string text = fmt::format("{:<{}}  late  rank  memory  hears\n", "step", width);
  for (std::size_t s = 0; s < plan.steps.size(); ++s) {
    const Plan::Step& step = plan.steps[s];
    std::string places;
    for (int o = step.first_out; o < step.first_out + step.outs; ++o)
      places += fmt::format("{}{}", places.empty() ? "" : ",", memory.place[std::size_t(o)]);
    text += fmt::format("{:<{}}  {:>4}  {:>4}  {:>6}", machine.names()[s], width, step.arrival + step.latency,
                        tasks.rank[s], places + (step.in_place ? "=" : ""));
    for (const Plan::Read& r : plan.reads_of(step)) {
      text += r.step < 0 ? "  silence" : "  " + machine.names()[std::size_t(r.step)];
      if (r.step >= 0 && plan.steps[std::size_t(r.step)].outs > 1) text += fmt::format(".{}", r.output);
      if (r.delay) text += fmt::format(" +{}", r.delay);
    }
    text += "\n";
  }
  for (std::size_t v = 0; v < graph.vertices.size(); ++v) {
    const int step = plan.step_of[v];
    if (step < 0)
      text += fmt::format("{}: left out, nobody hears it\n", graph.vertices[v].name);
    else if (plan.steps[std::size_t(step)].place != int(v))
      text += fmt::format("{}: the same work as {}, done once\n", graph.vertices[v].name,
                          machine.names()[std::size_t(step)]);
  }
  text += fmt::format("{} frames late in all ({:.2f} ms); {} pieces of memory for {} outputs\n", plan.latency,
                      double(plan.latency) * 1000 / rate_hz, memory.widths.size(), plan.widths.size());
  return text;
}

}  // namespace lacquer
