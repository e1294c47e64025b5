#include "core/engine/threads.hpp"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <string>
#include <thread>

#if defined(__linux__)
#include <linux/futex.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace lacquer {

#if defined(__linux__)
void park(const std::atomic<std::uint32_t>& word, std::uint32_t seen, std::int64_t at_most_ns) noexcept {
  const timespec time{at_most_ns / 1000000000, at_most_ns % 1000000000};
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, seen, &time, nullptr, 0);
}
void unpark(const std::atomic<std::uint32_t>& word, int threads) noexcept {
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, threads, nullptr, nullptr, 0);
}
#else
void park(const std::atomic<std::uint32_t>& word, std::uint32_t seen, std::int64_t at_most_ns) noexcept {
  if (word.load() == seen)
    std::this_thread::sleep_for(std::chrono::nanoseconds(std::min<std::int64_t>(at_most_ns, 200000)));
}
void unpark(const std::atomic<std::uint32_t>&, int) noexcept {}
#endif

std::int64_t now_ns() noexcept {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return std::int64_t(t.tv_sec) * 1000000000 + t.tv_nsec;
}

void sleep_until_ns(std::int64_t time) noexcept {
#if defined(__linux__)
  const timespec t{time / 1000000000, time % 1000000000};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, nullptr);
#else
  std::this_thread::sleep_for(std::chrono::nanoseconds(time - now_ns()));
#endif
}

void be_punctual() noexcept {
#if defined(__linux__)
  prctl(PR_SET_TIMERSLACK, 1000);  // ns; the kernel gathers wake-ups within 50 us otherwise
#endif
}

void give_way() noexcept { std::this_thread::yield(); }

int usable_threads() {
  int threads = int(std::max(1u, std::thread::hardware_concurrency()));
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) threads = std::max(1, CPU_COUNT(&set));
  std::ifstream quota("/sys/fs/cgroup/cpu.max");
  std::string most;
  double period = 0;
  if (quota >> most >> period && most != "max" && period > 0)
    threads = std::clamp(int(std::stod(most) / period + 0.5), 1, threads);
#endif
  return threads;
}

}  // namespace lacquer
