// nodes/clip.cpp
//
// Only what the curve takes away goes through the oversampling filters, so what lies below the knee is a delay, bit for
// bit. The filters round what they are given: a clipped wave may overshoot the ceiling a little, as it would in any
// converter. What must hold a ceiling is a limiter's work.

#include "core/dsp/oversampling.hpp"
#include "core/node.hpp"

#include <vector>

namespace {
using namespace lacquer;

struct Clip {
  static constexpr Info info{.name = "clip",
                             .doc = "Cuts off the tops of the wave, oversampled; below the knee it passes bit for bit.",
                             .source = "Half-bands: J. F. Kaiser, 1974."};
  static constexpr Param params[] = {
      {"ceiling",      dBFS,                 0,   {-40, 0},                                            "Where the curve ends."                                       },
      {"knee",         dB,                   0,   {0, 24},                                             "How far below the ceiling the bend starts; 0 is a hard edge."},
      {"oversampling", one_of("1|2|4|8|16"), "8", "How many times the sample rate the curve runs at.", fixed                                                         }
  };
  static constexpr Result results[] = {
      {"clipped", percent, "Share of the samples, of those between them too, that reached the bend."}
  };

  void prepare(const Setup<Clip>& s) {
    factor_ = 1 << int(s["oversampling"]);
    pairs_.resize(std::size_t(s.channels() + 1) / 2);
    for (std::size_t p = 0; p < pairs_.size(); ++p)
      pairs_[p].prepare(factor_, std::min(2, s.channels() - 2 * int(p)), s.rate());
    channels_ = s.channels();
    reset();
  }
  void reset() noexcept {
    for (Oversampled& pair : pairs_) pair.reset();
    bent_ = heard_ = 0;
  }
  int latency() const noexcept { return pairs_.empty() ? 0 : pairs_[0].latency(); }

  void process(Block<Clip>& b) noexcept {
    const Ramp ceiling = b.ramp("ceiling"), knee = b.ramp("knee");
    const Ramp top = amplitude(ceiling.from, ceiling.to, ceiling);
    const Ramp start = amplitude(ceiling.from - knee.from, ceiling.to - knee.to, ceiling);
    // A little lower than either end of the ramps, for what rounding does between them.
    const float lowest = 0.9999f * std::min({start.from, start.to, top.from, top.to});
    const auto curve = [&](float* out, const float* in, float, int done, int n) {
      if (simd().peak(in, n) <= lowest) {
        std::fill_n(out, n, 0.0f);
        return;
      }
      for (int i = 0; i < n; ++i) {
        const float x = in[i], c = top[done + i], s = std::min(c, start[done + i]), magnitude = std::abs(x);
        if (magnitude <= s) {
          out[i] = 0;
          continue;
        }
        ++bent_;
        // From slope 1 at the start to slope 0 at the ceiling, a parabola twice as wide as what is left to go.
        const float room = c - s, over = magnitude - s;
        const float y = over >= 2 * room ? c : s + over - over * over / (4 * room);
        out[i] = x < 0 ? magnitude - y : y - magnitude;
      }
    };
    const auto unchanged = [](int, float*, int) {};
    for (std::size_t p = 0; p < pairs_.size(); ++p)
      pairs_[p].run(b.output("out").data + 2 * p, b.input("in").data + 2 * p, b.frames(), curve, unchanged);
    heard_ += std::int64_t(b.frames()) * factor_ * channels_;
    b.report("clipped", 100.0 * double(bent_) / double(heard_));
  }

private:
  static Ramp amplitude(float from_db, float to_db, const Ramp& like) noexcept {
    return {float(db_to_gain(double(from_db))), float(db_to_gain(double(to_db))), like.at, like.frames};
  }
  int factor_ = 1, channels_ = 0;
  std::int64_t bent_ = 0, heard_ = 0;
  std::vector<Oversampled> pairs_;
};

}  // namespace

const lacquer_node_type& lacquer_node_clip = lacquer::node_type<Clip>;
