#include "core/engine/profile.hpp"

#include "core/simd/cpu.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <numeric>
#include <system_error>

namespace lacquer {

Profile::Profile(std::vector<std::string> names, int threads, std::size_t most)
    : names_(std::move(names)), rows_(std::size_t(threads)), most_(most) {
  for (Row& r : rows_) {
    r.events.reserve(most);
    r.sum.assign(names_.size(), 0);
    r.longest.assign(names_.size(), 0);
    r.count.assign(names_.size(), 0);
  }
}

void Profile::add(int thread, int step, std::int64_t block, std::uint64_t begin, std::uint64_t end) noexcept {
  Row& r = rows_[std::size_t(thread)];
  const auto s = std::size_t(step);
  if (r.events.size() < most_) r.events.push_back({step, block, begin, end});
  r.sum[s] += end - begin;
  r.longest[s] = std::max(r.longest[s], end - begin);
  ++r.count[s];
  r.busy += end - begin;
  r.first = std::min(r.first, begin);
  r.last = std::max(r.last, end);
}

void Profile::write(const std::string& file) const {
  std::uint64_t start = UINT64_MAX;
  for (const Row& r : rows_) start = std::min(start, r.first);
  const double per_us = ticks_per_ns() * 1000;
  std::ofstream out(file, std::ios::binary);
  out << "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[";
  std::vector<std::string> quoted;
  for (const std::string& n : names_) quoted.push_back(nlohmann::json(n).dump());
  const char* separator = "\n";
  for (std::size_t t = 0; t < rows_.size(); ++t) {
    out << fmt::format("{}{{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":1,\"tid\":{},\"args\":{{\"name\":\"{}\"}}}}",
                       separator, t, t ? fmt::format("helper {}", t) : std::string("main"));
    separator = ",\n";
    for (const Event& e : rows_[t].events)
      out << fmt::format(
          ",\n{{\"name\":{},\"ph\":\"X\",\"pid\":1,\"tid\":{},\"ts\":{:.3f},\"dur\":{:.3f},\"args\":{{\"block\":{}}}}}",
          quoted[std::size_t(e.step)], t, double(e.begin - start) / per_us, double(e.end - e.begin) / per_us, e.block);
  }
  out << "\n]}\n";
  out.close();
  if (!out) throw std::system_error(errno, std::generic_category(), file);
}

std::string Profile::table(const Plan& plan) const {
  const double per_us = ticks_per_ns() * 1000;
  const std::size_t n = names_.size();
  std::vector<std::uint64_t> sum(n), longest(n);
  std::vector<std::int64_t> count(n);
  std::uint64_t all = 0, first = UINT64_MAX, last = 0;
  for (const Row& r : rows_) {
    for (std::size_t s = 0; s < n; ++s) {
      sum[s] += r.sum[s];
      longest[s] = std::max(longest[s], r.longest[s]);
      count[s] += r.count[s];
    }
    all += r.busy;
    first = std::min(first, r.first);
    last = std::max(last, r.last);
  }
  if (!all) return "nothing ran\n";
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t(0));
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return sum[a] > sum[b]; });
  std::string text = fmt::format("{:<28}{:>10}{:>8}{:>12}{:>12}{:>9}\n", "step", "total ms", "share", "mean us",
                                 "longest us", "blocks");
  for (const std::size_t s : order)
    if (count[s])
      text += fmt::format("{:<28}{:>10.2f}{:>7.1f}%{:>12.2f}{:>12.1f}{:>9}\n", names_[s],
                          double(sum[s]) / per_us / 1000, 100 * double(sum[s]) / double(all),
                          double(sum[s]) / per_us / double(count[s]), double(longest[s]) / per_us, count[s]);
  const double wall = double(last - first);
  text += fmt::format("\n{:.2f} ms in all, {:.2f} threads busy on average\n", wall / per_us / 1000, double(all) / wall);
  for (std::size_t t = 0; t < rows_.size(); ++t)
    text += fmt::format("thread {:<3}{:>6.1f}% busy\n", t, 100 * double(rows_[t].busy) / wall);

  // The longest way through one block, by mean time.
  std::vector<double> reach(n), own(n);
  std::vector<int> from(n, -1);
  std::size_t end = 0;
  for (std::size_t s = 0; s < n; ++s) {
    own[s] = count[s] ? double(sum[s]) / double(count[s]) : 0;
    for (const Plan::Read& r : plan.reads_of(plan.steps[s]))
      if (r.step >= 0 && reach[std::size_t(r.step)] > reach[s]) reach[s] = reach[std::size_t(r.step)], from[s] = r.step;
    reach[s] += own[s];
    if (reach[s] > reach[end]) end = s;
  }
  std::vector<std::string> path;
  for (int s = int(end); s >= 0; s = from[std::size_t(s)]) path.push_back(names_[std::size_t(s)]);
  std::reverse(path.begin(), path.end());
  text += fmt::format("critical path {:.1f} us a block: {}\n", reach[end] / per_us, fmt::join(path, " -> "));
  return text;
}

}  // namespace lacquer
