// core/simd/cpu.hpp — what a thread asks of its processor: no denormals, a moment's rest, the time.

#pragma once

#include <cstdint>

namespace lacquer {

/// While one of these lives, this thread takes and makes zeros instead of denormals. [audio]
class NoDenormals {
public:
  NoDenormals() noexcept;
  ~NoDenormals();
  NoDenormals(const NoDenormals&) = delete;

private:
  std::uint64_t before_;
};

void relax() noexcept;           ///< [audio] in a loop that waits for another thread: leaves the core to its sibling
std::uint64_t ticks() noexcept;  ///< [audio] a clock of constant rate, no system call; see ticks_per_ns
double ticks_per_ns();           ///< [control] measured once, a few milliseconds

}  // namespace lacquer
