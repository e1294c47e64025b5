#include "core/engine/sweep.hpp"

#include "core/simd/cpu.hpp"

#include <algorithm>

namespace lacquer {

Sweep::Sweep(Machine& machine, int threads) : machine_(machine), threads_(threads), own_overhead_(ticks_per_ns()) {
  const Plan& plan = machine.plan();
  const auto works = [&](int s) {
    const Plan::Step::Kind k = plan.steps[std::size_t(s)].kind;
    return k != Plan::Step::input && k != Plan::Step::end;
  };
  std::vector<std::pair<int, int>> pairs;
  for (int s = 0; s < int(plan.steps.size()); ++s) {
    if (works(s)) alone_.push_back(s);
    if (works(s))
      for (const Plan::Read& r : plan.reads_of(plan.steps[std::size_t(s)]))
        if (r.step >= 0 && works(r.step)) pairs.emplace_back(r.step, s);
  }
  // A step that is the only one behind its only predecessor goes with it.
  const TaskGraph by_step = task_graph(int(plan.steps.size()), pairs);
  std::vector<int> task(plan.steps.size(), -1);
  std::vector<std::vector<int>> members;
  for (const int s : alone_) {
    const auto before = by_step.before_of(s);
    if (before.size() == 1 && by_step.next_of(before[0]).size() == 1) {
      task[std::size_t(s)] = task[std::size_t(before[0])];
    } else {
      task[std::size_t(s)] = int(members.size());
      members.emplace_back();
    }
    members[std::size_t(task[std::size_t(s)])].push_back(s);
  }
  std::vector<std::pair<int, int>> task_pairs;
  for (const auto& [a, b] : pairs)
    if (task[std::size_t(a)] != task[std::size_t(b)])
      task_pairs.emplace_back(task[std::size_t(a)], task[std::size_t(b)]);
  graph_ = task_graph(int(members.size()), std::move(task_pairs));
  tasks_ = std::vector<Task>(members.size());
  reach_.resize(members.size());
  for (std::size_t t = 0; t < members.size(); ++t) {
    tasks_[t].first = int(steps_.size());
    steps_.insert(steps_.end(), members[t].begin(), members[t].end());
    tasks_[t].last = int(steps_.size());
    tasks_[t].before = int(graph_.before_of(int(t)).size());
    tasks_[t].missing = tasks_[t].before;
    tasks_[t].first_next = graph_.first_next[t];
    tasks_[t].last_next = graph_.first_next[t + 1];
    if (!tasks_[t].before) first_tasks_.push_back(int(t));
    ends_ += graph_.next_of(int(t)).empty();
  }
  std::stable_sort(first_tasks_.begin(), first_tasks_.end(),
                   [&](int a, int b) { return graph_.rank[std::size_t(a)] > graph_.rank[std::size_t(b)]; });
  for (int w = 0; w < threads; ++w) ready_.push_back(std::make_unique<Deque>(int(tasks_.size()), threads == 1));
}

void Sweep::fire(Task& task, const Scratch& scratch) noexcept {
  const std::uint64_t begin = measuring_ ? ticks() : 0;
  for (int i = task.first; i < task.last; ++i) machine_.fire(steps_[std::size_t(i)], 0, time_, frames_, scratch);
  if (measuring_) {
    const auto cost = float(ticks() - begin) / float(frames_);
    task.cost = task.cost == 0 ? cost : task.cost + 0.25f * (cost - task.cost);
  }
}

void Sweep::run(std::int64_t time, int frames, const Scratch& scratch, bool shared) noexcept {
  time_ = time;
  frames_ = frames;
  measuring_ = threads_ > 1 && (blocks_ & 31) < 2;
  if (!shared) {
    if (!measuring_)
      machine_.fire_in_order(alone_, time, frames, scratch);
    else
      for (Task& t : tasks_) fire(t, scratch);
  } else if (!tasks_.empty()) {
    unfinished_.store(ends_, std::memory_order_relaxed);
    for (std::size_t i = first_tasks_.size(); i-- > 1;) ready_[0]->push(first_tasks_[i]);
    work(0, first_tasks_[0], scratch);
    while (unfinished_.load(std::memory_order_acquire))
      if (!help(0, scratch)) relax();
  }
  if (measuring_ && (blocks_ & 31) == 1) judge();
  ++blocks_;
}

bool Sweep::help(int thread, const Scratch& scratch) noexcept {
  std::int64_t task;
  bool found = ready_[std::size_t(thread)]->pop(task);
  for (int i = 1; !found && i < threads_; ++i) found = ready_[std::size_t((thread + i) % threads_)]->steal(task);
  if (found) work(thread, int(task), scratch);
  return found;
}

void Sweep::work(int thread, int t, const Scratch& scratch) noexcept {
  int count = 0;
  while (t >= 0) {
    Task& task = tasks_[std::size_t(t)];
    fire(task, scratch);
    ++count;
    if (task.before > 1) task.missing.store(task.before, std::memory_order_relaxed);  // invariant 1
    const std::span<const int> next{graph_.next.data() + task.first_next, graph_.next.data() + task.last_next};
    int keep = -1;
    if (thread) helped_.fetch_add(count, std::memory_order_relaxed), count = 0;
    if (next.empty()) {
      unfinished_.fetch_sub(1, std::memory_order_acq_rel);
      return;
    }
    for (const int n : next) {
      Task& behind = tasks_[std::size_t(n)];
      if (behind.before > 1 && !last_arrives(behind.missing, threads_ == 1)) continue;
      if (keep < 0)
        keep = n;  // the most urgent; its data is in this core's cache
      else
        ready_[std::size_t(thread)]->push(n);
    }
    t = keep;
  }
}

// Graham's bound for list scheduling on n threads: no later than work / n + way * (1 - 1/n), `way` the longest through.
void Sweep::judge() noexcept {
  double all = 0, longest = 0;
  for (std::size_t t = 0; t < tasks_.size(); ++t) {
    float reach = 0;
    for (const int p : graph_.before_of(int(t))) reach = std::max(reach, reach_[std::size_t(p)]);
    reach_[t] = reach + tasks_[t].cost;
    longest = std::max(longest, double(reach_[t]));
    all += double(tasks_[t].cost);
  }
  const double ns = double(frames_) / own_overhead_, n = threads_;
  const double alone = all * ns;
  const double together = alone / n + longest * ns * (1 - 1 / n) + 1000 + 100 * double(tasks_.size());
  const double needed = std::max(3000.0, 0.1 * alone);
  worth_sharing_ = alone - together > (worth_sharing_ ? needed / 2 : needed);
}

}  // namespace lacquer
