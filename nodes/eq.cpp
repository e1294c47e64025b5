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
    for (FilterBank* bank : {&bank_, &leaving_}) bank->prepare(s.rate(), s.channels(), rows_);
    fade_ = int(0.05 * s.rate());
    scratch_.assign(std::size_t(s.channels()), std::vector<float>(chunk));
    at_.resize(std::size_t(3 * s.channels()));
    from_.assign(std::size_t(rows_ * columns), 0);
    to_ = from_;
    shape_.assign(std::size_t(rows_), {});
    old_shape_ = shape_;
    reset();
  }
  void reset() noexcept {
    bank_.reset();
    fresh_ = true;
    left_ = 0;
  }
  void process(Block<Eq>& b) noexcept {
    const std::size_t size = from_.size() * sizeof(float);
    bool changed = fresh_ || std::memcmp(from_.data(), b.all_from(), size) || std::memcmp(to_.data(), b.all_to(), size);
    if (changed) {
      std::copy_n(b.all_from(), from_.size(), from_.data());
      std::copy_n(b.all_to(), to_.size(), to_.data());
    }
    const auto in = b.input("in");
    const auto out = b.output("out");
    const std::size_t channels = scratch_.size();
    for (int done = 0; done < b.frames();) {
      if (changed) take_settings(b.time() + done);
      changed = false;
      int m = b.frames() - done;
      if (left_) m = std::min({m, left_, chunk});
      const float** x = const_cast<const float**>(at_.data());
      float **y = at_.data() + channels, **old = at_.data() + 2 * channels;
      for (std::size_t c = 0; c < channels; ++c)
        x[c] = in[int(c)] + done, y[c] = out[int(c)] + done, old[c] = scratch_[c].data();
      if (left_) leaving_.process(old, x, m, b.time() + done, b.ramp_at() + done, b.ramp_frames());
      bank_.process(y, x, m, b.time() + done, b.ramp_at() + done, b.ramp_frames());
      if (left_) {
        for (std::size_t c = 0; c < channels; ++c)
          simd().engine.fade(y[c], old[c], y[c], {0, 1, fade_ - left_, fade_}, m);
        left_ -= m;
        changed = left_ == 0;  // a shape that had to wait
      }
      done += m;
    }
  }

private:
  static constexpr int chunk = 256;
  /// What does not glide. A band that changes it is cross-faded: the filters as they were go on beside the new ones.
  struct Shape {
    float kind, slope, alignment, channel;
    bool operator==(const Shape&) const = default;
  };

  void take_settings(std::int64_t time) noexcept {
    bool other = false;
    for (int r = 0; r < rows_; ++r) other = other || !(shape_[std::size_t(r)] == shape_of(r));
    if (other && left_ == 0) {
      if (!fresh_) {
        leaving_ = bank_;
        std::copy(shape_.begin(), shape_.end(), old_shape_.begin());
        left_ = fade_;
      }
      for (int r = 0; r < rows_; ++r) shape_[std::size_t(r)] = shape_of(r);
    }
    fresh_ = false;
    set(bank_, shape_, time);
    if (left_) set(leaving_, old_shape_, time);
  }
  Shape shape_of(int r) const noexcept {
    const float* v = to_.data() + r * columns;
    return {v[kind], v[slope], v[alignment], v[channel]};
  }
  void set(FilterBank& bank, const std::vector<Shape>& shapes, std::int64_t time) noexcept {
    for (int r = 0; r < rows_; ++r) {
      float from[columns], to[columns];
      for (int k = 0; k < columns; ++k)
        from[k] = from_[std::size_t(r * columns + k)], to[k] = to_[std::size_t(r * columns + k)];
      const Shape& s = shapes[std::size_t(r)];
      for (float* v : {from, to})
        v[kind] = s.kind, v[slope] = s.slope, v[alignment] = s.alignment, v[channel] = s.channel;
      bank.set(r, row_of(from), row_of(to));
    }
    bank.commit(time);
  }
  static FilterBank::Row row_of(const float* v) {
    FilterBank::Row out;
    out.band = {BandKind(int(v[kind])), double(v[freq]),    double(v[gain]),
                double(v[q]),           order_of(v[slope]), Alignment(int(v[alignment]))};
    out.side = Side(int(v[channel]));
    return out;
  }

  FilterBank bank_, leaving_;
  std::vector<Shape> shape_, old_shape_;
  int fade_ = 0, left_ = 0;  // frames; those of the fade that are still to come
  std::vector<std::vector<float>> scratch_;
  std::vector<float*> at_;
  std::vector<float> from_, to_;
  int rows_ = 0;
  bool fresh_ = true;
};

}  // namespace

const lacquer_node_type& lacquer_node_eq = lacquer::node_type<Eq>;
