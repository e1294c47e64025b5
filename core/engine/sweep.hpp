// core/engine/sweep.hpp — one block after another, each finished before the next begins, by one thread or several: how
// the live engine runs a machine.
//
// Every task has a counter of the tasks before it that are still to run; who takes it to zero runs the task or offers
// it to the others. Invariants:
//   1. A counter is set up for the next block before the tasks behind are released: nobody can count it down earlier,
//      since the next block begins only when all tasks without successors have run, and these follow from that release.
//   2. A task with one task before it needs no counter: that one's end is its beginning.
//   3. After the last release a thread touches nothing of the block, so that it is over when its ends have run. A
//      helper may still look into deques; they are empty until the next block begins.

#pragma once

#include "core/engine/machine.hpp"
#include "core/engine/pipeline.hpp"

namespace lacquer {

class Sweep {
public:
  /// [control] `threads` may take part, the audio thread among them.
  Sweep(Machine& machine, int threads);

  /// [audio] Everything but inputs and ends, for one block; helpers may join in when `shared`.
  void run(std::int64_t time, int frames, const Scratch& scratch, bool shared) noexcept;
  /// [helper] Runs what is offered; false when there was nothing.
  bool help(int thread, const Scratch& scratch) noexcept;

  /// [audio] Whether several threads would be faster, from what tasks cost; looks again now and then.
  bool worth_sharing() const { return worth_sharing_; }
  int tasks() const { return int(tasks_.size()); }
  std::int64_t helped() const { return helped_.load(std::memory_order_relaxed); }  ///< tasks run by helpers

private:
  struct alignas(cache_line) Task {
    std::atomic<int> missing{0};
    int before = 0;                     // tasks
    int first = 0, last = 0;            // into steps_
    int first_next = 0, last_next = 0;  // into graph_.next
    float cost = 0;                     // ticks, of late
  };
  void work(int thread, int task, const Scratch& scratch) noexcept;
  void fire(Task& task, const Scratch& scratch) noexcept;
  void judge() noexcept;

  Machine& machine_;
  int threads_;
  std::vector<int> steps_;  // in the order of tasks
  std::vector<int> alone_;  // in the order of the plan
  std::vector<Task> tasks_;
  TaskGraph graph_;
  std::vector<int> first_tasks_;
  std::vector<float> reach_;
  int ends_ = 0;
  std::vector<std::unique_ptr<Deque>> ready_;
  std::int64_t time_ = 0;
  int frames_ = 0;
  std::uint32_t blocks_ = 0;
  bool measuring_ = false, worth_sharing_ = false;
  double own_overhead_;
  alignas(cache_line) std::atomic<int> unfinished_{0};
  alignas(cache_line) std::atomic<std::int64_t> helped_{0};
};

}  // namespace lacquer
