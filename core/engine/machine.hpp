// core/engine/machine.hpp — a plan that can run: instances, delay lines and memory. Whoever drives it calls fire() for
// each step of each block, in any order that keeps the plan's; steps that do not wait for each other on several
// threads.

#pragma once

#include "core/engine/node_state.hpp"

namespace lacquer {

struct MachineFormat {
  double rate_hz = 48000;
  int block = 4096;                    ///< frames of one firing, at most; fewer when memory would not do
  std::size_t most_memory = SIZE_MAX;  ///< bytes, on the wires of all slots
  int node_block = 4096;               ///< frames a node is given at a time, at most
  std::int64_t length = INT64_MAX;     ///< of the programme
  int slots = 1;                       ///< blocks that can be under way at once on every wire
  bool live = false;                   ///< settings may change
  bool one_by_one = false;             ///< steps are fired in the plan's order, never side by side
  bool pipelined = false;              ///< a step may be fired for the next block before those behind it had this one
};

class Machine {
public:
  /// [control] Nodes in `states` are taken from there when they fit. Throws Problems.
  Machine(const Graph& graph, PlanRequest request, const MachineFormat& format, NodeStates* states = nullptr);

  const Plan& plan() const { return plan_; }
  const MachineFormat& format() const { return format_; }
  int widest() const { return widest_; }
  std::int64_t stream_frames() const { return format_.length + plan_.longest; }  ///< to be run in all

  /// [audio] One block of one step: `frames` frames from stream position `time` on, in slot `slot`. Inputs and ends
  /// are the driver's to fill and to read: fire does nothing for them but delay.
  void fire(int step, int slot, std::int64_t time, int frames, const Scratch& scratch) noexcept;

  /// [audio] Where an input is to be written, for fire to hand on; where an end can be read after its firing.
  const lacquer_bus& output(int step, int port, int slot) const {
    return wires_[std::size_t(slot) * plan_.widths.size() +
                  std::size_t(plan_.steps[std::size_t(step)].first_out + port)];
  }
  const lacquer_bus& heard(int step, int port, int slot) const {
    return reads_[std::size_t(slot) * plan_.reads.size() +
                  std::size_t(plan_.steps[std::size_t(step)].first_read + port)];
  }

  NodeState* node(int step) const { return nodes_[std::size_t(step)].get(); }
  const std::shared_ptr<NodeState>& shared_node(int step) const { return nodes_[std::size_t(step)]; }

private:
  void lay_out();
  void add_up(const Plan::Step& step, int slot, int frames) noexcept;

  Plan plan_;
  MachineFormat format_;
  std::vector<std::shared_ptr<NodeState>> nodes_;  // by step
  std::vector<DelayLine> lines_;                   // by read; no frames where nothing is delayed
  std::vector<lacquer_bus> delayed_;               // by read: where the delayed signal lies
  std::vector<lacquer_bus> wires_;                 // by slot and output
  std::vector<lacquer_bus> reads_;                 // by slot and read
  std::vector<std::unique_ptr<float*[]>> pointers_;
  std::vector<std::unique_ptr<Scratch>> memory_;
  int widest_ = 1;
};

}  // namespace lacquer
