// core/engine/pipeline.hpp — tasks run block after block on several threads, in dataflow order: a task works on block b
// while those behind it still work on b-1, so that even a single file of tasks keeps every core busy.
//
// Tokens and credits. Unit (task t, block b) waits for
//   - one token from each task before t: its block b is there,
//   - one credit from each task behind t: it has read block b - slots, whose memory b will use,
//   - its own block b - 1.
// One counter per task and slot holds how many are still missing; whoever takes it to zero owns the unit, and runs it
// or offers it to the others. Invariants, checked exhaustively on small graphs in tests/core/protocol_test.cpp:
//   1. A unit runs exactly once, after everything it waits for; units of one task never overlap.
//   2. A counter is set up for block b + slots before the first token or credit for that block can be given: they all
//      follow, by way of others, from tokens that the unit of block b gives after it has set the counter.
//   3. At most one unit of a task is ready at a time, so a deque of as many places as there are tasks never overflows.
//   4. When every task without successors has run its last block, every other has: then all threads leave.

#pragma once

#include "core/engine/plan.hpp"
#include "core/engine/threads.hpp"

namespace lacquer {

/// Who waits for whom; each pair once.
struct TaskGraph {
  std::vector<int> first_before, before, first_next, next;
  std::vector<int> rank;  ///< length of the longest way to an end: the higher, the more urgent

  int size() const { return int(rank.size()); }
  std::span<const int> before_of(int t) const {
    return {before.data() + first_before[std::size_t(t)], before.data() + first_before[std::size_t(t) + 1]};
  }
  std::span<const int> next_of(int t) const {  ///< the most urgent first
    return {next.data() + first_next[std::size_t(t)], next.data() + first_next[std::size_t(t) + 1]};
  }
};

/// From pairs (earlier, later); tasks are numbered in an order in which they can run.
TaskGraph task_graph(int tasks, std::vector<std::pair<int, int>> pairs);
/// A task for each step.
TaskGraph task_graph(const Plan& plan);

class Pipeline {
public:
  Pipeline(const TaskGraph& tasks, int threads, int slots);
  ~Pipeline();
  Pipeline(const Pipeline&) = delete;

  using Body = void (*)(void* self, int task, std::int64_t block, int thread) noexcept;
  /// [control] Runs blocks first .. last - 1 of every task; block b uses slot b % slots. The calling thread is thread
  /// 0.
  void run(std::int64_t first, std::int64_t last, Body body, void* self);
  /// [any] From within a body: no further unit is begun.
  void stop() noexcept { stop_.store(true, std::memory_order_relaxed); }

  std::int64_t helped() const;  ///< units run by other threads than the calling one, so far

private:
  struct alignas(cache_line) Counter {
    std::atomic<int> missing{0};
  };
  struct alignas(cache_line) Worker {
    Worker(int tasks, bool alone) : ready(tasks, alone), ahead(tasks, alone) {}
    Deque ready, ahead;  // ahead: what a credit has set free, blocks that are `slots` later
    std::int64_t units = 0;
  };
  static std::int64_t unit(int task, std::int64_t block) { return block << 24 | task; }

  void work(int thread) noexcept;
  bool find(int thread, std::int64_t& unit) noexcept;
  void carry(int thread, std::int64_t unit) noexcept;
  void offer(Deque& to, std::int64_t unit) noexcept;
  Counter& counter(int task, std::int64_t block) {
    return counters_[std::size_t(task) * std::size_t(slots_) + std::size_t(block % slots_)];
  }

  const TaskGraph& tasks_;
  int threads_, slots_;
  std::vector<Counter> counters_;
  std::vector<int> limit_;
  std::vector<std::unique_ptr<Worker>> workers_;
  Body body_ = nullptr;
  void* self_ = nullptr;
  std::int64_t last_ = 0;
  int ends_ = 0;
  alignas(cache_line) std::atomic<int> unfinished_{0};
  alignas(cache_line) std::atomic<bool> stop_{false};
  alignas(cache_line) std::atomic<std::uint32_t> bell_{0};
  std::atomic<int> parked_{0};
};

}  // namespace lacquer
