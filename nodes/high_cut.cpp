// nodes/high_cut.cpp

#include "core/dsp/filter_bank.hpp"
#include "core/dsp/filter_params.hpp"

#include <stdexcept>
#include <string>

namespace {
using namespace lacquer;

struct HighCut {
  static constexpr Info info{
      .name = "high_cut",
      .doc = "Takes away what lies above a frequency, with 6 to 96 dB per octave.",
      .source =
          "Butterworth 1930, Linkwitz 1976 and Thomson 1949 prototypes, matched up to Nyquist by a fit of the "
          "magnitude on Jury's stability triangle; see core/dsp/filter_design.hpp"};
  static constexpr Param params[] = {
      {"freq", Hz,    18000,  {10, 40000}, "Corner frequency."                                     },
      slope_param,
      alignment_param,
      {"q",    plain, 0.707f, q_range,     "Resonance at the corner: 0.707 is the alignment's own."}
  };

  void prepare(const Setup<HighCut>& s) {
    if (!exists(Alignment(int(s["alignment"])), order_of(s["slope"])))
      throw std::runtime_error(std::string(info.name) + ": " + no_such_alignment);
    bank_.prepare(s.rate(), s.channels(), 1);
  }
  void reset() noexcept { bank_.reset(); }
  void process(Block<HighCut>& b) noexcept {
    const Ramp freq = b.ramp("freq"), q = b.ramp("q");
    Band from{.kind = BandKind::high_cut,
              .freq = double(freq.from),
              .q = double(q.from),
              .order = order_of(b["slope"]),
              .alignment = b.as<Alignment>("alignment")};
    Band to = from;
    to.freq = double(freq.to);
    to.q = double(q.to);
    bank_.set(0, {from}, {to});
    bank_.commit(b.time());
    bank_.process(b.output("out").data, b.input("in").data, b.frames(), b.time(), b.ramp_at(), b.ramp_frames());
  }

private:
  FilterBank bank_;
};

}  // namespace

const lacquer_node_type& lacquer_node_high_cut = lacquer::node_type<HighCut>;
