// core/dsp/fft.hpp — complex Fourier transforms of one size, by kissfft.

#pragma once

#include <kissfft/kiss_fft.h>

#include <memory>
#include <new>

namespace lacquer {

class Fft {
public:
  using Complex = kiss_fft_cpx;

  void prepare(int size) {  ///< [control] a power of two
    forward_.reset(kiss_fft_alloc(size, 0, nullptr, nullptr));
    inverse_.reset(kiss_fft_alloc(size, 1, nullptr, nullptr));
    if (!forward_ || !inverse_) throw std::bad_alloc();
  }
  /// [audio] out may not be in.
  void forward(Complex* out, const Complex* in) const noexcept { kiss_fft(forward_.get(), in, out); }
  /// [audio] The same; what comes out is `size` times what went into forward.
  void inverse(Complex* out, const Complex* in) const noexcept { kiss_fft(inverse_.get(), in, out); }

private:
  struct Free {
    void operator()(kiss_fft_cfg c) const { kiss_fft_free(c); }
  };
  std::unique_ptr<kiss_fft_state, Free> forward_, inverse_;
};

}  // namespace lacquer
