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

#include <functional>
#include <memory>

namespace lacquer {

struct LiveFormat {
  double rate_hz = 48000;
  int channels = 2;       ///< of every input whose layout the graph leaves open
  int max_frames = 1024;  ///< of a block inside; process takes any number and cuts it up
  int helpers = -1;       ///< threads that help the audio thread; -1: one per further core, 0: none
  /// How a helper gets a thread: runs its argument, which returns when the engine goes, on a thread of the host's own,
  /// with the priority or in the workgroup the host wants. Empty: a plain thread.
  std::function<void(std::function<void()>)> start_helper;
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

  /// [any but audio] "glue.threshold", "-20 dB": heard from the next grid position on. Throws Complaint.
  void set(const std::string& path, const std::string& value);
  /// [any but audio] "after.integrated": the newest value; NaN when nothing reports it.
  double result(const std::string& path) const noexcept;
  /// [control] Replaces the graph between two blocks. Nodes that stay (same name, type, rows, widths, fixed settings
  /// and automation) keep their state, as do delay lines between them; wherever something else is to be heard than
  /// before, the new fades in over 20 ms once it has filled. Returns at once; a graph that has not begun when the next
  /// one comes is passed over. Throws Problems like the constructor, and when widths of inputs or outputs differ from
  /// those of the running graph, which then goes on unaffected.
  void swap(const Graph& graph);
  /// [any but audio] Nodes that threw while running, which they must not: silent since.
  std::vector<std::string> failed() const;

  struct Stats {
    std::int64_t blocks = 0;  ///< processed
    std::int64_t shared = 0;  ///< of them, by several threads
    std::int64_t helped = 0;  ///< tasks run by helpers, of the graph running now
    std::int64_t swaps = 0;   ///< graphs begun after the first
  };
  Stats stats() const;  ///< [any but audio]
  /// [control] For tests and benches: share every block with the helpers (1), none (0), or those worth it (-1).
  void share(int always);

private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lacquer
