#include "core/simd/cpu.hpp"

#include <chrono>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace lacquer {

#if defined(__x86_64__)
NoDenormals::NoDenormals() noexcept : before_(_mm_getcsr()) {
  constexpr unsigned flush_to_zero = 0x8000, denormals_are_zero = 0x0040;
  _mm_setcsr(unsigned(before_) | flush_to_zero | denormals_are_zero);
}
NoDenormals::~NoDenormals() { _mm_setcsr(unsigned(before_)); }
void relax() noexcept { _mm_pause(); }
std::uint64_t ticks() noexcept { return __rdtsc(); }
#elif defined(__aarch64__)
NoDenormals::NoDenormals() noexcept {
  asm volatile("mrs %0, fpcr" : "=r"(before_));
  asm volatile("msr fpcr, %0" ::"r"(before_ | (1u << 24)));
}
NoDenormals::~NoDenormals() { asm volatile("msr fpcr, %0" ::"r"(before_)); }
void relax() noexcept { asm volatile("yield"); }
std::uint64_t ticks() noexcept {
  std::uint64_t t;
  asm volatile("mrs %0, cntvct_el0" : "=r"(t));
  return t;
}
#endif

double ticks_per_ns() {
  static const double rate = [] {
    using Clock = std::chrono::steady_clock;
    const auto begin = Clock::now();
    const std::uint64_t first = ticks();
    auto now = begin;
    while (now - begin < std::chrono::milliseconds(2)) now = Clock::now();
    return double(ticks() - first) / double(std::chrono::nanoseconds(now - begin).count());
  }();
  return rate;
}

}  // namespace lacquer
