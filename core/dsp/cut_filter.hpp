// core/dsp/cut_filter.hpp — what low_cut and high_cut do: one band of a filter bank, set by freq, slope, alignment and
// q.

#pragma once

#include "core/dsp/filter_bank.hpp"
#include "core/dsp/filter_params.hpp"

#include <stdexcept>
#include <string>

namespace lacquer {

/// The verbs of a node that has these four parameters.
template <class Node, BandKind kind>
class CutFilter {
public:
  void prepare(const Setup<Node>& s) {
    if (!exists(Alignment(int(s["alignment"])), order_of(s["slope"])))
      throw std::runtime_error(std::string(Node::info.name) + ": " + no_such_alignment);
    bank_.prepare(s.rate(), s.channels(), 1);
  }
  void reset() noexcept { bank_.reset(); }
  void process(Block<Node>& b) noexcept {
    const Ramp freq = b.ramp("freq"), q = b.ramp("q");
    Band from{.kind = kind,
              .freq = double(freq.from),
              .q = double(q.from),
              .order = order_of(b["slope"]),
              .alignment = b.template as<Alignment>("alignment")};
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

inline constexpr const char* cut_source =
    "Butterworth 1930, Linkwitz 1976 and Thomson 1949 prototypes, matched up to Nyquist by a fit of the magnitude on "
    "Jury's stability triangle; see core/dsp/filter_design.hpp";

}  // namespace lacquer
