// core/engine/threads.hpp — what threads that share work are made of: a deque each can be stolen from, a place to park,
// and how many of them the machine is good for.

#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

namespace lacquer {

constexpr std::size_t cache_line = 64;  ///< what two threads write must not share one

/// Work of one thread: it pushes and pops at the bottom, others steal from the top. Chase and Lev, "Dynamic circular
/// work-stealing deque", SPAA 2005; of fixed size, since no more can be ready than there are tasks. Where Le, Pop,
/// Cohen and Zappa Nardelli, PPoPP 2013, put fences, the operations beside them are sequentially consistent.
///
/// Invariants: top never falls; top <= bottom + 1; an item between them is taken by exactly one thread, whoever moves
/// top past it, or the owner alone while more than one item is left.
class Deque {
public:
  /// `alone`: nobody steals, so the owner needs no locked instruction.
  Deque(int capacity, bool alone) : alone_(alone) {
    std::size_t size = 2;
    while (size < std::size_t(capacity) + 1) size *= 2;
    items_ = std::make_unique<std::atomic<std::int64_t>[]>(size);
    mask_ = std::int64_t(size) - 1;
  }

  void push(std::int64_t item) noexcept {  ///< [owner]
    const std::int64_t b = bottom_.load(std::memory_order_relaxed);
    items_[std::size_t(b & mask_)].store(item, std::memory_order_relaxed);
    bottom_.store(b + 1, std::memory_order_release);
  }

  bool pop(std::int64_t& item) noexcept {  ///< [owner]
    const std::int64_t b = bottom_.load(std::memory_order_relaxed) - 1;
    if (top_.load(std::memory_order_relaxed) > b) return false;  // no thief can have raised bottom
    if (alone_) {
      item = items_[std::size_t(b & mask_)].load(std::memory_order_relaxed);
      bottom_.store(b, std::memory_order_relaxed);
      return true;
    }
    bottom_.store(b, std::memory_order_seq_cst);
    std::int64_t t = top_.load(std::memory_order_seq_cst);
    bool mine = t <= b;
    if (mine) item = items_[std::size_t(b & mask_)].load(std::memory_order_relaxed);
    if (t == b) mine = top_.compare_exchange_strong(t, t + 1, std::memory_order_seq_cst, std::memory_order_relaxed);
    if (t >= b) bottom_.store(b + 1, std::memory_order_relaxed);
    return mine;
  }

  bool steal(std::int64_t& item) noexcept {  ///< [any]
    std::int64_t t = top_.load(std::memory_order_seq_cst);
    if (t >= bottom_.load(std::memory_order_seq_cst)) return false;
    item = items_[std::size_t(t & mask_)].load(std::memory_order_relaxed);
    return top_.compare_exchange_strong(t, t + 1, std::memory_order_seq_cst, std::memory_order_relaxed);
  }

private:
  alignas(cache_line) std::atomic<std::int64_t> top_{0};
  alignas(cache_line) std::atomic<std::int64_t> bottom_{0};
  alignas(cache_line) std::unique_ptr<std::atomic<std::int64_t>[]> items_;
  std::int64_t mask_;
  bool alone_;
};

/// One fewer is missing; true when that was the last. Locked instructions cost more than all else here, so they are
/// left out where they say nothing: nobody else is about (`alone`), or one is missing, which then can only be this one.
inline bool last_arrives(std::atomic<int>& missing, bool alone) noexcept {
  const int left = missing.load(std::memory_order_acquire);
  if (left == 1) return true;
  if (!alone) return missing.fetch_sub(1, std::memory_order_acq_rel) == 1;
  missing.store(left - 1, std::memory_order_relaxed);
  return false;
}

/// Sleeps until `word` is no longer `seen`, somebody wakes it, or the time is up.
void park(const std::atomic<std::uint32_t>& word, std::uint32_t seen, std::int64_t at_most_ns) noexcept;
void unpark(const std::atomic<std::uint32_t>& word, int threads) noexcept;

std::int64_t now_ns() noexcept;                   ///< monotonic
void sleep_until_ns(std::int64_t time) noexcept;  ///< on the clock of now_ns
void be_punctual() noexcept;                      ///< from now on this thread sleeps no longer than it asks for
void give_way() noexcept;                         ///< lets another thread of this core run

/// Threads this process may keep busy: its affinity mask and its control group's quota.
int usable_threads();

}  // namespace lacquer
