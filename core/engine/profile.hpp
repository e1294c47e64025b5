// core/engine/profile.hpp — who did what when: a run, recorded.

#pragma once

#include "core/engine/plan.hpp"

#include <string>

namespace lacquer {

class Profile {
public:
  /// [control] Names by step. Keeps what happened until `most` events per thread; further ones only count in the sums.
  Profile(std::vector<std::string> names, int threads, std::size_t most = 200000);

  /// [audio] A firing of a step, between two readings of ticks().
  void add(int thread, int step, std::int64_t block, std::uint64_t begin, std::uint64_t end) noexcept;

  /// Trace events for chrome://tracing or ui.perfetto.dev: a row per thread, a span per firing.
  void write(const std::string& file) const;

  /// Time by step, the longest first; how busy each thread was; the critical path through `plan`.
  std::string table(const Plan& plan) const;

private:
  struct Event {
    int step;
    std::int64_t block;
    std::uint64_t begin, end;
  };
  struct alignas(64) Row {
    std::vector<Event> events;
    std::vector<std::uint64_t> sum, longest;
    std::vector<std::int64_t> count;
    std::uint64_t busy = 0, first = UINT64_MAX, last = 0;
  };
  std::vector<std::string> names_;
  std::vector<Row> rows_;
  std::size_t most_;
};

}  // namespace lacquer
