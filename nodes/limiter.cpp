// nodes/limiter.cpp

#include "core/dsp/peak_limiter.hpp"
#include "core/node.hpp"

namespace {
using namespace lacquer;

struct Limiter {
  static constexpr Info info{
      .name = "limiter",
      .doc =
          "Holds the true peak under a ceiling, for ideal converters and common meters alike; what stays below it "
          "passes bit for bit.",
      .source =
          "true peak: ITU-R BS.1770-5 annex 2; look-ahead by box filters: G. Luff, Signalsmith basics; held bass: "
          "F. Adriaensen, zita-dpl1"};
  // clang-format off
  static constexpr Param params[] = {
      {"ceiling",      dBTP, -1, {-24, 0}, "No peak, on or between the samples, comes out above it."},
      {"release",      ms, 300, {20, 3000}, "Time to cover 63 % of the way back from sustained reduction."},
      {"lookahead",    ms, 1.2f, {0.3f, 10}, "Time in which the gain goes down before a peak.", fixed},
      {"character",    one_of("transparent|punchy|aggressive|wall"), "transparent", "From cleanest to loudest."},
      {"link",         percent, 100, {0, 100}, "How much a peak in one channel turns the others down.", fixed},
      {"link_release", percent, 100, {0, 100}, "How much the channels share their sustained reduction.", fixed},
      {"band_limit",   on_off, "off", "Removes what lies above 0.46 of the rate first: meters disagree on it.", fixed},
  };
  // clang-format on
  static constexpr Result results[] = {
      {"reduction", dB, "How far the signal is turned down."                                           },
      {"deepest",   dB, "The furthest it has been turned down."                                        },
      {"disputed",  dB, "How far apart good meters read a peak; from 0.3 dB on, band_limit settles it."},
  };

  void prepare(const Setup<Limiter>& s) {
    limiter_.prepare({.rate = s.rate(),
                      .channels = s.channels(),
                      .lookahead_ms = double(s["lookahead"]),
                      .link = s["link"] / 100,
                      .link_release = s["link_release"] / 100,
                      .band_limit = s["band_limit"] > 0});
  }
  void reset() noexcept { limiter_.reset(); }
  int latency() const noexcept { return limiter_.latency(); }

  void process(Block<Limiter>& b) noexcept {
    limiter_.process(b.output("out").data, b.input("in").data, b.frames(), b.ramp("ceiling"), double(b["release"]),
                     b.as<PeakLimiter::Character>("character"));
    b.report("reduction", limiter_.reduction());
    b.report("deepest", limiter_.deepest());
    b.report("disputed", limiter_.disputed());
  }

private:
  PeakLimiter limiter_;
};

}  // namespace

const lacquer_node_type& lacquer_node_limiter = lacquer::node_type<Limiter>;
