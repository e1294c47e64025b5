// nodes/phase_align.cpp

#include "core/dsp/cross_spectrum.hpp"
#include "core/dsp/peak_bank.hpp"
#include "core/node.hpp"

#include <stdexcept>
#include <vector>

namespace {
using namespace lacquer;

struct PhaseAlign {
  static constexpr Info info{
      .name = "phase_align",
      .doc =
          "Moves the right channel against the left in time, to a part of a sample: two microphones at one distance.",
      .source = "Delay by parts: T. I. Laakso et al., Splitting the unit delay, IEEE SP Magazine 13(1), 1996"};
  static constexpr Param params[] = {
      {"shift",
       ms,       0,
       {-10, 10},
       "How much later the right channel comes; negative: earlier. 0 passes bit for bit.",                                  fixed},
      {"auto",       on_off, "off", "Listens first, and brings the right channel to where it agrees best with the left.",
       fixed}
  };
  static constexpr Result results[] = {
      {"shifted", unit("ms"), "How much later the right channel was made to come."}
  };

  void prepare(const Setup<PhaseAlign>& s) {
    if (s.channels() != 2) throw std::runtime_error("phase_align needs a stereo signal");
    rate_ = s.rate();
    auto_ = s["auto"] > 0;
    if (auto_) spectrum_.prepare(rate_);
    const double shift = double(s["shift"]) / 1000 * rate_;
    most_ = auto_ ? int(std::ceil(0.01 * rate_)) : int(std::ceil(std::abs(shift)));
    late_ = !auto_ && shift == 0 ? 0 : most_ + reach;
    for (auto& m : memory_) m.assign(std::size_t(2 * most_ + 2 * reach + chunk + 16), 0.0f);
    taps_.assign(2 * reach, 0.0f);
    place(auto_ ? 0 : shift);
    listening_ = false;
  }
  void reset() noexcept {
    for (auto& m : memory_) std::fill(m.begin(), m.end(), 0.0f);
  }
  int latency() const noexcept { return late_; }

  void listen(Block<PhaseAlign>& b) noexcept {
    if (!auto_) return;
    if (!listening_) spectrum_.reset();
    listening_ = true;
    spectrum_.add(b.in(), b.first(), b.last());
  }
  void process(Block<PhaseAlign>& b) noexcept {
    if (listening_) {
      listening_ = false;
      spectrum_.finish();
      const double late = spectrum_.delay_frames();
      place(std::isfinite(late) && std::abs(late) <= most_ ? -late : 0);
    }
    b.report("shifted", shift_ * 1000 / rate_);
    if (late_ == 0) return b.pass();
    const auto in = b.input("in");
    const auto out = b.output("out");
    for (int at = 0; at < b.frames(); at += chunk) {
      const int n = std::min(chunk, b.frames() - at);
      for (std::size_t c : {0u, 1u}) {
        auto& m = memory_[c];
        const std::size_t kept = m.size() - chunk - 16;
        std::copy_n(in[int(c)] + at, n, m.begin() + std::ptrdiff_t(kept));
        const float* now = m.data() + kept;
        if (c == 0 || whole_only_)
          std::copy_n(now - late_ - (c ? whole_ : 0), n, out[int(c)] + at);
        else
          for (int i = 0; i < n; ++i)
            out[1][at + i] = simd().meter.dot(now + i - late_ - whole_ - reach, taps_.data(), 2 * reach);
        std::copy(m.begin() + n, m.begin() + std::ptrdiff_t(kept) + n, m.begin());
      }
    }
  }

private:
  static constexpr int reach = 48, chunk = 256;

  /// Splits a shift in frames into whole ones and an interpolator for the rest.
  void place(double shift) noexcept {
    shift_ = shift;
    whole_ = int(std::floor(shift));
    const double part = shift - whole_;
    whole_only_ = part < 1e-6;
    // what comes `part` of a frame after x[whole_ before now] is what lay there that much earlier
    for (int k = 0; k < 2 * reach; ++k) {
      const double t = k - reach + part;
      taps_[std::size_t(k)] = float(sinc(t) * kaiser(t, 2 * reach + 2, 8));
    }
  }

  double rate_ = 0, shift_ = 0;
  bool auto_ = false, listening_ = false, whole_only_ = true;
  int most_ = 0, late_ = 0, whole_ = 0;
  std::vector<float> taps_;
  std::array<std::vector<float>, 2> memory_;
  CrossSpectrum spectrum_;
};

}  // namespace

const lacquer_node_type& lacquer_node_phase_align = lacquer::node_type<PhaseAlign>;
