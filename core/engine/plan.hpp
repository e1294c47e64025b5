// core/engine/plan.hpp — a graph, compiled: what is to be done in which order, how late everything is, what must be
// delayed so that every join hears one moment, and which memory it happens in. Flat arrays, linear time. [control]

#pragma once

#include "core/graph/passes.hpp"

#include <functional>

namespace lacquer {

struct Plan {
  /// What a step hears on one port (a node) or one edge (a sum, an end).
  struct Read {
    int step = -1, output = 0;  ///< whose output; -1: silence
    int channels = 0;           ///< of what is heard
    std::int64_t delay = 0;     ///< frames, so that this step hears everything of one moment
  };
  struct Step {
    enum Kind : std::uint8_t {
      input,
      node,
      sum,
      end,
      fade  ///< from its first read to its second, while one plan gives way to another; see machine.hpp
    };
    Kind kind;
    int place;  ///< vertex of the graph; of an end: which of the requested wires; of an input: see `input_number`
    int input_number = -1;  ///< inputs count from 0 in graph order
    int first_read = 0, reads = 0;
    int first_out = 0, outs = 0;  ///< into `widths`
    int channels = 0;             ///< of the main port
    bool in_place = false;        ///< its first output may lie where its first input, which nobody else reads, lies
    std::int64_t arrival = 0;     ///< latency of all it hears: its programme time is stream time less this
    std::int64_t latency = 0;     ///< its own
    std::int64_t need = 0;        ///< it runs for so many frames past the length of the programme
  };

  std::vector<Step> steps;  ///< in an order in which they can run
  std::vector<Read> reads;
  std::vector<int> widths;   ///< channels of every output
  std::vector<int> step_of;  ///< by vertex: its own or the one it was merged into; -1 when nobody needs it
  std::int64_t latency = 0;  ///< the longest path to an end
  std::int64_t longest = 0;  ///< the largest need of all

  std::span<const Read> reads_of(const Step& s) const { return {reads.data() + s.first_read, std::size_t(s.reads)}; }
  /// Outputs are numbered through all steps.
  int output(const Read& r) const { return steps[std::size_t(r.step)].first_out + r.output; }
};

/// What to call each step: the vertex, or "end 1" for what is heard outside.
std::vector<std::string> step_names(const Graph& graph, const Plan& plan);

/// How wide everything is around one node.
struct NodeShape {
  int channels = 0;                           ///< of its main ports
  std::vector<std::uint32_t> input_channels;  ///< of each input
};

/// Which outputs share memory while one block is under way: those that are never needed at the same time, and those in
/// place.
struct SharedMemory {
  std::vector<int> place;   ///< by output
  std::vector<int> widths;  ///< by place: channels
};
/// one_by_one: steps run in the plan's order. Else in any order, on several threads: memory is used again only by steps
/// that come after all who have read it. [control] linear in steps and reads
SharedMemory share_memory(const Plan& plan, bool one_by_one);

struct PlanRequest {
  std::span<const int> input_channels;  ///< of what is connected, by input; empty: `channels` for those left open
  int channels = 2;                     ///< where nothing else says it
  std::span<const Wire> ends;           ///< what is to be heard outside
  std::span<const std::string> listening;
  bool merge = true;
  /// The latency of a vertex in this shape. Called once for each node that is needed, in order.
  std::function<std::int64_t(int vertex, const NodeShape& shape)> latency;
};

/// Throws Problems: a cycle, widths that do not fit, a port that hears two things.
Plan compile(const Graph& graph, const PlanRequest& request);

/// What became of a graph, for people: each step in order with what it hears, how late, what is delayed for it, where
/// its output lies, how urgent it is; and what was left out or merged. Nodes are made and prepared to learn their
/// latency.
std::string describe(const Graph& graph, double rate_hz = 48000, int channels = 2);

}  // namespace lacquer
