// core/engine/engine.hpp — a graph running live: for apps and plug-ins.
//
//   Engine engine(load("graphs/streaming.yaml", builtin()), {.rate_hz = 48000, .channels = 2, .max_frames = 512});
//   engine.process(in, out, frames);              // audio thread
//   engine.set("glue.threshold", "-20 dB");       // any thread
//   engine.swap(other_graph);                     // control thread: rewires without a click
//
// process never allocates, locks, waits or calls the system.

#pragma once

#include "core/graph/graph.hpp"

#include <memory>

namespace lacquer {

struct LiveFormat {
  double rate_hz = 48000;
  int channels = 2;       ///< of every input whose layout the graph leaves open
  int max_frames = 1024;  ///< of a block inside; process takes any number and cuts it up
  int helpers = -1;       ///< threads that help the audio thread; -1: one per further core, 0: none
};

class Engine {
public:
  /// [control] Throws Problems, naming the node that refused; nodes that must hear the whole programme first are
  /// refused.
  explicit Engine(const Graph& graph, const LiveFormat& format = {});
  ~Engine();
  Engine(Engine&&) noexcept;

  /// [audio] Planar. `in`: the channels of all graph inputs, in order; `out`: those of the chain's end. Any `frames`.
  void process(const float* const* in, float* const* out, int frames) noexcept;

  int inputs() const;   ///< [control] channels process reads
  int outputs() const;  ///< [control] channels process writes
  int latency() const;  ///< [any] frames by which out is later than in

  /// [any] "glue.threshold", "-20 dB": heard from the next grid position on. Throws Complaint.
  void set(const std::string& path, const std::string& value);
  /// [any] "after.integrated": the newest value; NaN when nothing reports it.
  double result(const std::string& path) const noexcept;
  /// [control] Replaces the graph between two blocks. Nodes that stay (same name, type, rows and fixed settings) keep
  /// their state. Throws like the constructor; the running graph is then unaffected.
  void swap(const Graph& graph);

private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lacquer
