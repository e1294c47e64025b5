// core/engine/run.hpp — a graph run once over a whole programme, on all cores, in bounded memory. What the offline
// renderer (render.hpp) builds its passes from; it knows no files. [control]

#pragma once

#include "core/graph/graph.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <span>

namespace lacquer {

/// Where an input's frames come from. Called in order, one call at a time, from any of the run's threads; may block.
class Source {
public:
  virtual ~Source() = default;
  virtual int channels() const = 0;
  /// Fills `frames` frames; past the end of what it has, with silence. Throws to stop the run.
  virtual void read(float* const* channels, int frames) = 0;
};

/// Where a wire's frames go: exactly the programme, without the latency of what lies before. Called like a Source.
class Sink {
public:
  virtual ~Sink() = default;
  /// [control] Once, before the first write. `channels` is the width of the wire.
  virtual void open(int channels) = 0;
  virtual void write(const float* const* channels, int frames) = 0;
};

struct RunOptions {
  double rate_hz = 48000;
  std::int64_t frames = 0;  ///< length of the programme
  int block = 4096;         ///< frames a node is given at a time; makes no difference to the result
  int threads = 0;          ///< 0: as many as this process may use
  std::function<void(std::int64_t done)> progress;  ///< frames through the slowest sink; from any thread
  const std::atomic<bool>* cancel = nullptr;        ///< when it becomes true the run stops at a block boundary
  int slots = 4;                                    ///< blocks that may be under way on a wire, for several threads
  bool always_share = false;                        ///< several threads even where one would be as fast, for tests
  std::string profile;                              ///< a file for a Chrome trace of the run; empty: none
};

/// A node, prepared: its instance and what it has heard. Kept from run to run by name.
class NodeState;
using NodeStates = std::map<std::string, std::shared_ptr<NodeState>>;

struct Cancelled {};  ///< thrown when cancel became true

/// What the nodes of a run reported. NaN where there is no value.
class RunResults {
public:
  double value(const std::string& node, const std::string& result) const;
  struct Node {
    std::string name;
    const lacquer_node_type* type;
    std::vector<double> last, lowest, highest;  ///< by result: at the end, and over all blocks
    std::string details;                        ///< JSON object, or ""
    std::int64_t latency = 0;                   ///< frames
  };
  std::vector<Node> nodes;      ///< in graph order; merged nodes appear under each of their names
  std::int64_t latency = 0;     ///< of the whole graph, frames
  std::int64_t non_finite = 0;  ///< samples of the inputs that were NaN or infinite and became 0
  std::string profile;          ///< when a profile was asked for: time by node, by thread, and the critical path
};

/// Runs `graph`: inputs by input vertex order, each sink fed from its wire. Nodes in `listening` (by name) are given
/// listen() instead of process() and must have no successors. `states` lends nodes already prepared (by an earlier
/// run's listening) and receives the listening ones; others are made and forgotten. Throws Problems (a node refuses,
/// widths do not fit), Cancelled, or whatever a source or sink threw.
RunResults run(const Graph& graph, std::span<Source* const> inputs, std::span<const std::pair<Wire, Sink*>> sinks,
               const RunOptions& options, NodeStates* states = nullptr, std::span<const std::string> listening = {});

}  // namespace lacquer
