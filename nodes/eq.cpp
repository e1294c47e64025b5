// nodes/eq.cpp

#include "core/dsp/filter_bank.hpp"
#include "core/dsp/filter_params.hpp"

#include <cstring>
#include <stdexcept>
#include <vector>

namespace {
using namespace lacquer;

struct Eq {
  static constexpr Info info{
      .name = "eq",
      .doc = "Equaliser: a row for each band, as its analogue prototype sounds, up to Nyquist and without latency.",
      .source =
          "R. Bristow-Johnson, Audio EQ Cookbook (prototypes); matched up to Nyquist by a fit of the magnitude on "
          "Jury's stability triangle, see core/dsp/filter_design.hpp; M. Vicanek, Matched Second Order Digital "
          "Filters (2016)"};
  static constexpr int max_rows = 32;
  static constexpr Param row[] = {
      band_param,
      freq_param,
      gain_param,
      q_param,
      slope_param,
      alignment_param,
      {"channel", one_of("stereo|left|right|mid|side"), "stereo", "Where the band works."}
  };
  enum Column { kind, freq, gain, q, slope, alignment, channel, columns };
  static_assert(columns == std::size(row));

  void prepare(const Setup<Eq>& s) {
    rows_ = s.rows();
    for (int r = 0; r < rows_; ++r) {
      const FilterBank::Row at = row_of(s.values() + r * columns);
      if (at.side != Side::stereo && s.channels() != 2)
        throw std::runtime_error("eq: a band for left, right, mid or side needs a stereo signal");
      if (at.band.is_cut() && !exists(at.band.alignment, at.band.order))
        throw std::runtime_error(std::string("eq: ") + no_such_alignment);
    }
    bank_.prepare(s.rate(), s.channels(), rows_);
    from_.assign(std::size_t(rows_ * columns), 0);
    to_ = from_;
    reset();
  }
  void reset() noexcept {
    bank_.reset();
    fresh_ = true;
  }
  void process(Block<Eq>& b) noexcept {
    const std::size_t size = from_.size() * sizeof(float);
    if (fresh_ || std::memcmp(from_.data(), b.all_from(), size) || std::memcmp(to_.data(), b.all_to(), size)) {
      fresh_ = false;
      std::copy_n(b.all_from(), from_.size(), from_.data());
      std::copy_n(b.all_to(), to_.size(), to_.data());
      for (int r = 0; r < rows_; ++r) {
        const FilterBank::Row to = row_of(to_.data() + r * columns);
        FilterBank::Row from = to;  // what does not glide has its new value from the start of the ramp
        from.band.freq = double(from_[std::size_t(r * columns + freq)]);
        from.band.gain_db = double(from_[std::size_t(r * columns + gain)]);
        from.band.q = double(from_[std::size_t(r * columns + q)]);
        bank_.set(r, from, to);
      }
      bank_.commit(b.time());
    }
    bank_.process(b.output("out").data, b.input("in").data, b.frames(), b.time(), b.ramp_at(), b.ramp_frames());
  }

private:
  static FilterBank::Row row_of(const float* v) {
    FilterBank::Row out;
    out.band = {BandKind(int(v[kind])), double(v[freq]),    double(v[gain]),
                double(v[q]),           order_of(v[slope]), Alignment(int(v[alignment]))};
    out.side = Side(int(v[channel]));
    return out;
  }

  FilterBank bank_;
  std::vector<float> from_, to_;
  int rows_ = 0;
  bool fresh_ = true;
};

}  // namespace

const lacquer_node_type& lacquer_node_eq = lacquer::node_type<Eq>;
