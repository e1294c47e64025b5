#include "core/dsp/filter_bank.hpp"

#include "core/simd/simd.hpp"

#include <algorithm>

namespace lacquer {
namespace {

constexpr int rounded(int sections) {
  return (sections + FilterLoops::group - 1) / FilterLoops::group * FilterLoops::group;
}
bool without_effect(const Band& b) { return b.has_gain() && b.gain_db == 0; }

/// Frames until a filter with these poles has fallen by 200 dB.
std::int64_t ringing(const Design& d) {
  double longest = 0;
  for (int i = 0; i < d.count; ++i)
    for (const Biquad* q : {&d.section[std::size_t(i)].main, &d.section[std::size_t(i)].correction}) {
      // the larger root's radius
      const double off = q->a1 * q->a1 / 4 - q->a2;
      const double radius = off < 0 ? std::sqrt(q->a2) : std::abs(q->a1) / 2 + std::sqrt(off);
      if (radius > 0) longest = std::max(longest, -33.2 / log2_of(std::min(radius, 1 - 1e-7)));
    }
  return std::int64_t(longest) + 64;
}

const Biquad& of(const Design& d, int slot) {
  const Design::Section& s = d.section[std::size_t(slot / 2)];
  return slot % 2 ? s.correction : s.main;
}
bool present(const Design& d, int slot) {
  return slot / 2 < d.count && (slot % 2 == 0 || d.section[std::size_t(slot / 2)].corrected);
}

struct Two {
  double first, second;
};
Two turned(Two x, bool from_mid_side, bool to_mid_side) {
  if (from_mid_side == to_mid_side) return x;
  if (to_mid_side) return {0.5 * (x.first + x.second), 0.5 * (x.first - x.second)};
  return {x.first + x.second, x.first - x.second};
}

}  // namespace

void FilterBank::prepare(double rate, int channels, int rows) {
  rate_ = rate;
  channels_ = channels;
  design_ = FilterDesigner(rate);
  const int most = rows * slots;
  stride_ = rounded(most) + FilterLoops::group * (rows + 1);
  rows_.assign(std::size_t(rows), {});
  sections_.clear();
  sections_.reserve(std::size_t(stride_));
  old_sections_.reserve(std::size_t(stride_));
  stages_.clear();
  stages_.reserve(std::size_t(rows) + 1);
  place_.assign(std::size_t(most), -1);
  coefficients_.assign(std::size_t(stride_) * 20, 0);
  state_.assign(std::size_t(stride_ * 4 * channels), 0);
  old_state_ = state_;
  before_.assign(std::size_t(2 * channels), 0);
  for (auto& w : work_) w.assign(chunk + FilterLoops::room, 0);
  reset();
}

void FilterBank::reset() {
  for (Running& r : rows_) r.known = r.live = false;
  sections_.clear();
  stages_.clear();
  std::fill(before_.begin(), before_.end(), 0.0);
  changed_ = true;
  next_end_ = INT64_MAX;
}

void FilterBank::set(int r, const Row& from, const Row& to) {
  Running& row = rows_[std::size_t(r)];
  if (row.known && row.from == from && row.to == to) return;
  changed_ = true;
  const auto same = [](const Row& a, const Row& b) { return a.band == b.band; };
  if (row.known && same(from, row.to))
    row.begin = row.end;
  else if (!row.known || !same(from, row.from))
    row.begin = design_(from.band);
  row.end = same(to, from) ? row.begin : design_(to.band);
  row.from = from;
  row.to = to;
  row.known = true;
}

void FilterBank::commit(std::int64_t time) {
  if (!changed_) return;
  changed_ = false;
  moving_ = false;
  next_end_ = INT64_MAX;
  for (Running& r : rows_) {
    if (!r.known) continue;
    if (!(without_effect(r.from.band) && without_effect(r.to.band))) {
      r.live = true;
      r.ends = INT64_MAX;
    } else if (r.live) {
      if (r.ends == INT64_MAX) r.ends = time + ringing(r.end);
      if (r.ends <= time) r.live = false;
    }
    if (r.live) {
      moving_ |= r.from.band != r.to.band;
      next_end_ = std::min(next_end_, r.ends);
    }
  }
  arrange();
  fill();
}

/// Lists the sections that are needed, in stages of left/right and mid/side; keeps what they remember if that changes.
void FilterBank::arrange() {
  old_sections_.swap(sections_);
  sections_.clear();
  stages_.clear();
  const bool sided = channels_ == 2;
  bool open = false;
  const auto close = [&] {
    if (!open) return;
    stages_.back().sections = int(sections_.size()) - stages_.back().first;
    while (sections_.size() % FilterLoops::group) sections_.push_back({-1, 0, false});
    open = false;
  };
  // A stereo row joins whatever stage it finds: the same filter on both channels is the same on mid and side.
  for (std::size_t r = 0; r < rows_.size(); ++r) {
    const Running& row = rows_[r];
    if (!row.live) continue;
    const Side side = sided ? row.to.side : Side::stereo;
    const bool mid_side = side == Side::mid || side == Side::side;
    if (open && side != Side::stereo && stages_.back().mid_side != mid_side) {
      bool only_stereo = true;  // so far: then the stage may turn into what is wanted
      for (std::size_t i = std::size_t(stages_.back().first); i < sections_.size(); ++i)
        only_stereo &= rows_[std::size_t(sections_[i].row)].to.side == Side::stereo;
      if (only_stereo) {
        stages_.back().mid_side = mid_side;
        for (std::size_t i = std::size_t(stages_.back().first); i < sections_.size(); ++i)
          sections_[i].mid_side = mid_side;
      } else {
        close();
      }
    }
    if (!open) stages_.push_back({int(sections_.size()), 0, mid_side, true});
    open = true;
    stages_.back().alike &= side == Side::stereo;
    for (int slot = 0; slot < slots; ++slot)
      if (present(row.begin, slot) || present(row.end, slot))
        sections_.push_back({int(r), slot, stages_.back().mid_side});
  }
  close();
  const auto equal = [](const Section& a, const Section& b) {
    return a.row == b.row && a.slot == b.slot && a.mid_side == b.mid_side;
  };
  if (!std::equal(sections_.begin(), sections_.end(), old_sections_.begin(), old_sections_.end(), equal)) carry_over();
}

/// What each section remembers, from the old arrangement into the new one. A section that was not there has done
/// nothing so far: its past output was its past input, which is what the section before it put out.
void FilterBank::carry_over() {
  state_.swap(old_state_);
  std::fill(place_.begin(), place_.end(), -1);
  for (std::size_t i = 0; i < old_sections_.size(); ++i)
    if (const Section& s = old_sections_[i]; s.row >= 0) place_[std::size_t(s.row * slots + s.slot)] = int(i);

  for (int c = 0; c < channels_; c += 2) {
    const int d = std::min(c + 1, channels_ - 1);
    Two now[2];
    for (int k = 0; k < 2; ++k) now[k] = {before_[std::size_t(2 * c + k)], before_[std::size_t(2 * d + k)]};
    bool mid_side = false;
    for (std::size_t i = 0; i < sections_.size(); ++i) {
      const Section& s = sections_[i];
      if (s.row < 0) {
        for (int what = 0; what < 4; ++what) state(state_, c, what)[i] = state(state_, d, what)[i] = 0;
        continue;
      }
      for (Two& x : now) x = turned(x, mid_side, s.mid_side);
      mid_side = s.mid_side;
      const int place = place_[std::size_t(s.row * slots + s.slot)];
      for (int k = 0; k < 2; ++k) {
        Two x = now[k], y = now[k];
        if (place >= 0) {
          const bool was = old_sections_[std::size_t(place)].mid_side;
          x = turned({state(old_state_, c, k)[place], state(old_state_, d, k)[place]}, was, mid_side);
          y = turned({state(old_state_, c, 2 + k)[place], state(old_state_, d, 2 + k)[place]}, was, mid_side);
        }
        state(state_, c, k)[i] = x.first;
        state(state_, d, k)[i] = d == c ? x.first : x.second;
        state(state_, c, 2 + k)[i] = y.first;
        state(state_, d, 2 + k)[i] = d == c ? y.first : y.second;
        now[k] = y;
      }
    }
  }
}

void FilterBank::fill() {
  const auto write = [&](double* to, std::size_t i, const Biquad& q) {
    const std::size_t stride = std::size_t(stride_);
    to[i] = q.b0;
    to[i + stride] = q.b1;
    to[i + 2 * stride] = q.b2;
    to[i + 3 * stride] = q.a1;
    to[i + 4 * stride] = q.a2;
  };
  for (std::size_t i = 0; i < sections_.size(); ++i) {
    const Section& s = sections_[i];
    for (int lane = 0; lane < 2; ++lane) {
      const Running* row = s.row < 0 ? nullptr : &rows_[std::size_t(s.row)];
      if (row && channels_ == 2) {
        const Side side = row->to.side;
        if (lane == 0 ? side == Side::right || side == Side::side : side == Side::left || side == Side::mid)
          row = nullptr;
      }
      write(coefficients(0, lane), i, row ? of(row->begin, s.slot) : Biquad{});
      write(coefficients(1, lane), i, row ? of(row->end, s.slot) : Biquad{});
    }
  }
}

void FilterBank::process(float* const* out, const float* const* in, int n, std::int64_t time, int at, int frames) {
  const FilterLoops& loops = simd().filter;
  for (int done = 0; done < n;) {
    if (time + done >= next_end_) {
      changed_ = true;
      commit(time + done);
    }
    int m = std::min(n - done, chunk);
    if (next_end_ < time + done + m) m = int(next_end_ - (time + done));  // in this order: time may be negative
    for (int c = 0; c < channels_; c += 2) {
      const int width = std::min(2, channels_ - c);
      double* const work[] = {work_[0].data(), work_[1].data()};
      for (int k = 0; k < width; ++k) {
        const float* x = in[c + k] + done;
        double* before = before_.data() + 2 * (c + k);
        before[1] = m > 1 ? double(x[m - 2]) : before[0];
        before[0] = double(x[m - 1]);
        if (sections_.empty()) {
          if (out[c + k] != in[c + k]) std::copy_n(x, m, out[c + k] + done);
        } else {
          loops.widen(work[k], x, m);
        }
      }
      if (sections_.empty()) continue;
      bool mid_side = false;
      const auto turn = [&](bool to) {
        if (to != mid_side) (to ? loops.to_mid_side : loops.to_left_right)(work[0], work[1], m);
        mid_side = to;
      };
      for (const Stage& s : stages_) {
        turn(s.mid_side);
        Cascade filter{s.sections, stride_, {}, {}, {}, at + done, frames};
        for (int k = 0; k < width; ++k) {
          const int lane = s.alike ? 0 : k;
          filter.to[k] = coefficients(1, lane) + s.first;
          filter.from[k] = moving_ ? coefficients(0, lane) + s.first : filter.to[k];
          filter.state[k] = state(state_, c + k, 0) + s.first;
        }
        loops.cascade(work, width, filter, m);
      }
      turn(false);
      for (int k = 0; k < width; ++k) loops.narrow(out[c + k] + done, work[k], m);
    }
    done += m;
  }
}

}  // namespace lacquer
