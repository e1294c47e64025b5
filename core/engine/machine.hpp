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
  /// [control] Nodes in `states` are taken from there, and begin anew. Throws Problems.
  Machine(const Graph& graph, PlanRequest request, const MachineFormat& format, NodeStates* states = nullptr);

  /// [control] Nodes and delay lines of `before` that fit stay, and go on as they are; but not nodes called `anew`.
  /// `settings`: the graph of `before`, with what was set since. Throws Problems.
  Machine(const Graph& graph, PlanRequest request, const MachineFormat& format, const Machine& before,
          const Graph& settings, std::span<const std::string> anew);

  /// [control] What runs while `before` gives way to `after`: all of `after`; of `before` what is still heard; and a
  /// fade wherever a node that stays, or an end, is to hear something else. Where that would run in a circle it throws
  /// the names of nodes in it, which then cannot stay.
  struct Circle {
    std::vector<std::string> names;
  };
  Machine(const Machine& before, const Machine& after);

  const Plan& plan() const { return plan_; }
  const MachineFormat& format() const { return format_; }
  int widest() const { return widest_; }
  std::int64_t stream_frames() const { return format_.length + plan_.longest; }  ///< to be run in all
  const std::vector<std::string>& names() const { return names_; }               ///< by step

  /// [audio] One block of one step: `frames` frames from stream position `time` on, in slot `slot`. Inputs and ends
  /// are the driver's to fill and to read: fire does nothing for them but delay.
  void fire(int step, int slot, std::int64_t time, int frames, const Scratch& scratch) noexcept {
    const Firing& f = firings_[std::size_t(slot) * plan_.steps.size() + std::size_t(step)];
    if (time + frames <= f.plain_until)
      f.node->process(time - f.arrival, format_.length, frames, f.in, f.out, scratch);
    else
      fire_other(f, step, slot, time, frames, scratch);
  }

  /// [audio] Several steps, one after the other, in slot 0.
  void fire_in_order(std::span<const int> steps, std::int64_t time, int frames, const Scratch& scratch) noexcept {
    constexpr std::size_t few = 128;  // all of these stay in the cache
    if (steps.size() <= few) {
      for (const int s : steps) fire(s, 0, time, frames, scratch);
      return;
    }
    constexpr std::size_t ahead = 4;  // what a step needs is on its way to the cache before its turn
    for (std::size_t i = 0; i < steps.size(); ++i) {
      if (i + ahead < steps.size()) {
        const auto* node = reinterpret_cast<const char*>(firings_[std::size_t(steps[i + ahead])].node);
        if (node) __builtin_prefetch(node), __builtin_prefetch(node + 64);
      }
      fire(steps[i], 0, time, frames, scratch);
    }
  }

  /// [audio] Fades begin here, when what is new has filled, and take so many frames.
  void set_fade(std::int64_t begin, int frames) { fade_begin_ = begin, fade_frames_ = frames; }
  bool faded(std::int64_t time) const { return time >= fade_begin_ + fade_frames_; }

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
  struct Firing {
    NodeState* node;
    const lacquer_bus *in, *out;
    std::int64_t arrival, stop;  // stop: stream position where its work ends
    std::int64_t plain_until;    // as stop, for a node that hears nothing delayed
    bool delays;
  };

  void settle(std::vector<std::shared_ptr<NodeState>> by_vertex, const Graph& graph);
  void lay_out();
  void fire_other(const Firing& f, int step, int slot, std::int64_t time, int frames, const Scratch& scratch) noexcept;
  void add_up(const Plan::Step& step, int slot, int frames) noexcept;
  void cross_fade(const Plan::Step& step, int slot, std::int64_t time, int frames) noexcept;
  /// By step of `before`: the step of this one that says the same, or -1. Ends are matched by number.
  std::vector<int> same_as(const Machine& before) const;

  Plan plan_;
  MachineFormat format_;
  std::vector<std::string> names_;                 // by step
  std::vector<std::shared_ptr<NodeState>> nodes_;  // by step
  std::vector<std::shared_ptr<DelayLine>> lines_;  // by read; none where nothing is delayed
  std::vector<lacquer_bus> delayed_;               // by read: where the delayed signal lies
  std::vector<lacquer_bus> wires_;                 // by slot and output
  std::vector<lacquer_bus> reads_;                 // by slot and read
  std::vector<Firing> firings_;                    // by slot and step
  std::vector<std::unique_ptr<float*[]>> pointers_;
  std::optional<Scratch> memory_;  // of all wires
  int widest_ = 1;
  std::int64_t fade_begin_ = 0;
  int fade_frames_ = 1;
};

}  // namespace lacquer
