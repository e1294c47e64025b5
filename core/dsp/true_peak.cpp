#include "core/dsp/true_peak.hpp"

#include "core/dsp/peak_bank.hpp"
#include "core/math.hpp"
#include "core/simd/simd.hpp"

#include <algorithm>
#include <cmath>

namespace lacquer {
namespace {

constexpr int chunk = 256, reach = 112, before = 32;  // frames; `before`: how far outside of the programme we look
constexpr int taps = 192, phases = 8;
constexpr float close = 0.85f;  // of a crest's level, what the scout sees of it at least

struct Bank {
  PeakScout scout{};
  PeakTable table{};
  alignas(64) float fine[phases][taps];  // [phase][tap], centred between taps 95 and 96
  Bank() {
    double largest = 0;
    for (int p = 0; p < phases; ++p) {
      double size = 0;
      for (int i = 0; i < taps; ++i) {
        const double t = i - (taps / 2 - 1) - double(p) / phases, h = sinc(t) * kaiser(t, taps, 5.0);
        fine[p][i] = float(h);
        size += std::abs(h);
      }
      largest = std::max(largest, size);
    }
    scout.largest = float(1.02 * largest);
    const auto h = [](double t) { return sinc(t) * kaiser(t, 2 * PeakScout::pairs, 3.0); };
    detail::split(scout.even, scout.odd, scout.half, h);
    const PeakBank others = design_peak_bank();
    for (int phase : {0, 1}) {
      std::copy_n(others.table_even[phase], PeakTable::pairs, table.even[phase]);
      std::copy_n(others.table_odd[phase], PeakTable::pairs, table.odd[phase]);
    }
  }
};
const Bank& bank() {
  static const Bank b;
  return b;
}

// The crest of the sine through three equidistant points, the middle one the highest: a^2 = b^2 + d^2 b^2 / (b^2 - m^2)
// with d half the difference and m the mean of the outer two. `shift` is where it lies, in steps of the grid.
struct Crest {
  float level, shift;
};
Crest crest_of(float a, float b, float c) {
  const float sign = b < 0 ? -1.0f : 1.0f, d = (c - a) / 2 * sign, m = (a + c) / 2 * sign, top = std::abs(b);
  if (!(top > m) || std::abs(d) > top - m) return {top, 0};
  const float curve = top - m;
  const float level = m > 0 ? top * std::sqrt(1 + d * d / (curve * (top + m))) : top + d * d / (2 * curve);
  return {level, d / (2 * curve)};
}

}  // namespace

void TruePeakMeter::prepare(const Settings& settings) {
  bank();  // designs it, if nobody has yet
  set_ = settings;
  channels_.assign(std::size_t(settings.channels), {});
  for (Channel& c : channels_) c.samples.resize(reach + chunk + reach);
  listed_.reserve(settings.over > 0 ? listed_most : 0);
  reset();
}

void TruePeakMeter::reset() noexcept {
  for (Channel& c : channels_) {
    std::fill(c.samples.begin(), c.samples.end(), 0.0f);
    c.highest = {};
    c.in_step = 0;
    c.overs = 0;
    c.last_over = INT64_MIN / 2;
    c.listed = -1;
  }
  filled_ = reach + before;
  time_ = -before;
  over_count_ = steps_done_ = 0;
  listed_.clear();
  std::fill(std::begin(step_peaks_), std::end(step_peaks_), 0.0f);
}

TruePeakMeter::Peak TruePeakMeter::peak() const noexcept {
  Peak best;
  for (const Channel& c : channels_)
    if (c.highest.level > best.level) best = c.highest;
  return best;
}

// The crest in [0, 1) from x on, or right at its ends.
TruePeakMeter::Peak TruePeakMeter::look(const float* x, std::int64_t time) const noexcept {
  const Bank& b = bank();
  const auto at = [&](int eighth) {  // 0 .. 8, one more on each side for the crest's neighbours
    const int whole = eighth >= phases ? 1 : eighth < 0 ? -1 : 0, phase = eighth - whole * phases;
    return phase ? simd().meter.dot(b.fine[phase], x + whole - (taps / 2 - 1), taps) : x[whole];
  };
  float y[phases + 3];  // eighths -1 .. 9, those asked for
  bool known[phases + 3] = {};
  const auto get = [&](int eighth) {
    if (!known[eighth + 1]) y[eighth + 1] = at(eighth), known[eighth + 1] = true;
    return y[eighth + 1];
  };
  int best = 0;
  for (int q = 2; q <= phases; q += 2)
    if (std::abs(get(q)) > std::abs(get(best))) best = q;
  const int middle = best;
  for (int q : {middle - 1, middle + 1})
    if (q >= 0 && q <= phases && std::abs(get(q)) > std::abs(get(best))) best = q;
  const Crest c = crest_of(get(best - 1), get(best), get(best + 1));
  return {c.level, double(time) + (best + double(c.shift)) / phases};
}

void TruePeakMeter::found(Channel& c, int index, Peak p, std::int64_t time) noexcept {
  if (p.level > c.highest.level) c.highest = p;
  c.in_step = std::max(c.in_step, p.level);
  if (!(set_.over > 0) || !(p.level > set_.over)) return;
  if (time - c.last_over > set_.apart) {
    ++c.overs;
    ++over_count_;
    c.listed = -1;
    if (listed_.size() < listed_most) {
      c.listed = int(listed_.size());
      listed_.push_back({index, time, time + 1, p.level});
    }
  } else if (c.listed >= 0) {
    Over& o = listed_[std::size_t(c.listed)];
    o.to = time + 1;
    o.level = std::max(o.level, p.level);
  }
  c.last_over = time;
}

// n frames in sixteens, all of one step.
void TruePeakMeter::piece(Channel& c, int index, const float* x, std::int64_t time, int n) noexcept {
  alignas(64) float level[chunk];
  const int rounded = (n + 15) / 16 * 16;
  if (set_.table) {
    simd().meter.table_peak(level, x, bank().table, rounded);
    for (int i = 0; i < n; ++i)
      if (level[i] > c.highest.level || (set_.step && level[i] > c.in_step) || (set_.over > 0 && level[i] > set_.over))
        found(c, index, {level[i], double(time + i)}, time + i);
    return;
  }
  // What we look for: anything that could be a new maximum or an over; and for the peak of the step, anything the scout
  // itself sees above what it has seen.
  const auto floor = [&] { return set_.over > 0 ? std::min(c.highest.level, set_.over) : c.highest.level; };
  const float needed = set_.step ? std::min(floor(), c.in_step / close) : floor();
  if (!simd().meter.scout(level, x, bank().scout, needed, rounded)) return;
  const float top = simd().peak(level, n);
  c.in_step = std::max(c.in_step, top);
  if (!(top > close * floor())) return;
  // The highest first: what it turns out to be saves looking at most others.
  const int highest = int(std::find(level, level + n, top) - level);
  found(c, index, look(x + highest, time + highest), time + highest);
  level[highest] = 0;
  for (int i = 0; i < n; ++i)
    if (level[i] > close * floor()) found(c, index, look(x + i, time + i), time + i);
}

void TruePeakMeter::chunk_of(Channel& c, int index) noexcept {
  if (!set_.step) return piece(c, index, c.samples.data() + reach, time_, chunk);
  for (int i = 0; i < chunk;) {
    const std::int64_t time = time_ + i, end = (std::max<std::int64_t>(time, 0) / set_.step + 1) * set_.step;
    const int n = int(std::min<std::int64_t>(chunk - i, end - time));
    piece(c, index, c.samples.data() + reach + i, time, n);
    i += n;
    if (time + n == end) {
      float& peak = step_peaks_[std::size_t((end / set_.step - 1) % steps_kept)];
      peak = index ? std::max(peak, c.in_step) : c.in_step;
      c.in_step = 0;
    }
  }
}

void TruePeakMeter::add(const float* const* channel, int first, int last) noexcept {
  while (first < last) {
    const int n = std::min(last - first, reach + chunk + reach - filled_);
    for (std::size_t c = 0; c < channels_.size(); ++c)
      std::copy_n(channel[c] + first, n, channels_[c].samples.begin() + filled_);
    first += n;
    filled_ += n;
    if (filled_ == reach + chunk + reach) {
      for (std::size_t c = 0; c < channels_.size(); ++c) {
        chunk_of(channels_[c], int(c));
        std::copy_n(channels_[c].samples.begin() + chunk, 2 * reach, channels_[c].samples.begin());
      }
      filled_ = 2 * reach;
      time_ += chunk;
      if (set_.step) steps_done_ = std::max<std::int64_t>(time_, 0) / set_.step;
    }
  }
}

void TruePeakMeter::finish() noexcept {
  static constexpr float silence[chunk] = {};
  std::vector<const float*> nothing(channels_.size(), silence);
  const std::int64_t end = time_ + filled_ - reach;
  while (time_ < end + before) add(nothing.data(), 0, chunk);
}

}  // namespace lacquer
