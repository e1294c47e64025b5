#include "core/engine/pipeline.hpp"

#include "core/simd/cpu.hpp"

#include <algorithm>
#include <numeric>
#include <thread>

namespace lacquer {

TaskGraph task_graph(int tasks, std::vector<std::pair<int, int>> pairs) {
  TaskGraph g;
  const auto n = std::size_t(tasks);
  // Sorted by bucket, so that it stays linear: by the later task first, then stably by the earlier.
  const auto bucket = [&](auto key) {
    std::vector<std::size_t> at(n + 1);
    for (const auto& p : pairs) ++at[std::size_t(key(p)) + 1];
    std::partial_sum(at.begin(), at.end(), at.begin());
    std::vector<std::pair<int, int>> sorted(pairs.size());
    for (const auto& p : pairs) sorted[at[std::size_t(key(p))]++] = p;
    pairs = std::move(sorted);
  };
  bucket([](auto& p) { return p.second; });
  bucket([](auto& p) { return p.first; });
  pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());

  g.rank.assign(n, 0);
  g.first_next.assign(n + 1, 0);
  g.first_before.assign(n + 1, 0);
  for (const auto& [a, b] : pairs) ++g.first_next[std::size_t(a) + 1], ++g.first_before[std::size_t(b) + 1];
  std::partial_sum(g.first_next.begin(), g.first_next.end(), g.first_next.begin());
  std::partial_sum(g.first_before.begin(), g.first_before.end(), g.first_before.begin());
  g.next.resize(pairs.size());
  g.before.resize(pairs.size());
  std::vector<int> at(g.first_before.begin(), g.first_before.end() - 1);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    g.next[i] = pairs[i].second;
    g.before[std::size_t(at[std::size_t(pairs[i].second)]++)] = pairs[i].first;
  }
  for (int t = tasks - 1; t >= 0; --t) {
    int& rank = g.rank[std::size_t(t)];
    for (const int s : g.next_of(t)) rank = std::max(rank, g.rank[std::size_t(s)] + 1);
    std::stable_sort(g.next.begin() + g.first_next[std::size_t(t)], g.next.begin() + g.first_next[std::size_t(t) + 1],
                     [&](int a, int b) { return g.rank[std::size_t(a)] > g.rank[std::size_t(b)]; });
  }
  return g;
}

TaskGraph task_graph(const Plan& plan) {
  std::vector<std::pair<int, int>> pairs;
  for (std::size_t i = 0; i < plan.steps.size(); ++i)
    for (const Plan::Read& r : plan.reads_of(plan.steps[i]))
      if (r.step >= 0) pairs.emplace_back(r.step, int(i));
  return task_graph(int(plan.steps.size()), std::move(pairs));
}

Pipeline::Pipeline(const TaskGraph& tasks, int threads, int slots)
    : tasks_(tasks),
      threads_(threads),
      slots_(slots),
      counters_(std::size_t(tasks.size()) * std::size_t(slots)),
      limit_(std::size_t(tasks.size())) {
  for (int t = 0; t < tasks.size(); ++t) {
    limit_[std::size_t(t)] = int(tasks.before_of(t).size() + tasks.next_of(t).size()) + 1;
    ends_ += tasks.next_of(t).empty();
  }
  for (int w = 0; w < threads; ++w) workers_.push_back(std::make_unique<Worker>(tasks.size(), threads == 1));
}
Pipeline::~Pipeline() = default;

std::int64_t Pipeline::helped() const {
  std::int64_t sum = 0;
  for (std::size_t w = 1; w < workers_.size(); ++w) sum += workers_[w]->units;
  return sum;
}

void Pipeline::run(std::int64_t first, std::int64_t last, Body body, void* self) {
  if (first >= last || !tasks_.size()) return;
  body_ = body;
  self_ = self;
  last_ = last;
  stop_ = false;
  unfinished_ = ends_;
  for (int t = 0; t < tasks_.size(); ++t)
    for (std::int64_t b = first; b < first + slots_; ++b)  // all memory is free, and before the first there was none
      counter(t, b).missing.store(int(tasks_.before_of(t).size()) + (b == first ? 0 : 1), std::memory_order_relaxed);
  for (int t = tasks_.size() - 1; t >= 0; --t)
    if (tasks_.before_of(t).empty()) workers_[0]->ready.push(unit(t, first));
  std::vector<std::thread> helpers;
  for (int w = 1; w < threads_; ++w) helpers.emplace_back([this, w] { work(w); });
  work(0);
  for (std::thread& h : helpers) h.join();
  std::int64_t left;
  for (const auto& w : workers_)
    while (w->ready.pop(left) || w->ahead.pop(left)) {}  // of a run that was stopped
}

// Old blocks first, whoever has them: the task that everything waits for must not stand still while somebody works
// ahead.
bool Pipeline::find(int thread, std::int64_t& unit) noexcept {
  Worker& me = *workers_[std::size_t(thread)];
  const auto steal = [&](Deque Worker::*from) {
    for (int i = 1; i < threads_; ++i) {
      const int other = thread + i < threads_ ? thread + i : thread + i - threads_;
      if (((*workers_[std::size_t(other)]).*from).steal(unit)) return true;
    }
    return false;
  };
  return me.ready.pop(unit) || steal(&Worker::ready) || me.ahead.pop(unit) || steal(&Worker::ahead);
}

void Pipeline::work(int thread) noexcept {
  const NoDenormals here;
  constexpr int spins = 300, yields = 30;
  for (int idle = 0;;) {
    std::int64_t unit;
    if (stop_.load(std::memory_order_relaxed)) return;
    if (find(thread, unit)) {
      carry(thread, unit);
      idle = 0;
      continue;
    }
    if (!unfinished_.load(std::memory_order_acquire)) return;
    if (++idle < spins) {
      relax();
    } else if (idle < spins + yields) {
      give_way();
    } else {
      // A bell missed between looking and sleeping costs no more than the sleep, which is short.
      const std::uint32_t heard = bell_.load(std::memory_order_acquire);
      parked_.fetch_add(1, std::memory_order_relaxed);
      park(bell_, heard, 300000);
      parked_.fetch_sub(1, std::memory_order_relaxed);
    }
  }
}

void Pipeline::offer(Deque& to, std::int64_t unit) noexcept {
  to.push(unit);
  if (parked_.load(std::memory_order_relaxed)) {
    bell_.fetch_add(1, std::memory_order_release);
    unpark(bell_, 1);
  }
}

// Runs a unit, then the most downstream one it made ready, and so on: a thread carries its block along. Of what it
// leaves behind, a thief takes the oldest first: the next block of the same task.
void Pipeline::carry(int thread, std::int64_t u) noexcept {
  Worker& me = *workers_[std::size_t(thread)];
  while (u >= 0) {
    if (stop_.load(std::memory_order_relaxed)) return;
    const int t = int(u & 0xffffff);
    const std::int64_t b = u >> 24;
    body_(self_, t, b, thread);
    ++me.units;
    counter(t, b).missing.store(limit_[std::size_t(t)], std::memory_order_relaxed);  // invariant 2

    std::int64_t keep = -1;
    const auto arrives = [&](int task, std::int64_t block) {
      return last_arrives(counter(task, block).missing, threads_ == 1) && block < last_;
    };
    const auto give = [&](int task, std::int64_t block) {
      if (!arrives(task, block)) return;
      if (keep >= 0) offer(me.ready, keep);  // what is further down the stream was given last
      keep = unit(task, block);
    };
    for (const int p : tasks_.before_of(t))
      if (arrives(p, b + slots_)) offer(me.ahead, unit(p, b + slots_));
    give(t, b + 1);
    const auto next = tasks_.next_of(t);
    for (std::size_t i = next.size(); i-- > 0;) give(next[i], b);
    if (next.empty() && b == last_ - 1 && unfinished_.fetch_sub(1, std::memory_order_acq_rel) == 1 &&
        parked_.load(std::memory_order_relaxed)) {
      bell_.fetch_add(1, std::memory_order_release);
      unpark(bell_, threads_);
    }
    u = keep;
  }
}

}  // namespace lacquer
