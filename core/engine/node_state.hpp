// core/engine/node_state.hpp — a node with everything it needs to run: its instance, its settings through time, what it
// reported, and the dry signal that `mix` and `bypass` take.

#pragma once

#include "core/control.hpp"
#include "core/engine/plan.hpp"
#include "core/engine/run.hpp"

#include <optional>

namespace lacquer {

/// A bus that comes out as it went in, `frames` later.
class DelayLine {
public:
  DelayLine() = default;
  DelayLine(int channels, std::int64_t frames);  ///< [control]
  void reset();
  void process(float* const* out, const float* const* in, int frames);  ///< [audio] out may not be in
  std::int64_t frames() const { return frames_; }
  int channels() const { return int(lines_.size()); }

private:
  std::vector<std::vector<float>> lines_;
  std::int64_t frames_ = 0, at_ = 0;
};

/// Memory one thread needs while it runs any node: a bus of the widest node and the longest block.
class Scratch {
public:
  Scratch(int channels, int frames);
  float* const* bus() const { return pointers_.data(); }

private:
  std::vector<float> memory_;
  std::vector<float*> pointers_;
};

class NodeState {
public:
  /// [control] Makes and prepares the node. Throws Problems with what it refused.
  NodeState(const Vertex& vertex, const NodeShape& shape, double rate, int max_frames);
  ~NodeState();
  NodeState(const NodeState&) = delete;

  /// [control] Ready for a new run with the settings of `vertex`: forgets the past, keeps what listening has heard.
  /// `live`: mix and bypass may be changed later.
  void begin(const Vertex& vertex, double rate, bool live);

  /// [control] True when this instance can go on in a graph that asks for it so.
  bool fits(const Vertex& vertex, const NodeShape& shape, double rate, int max_frames) const;

  /// [audio] One block that starts at programme position `time` of a programme that ends at `end`.
  void process(std::int64_t time, std::int64_t end, int frames, const lacquer_bus* in, const lacquer_bus* out,
               const Scratch& scratch) noexcept {
    if (time < quick_from_ || time + frames > quick_until_ || frames > max_frames_)
      return process_pieces(time, end, frames, in, out, scratch);
    quick_.frames = std::uint32_t(frames);
    quick_.time = time;
    // Seldom new. Written each time, as one wide store, they would stall the node that reads them one by one.
    if (quick_.in != in) quick_.in = in;
    if (quick_.out != out) quick_.out = out;
    call(quick_);
  }

  void set(std::uint32_t slot, float value) {  ///< [audio]
    control_->set(slot, value);
    quick_until_ = never;
  }
  void finish();  ///< [control]

  /// [audio] Makes the newest results visible to read().
  void publish() noexcept {
    for (std::size_t r = 0; r < results_.size(); ++r) published_[r].store(results_[r], std::memory_order_relaxed);
  }
  double read(std::uint32_t result) const { return published_[result].load(std::memory_order_relaxed); }  ///< [any]

  /// [any] True once process has thrown: the node is silent since.
  bool failed() const { return failed_.load(std::memory_order_relaxed); }

  std::int64_t latency() const { return latency_; }
  const lacquer_node_type& type() const { return type_; }
  std::span<const double> results() const { return results_; }  ///< newest
  std::span<const double> lowest() const { return lowest_; }
  std::span<const double> highest() const { return highest_; }
  std::string details() const { return type_.details ? type_.details(self_) : ""; }

  bool listening() const { return listening_; }  ///< is given listen() instead of process()
  void listen(bool on) {                         ///< [control]
    listening_ = on;
    verb_ = on ? type_.listen : type_.process;
  }

private:
  static constexpr std::int64_t never = std::numeric_limits<std::int64_t>::min();
  void observe();
  void call(const lacquer_block& block) noexcept {
    try {
      verb_(self_, &block);
    } catch (...) {
      fail(block);
    }
  }
  void fail(const lacquer_block& block) noexcept;
  void process_pieces(std::int64_t time, std::int64_t end, int frames, const lacquer_bus* in, const lacquer_bus* out,
                      const Scratch& scratch) noexcept;

  // What every block needs, together. From quick_from_ until quick_until_ a block is handed on as it is: nothing moves,
  // reports, or is mixed.
  alignas(64) std::int64_t quick_from_ = 0;
  std::int64_t quick_until_ = never;
  void (*verb_)(void*, const lacquer_block*) = nullptr;
  void* self_;
  int max_frames_;
  lacquer_block quick_{};

  const lacquer_node_type& type_;
  NodeShape shape_;
  std::uint32_t rows_;
  double rate_;
  std::vector<float> fixed_;  // the values it was prepared with, 0 for those that may move
  std::map<std::uint32_t, std::string> paths_;
  std::int64_t latency_ = 0;
  std::optional<Control> control_;
  std::uint32_t mix_slot_ = 0;
  bool listening_ = false;
  bool mixes_ = false;  // mix and bypass can be heard
  DelayLine dry_;
  std::vector<double> results_, lowest_, highest_;
  std::unique_ptr<std::atomic<double>[]> published_;
  std::atomic<bool> failed_{false};
  std::vector<lacquer_bus> in_, out_;  // of one piece
  std::vector<float*> pointers_;
};

}  // namespace lacquer
