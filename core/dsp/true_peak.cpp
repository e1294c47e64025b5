#include "core/dsp/true_peak.hpp"

#include "core/dsp/peak_bank.hpp"
#include "core/math.hpp"
#include "core/simd/simd.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace lacquer {
namespace {

constexpr int chunk = 1024, reach = 144, before = 32;  // frames; `before`: how far outside of the programme we look
constexpr int kept = 8 * chunk;                        // of a channel, between two moves to the front
constexpr int taps = 256, phases = 8, glance_taps = 96;
constexpr float close = 0.85f;  // of a crest's level, what the scout sees of it at least
constexpr float steep = 0.9f;   // what falls by more from one sample to the next may hide a crest of its own

// Denormals are silence, whether or not this thread's arithmetic rounds them to it.
float audible(float level) { return level < std::numeric_limits<float>::min() ? 0 : level; }

struct Bank {
  PeakScout scout{};
  PeakTable table{};
  alignas(64) float fine[phases][taps];               // [phase][tap], centred between taps 127 and 128
  alignas(64) float short_ones[phases][glance_taps];  // the same for a first glance
  Bank() {
    double largest = 0;
    Highest most{1, 0};
    for (int p = 0; p < phases; ++p) {
      double size = 0;
      std::array<double, taps> c;
      for (std::size_t i = 0; i < taps; ++i) {
        const double t = double(i) - (taps / 2 - 1) - double(p) / phases;
        c[i] = sinc(t) * kaiser(t, taps, 5.0);
        fine[p][i] = float(c[i]);
        size += std::abs(c[i]);
      }
      largest = std::max(largest, size);
      for (int i = 0; i < glance_taps; ++i) {
        const double t = i - (glance_taps / 2 - 1) - double(p) / phases;
        short_ones[p][i] = float(sinc(t) * kaiser(t, glance_taps, 4.0));
      }
      const Highest here = highest_read(c);
      most = {std::max(most.flat, here.flat), std::max(most.bent, here.bent)};
    }
    constexpr double crest = 1.02;  // what fitting a sine adds at most, on a grid of eighths
    scout.largest = float(crest * largest);
    scout.flat = float(crest * most.flat);
    scout.bent = float(crest * most.bent);
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
  for (Channel& c : channels_) c.samples.resize(kept);
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
  next_ = reach;
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

// Values on the grid of eighths around x, by interpolators of n taps [phase][tap], each worked out when it is asked
// for.
template <int n>
class Grid {
public:
  Grid(const float* x, const float (*bank)[n]) : x_(x), bank_(bank) {}
  float operator()(int eighth) {
    const std::size_t i = std::size_t(eighth - first);
    if (!known_[i]) y_[i] = at(eighth), known_[i] = true;
    return y_[i];
  }
  static constexpr int first = -4, last = phases + 2;

private:
  float at(int eighth) const {
    const int whole = eighth >= phases ? 1 : eighth < 0 ? -1 : 0, phase = eighth - whole * phases;
    return phase ? simd().meter.dot(bank_[phase], x_ + whole - (n / 2 - 1), n) : x_[whole];
  }
  const float* x_;
  const float (*bank_)[n];
  float y_[last - first + 1];
  bool known_[last - first + 1] = {};
};
// The highest of q and its neighbours `step` away.
template <int n>
int climb(Grid<n>& y, int q, int step, int from, int to) {
  int best = q;
  for (int other : {q - step, q + step})
    if (other >= from && other <= to && std::abs(y(other)) > std::abs(y(best))) best = other;
  return best;
}

// A first glance at the crest around x, where the scout found its highest value at the sample or up to three quarters
// after it: anywhere from a quarter before to a whole sample after. A closer look finds at most `doubt` times as much.
struct Glimpse {
  int eighth;
  float level;
};
constexpr float doubt = 1.02f;
Glimpse glance(const float* x) {
  constexpr int from = -2, to = phases;
  Grid<glance_taps> y(x, bank().short_ones);
  int best = 0;
  for (int q : {phases / 2, phases})  // samples cost nothing, so there we start
    if (std::abs(y(q)) > std::abs(y(best))) best = q;
  best = climb(y, best, 2, from, to);
  return {best, crest_of(y(best - 2), y(best), y(best + 2)).level};
}
TruePeakMeter::Peak look(const float* x, int eighth, std::int64_t time) {
  Grid<taps> y(x, bank().fine);
  const int best = climb(y, eighth, 1, -3, phases + 1);
  const Crest c = crest_of(y(best - 1), y(best), y(best + 1));
  return {c.level, double(time) + (best + double(c.shift)) / phases};
}

void TruePeakMeter::found(Channel& c, int index, Peak p, std::int64_t time) noexcept {
  p.level = audible(p.level);
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

// n frames, all of one step.
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
  // A peak is no lower than the samples: only what may exceed them is looked at.
  const float sample = audible(simd().peak(x, n));
  c.in_step = std::max(c.in_step, sample);
  if (sample > c.highest.level) {
    const float* at = std::find_if(x, x + n, [&](float v) { return std::abs(v) == sample; });
    c.highest = {sample, double(time + (at - x))};
  }
  const auto floor = [&] {
    float f = c.highest.level;
    if (set_.over > 0) f = std::min(f, set_.over);
    return set_.step ? std::min(f, c.in_step) : f;
  };
  int groups[chunk / 16];
  const int count = simd().meter.scout(level, groups, x, bank().scout, floor(), rounded);
  if (!count) return;
  int highest = groups[0] * 16;
  for (int g = 0; g < count; ++g) {
    if (groups[g] * 16 + 16 > n) std::fill(level + n, level + rounded, 0.0f);
    for (int i = groups[g] * 16; i < groups[g] * 16 + 16; ++i)
      if (level[i] > level[highest]) highest = i;
  }
  // The highest first: what it turns out to be saves looking at most others.
  const Peak top = look(x + highest, glance(x + highest).eighth, time + highest);
  if (audible(top.level) > c.highest.level) c.highest = top;
  c.in_step = std::max(c.in_step, audible(top.level));
  for (int g = 0; g < count; ++g) {
    const int from = groups[g] * 16, to = from + 16;
    const bool left = g > 0 && groups[g - 1] + 1 == groups[g], right = g + 1 < count && groups[g + 1] - 1 == groups[g];
    for (int i = from; i < to; ++i) {
      if (!(level[i] > close * floor())) continue;
      // on a smooth slope, its neighbour is nearer to the crest
      const auto slope = [&](float other) { return level[i] < other && level[i] > steep * other; };
      if (((i > from || left) && slope(level[i - 1])) || ((i + 1 < to || right) && slope(level[i + 1]))) continue;
      if (i == highest) {
        found(c, index, top, time + i);
        continue;
      }
      // Only what may be a maximum, a new over or the end of one, or the highest of one on the list, needs a closer
      // look.
      const Glimpse seen = glance(x + i);
      bool closer = seen.level * doubt > c.highest.level;
      if (set_.over > 0 && seen.level * doubt > set_.over) {
        const std::int64_t gap = time + i - c.last_over;
        const bool unsure = seen.level < set_.over * doubt;
        closer = closer || (gap > set_.apart / 2 && unsure) || (gap > set_.apart && listed_.size() < listed_most) ||
                 (c.listed >= 0 && gap <= set_.apart && seen.level * doubt > listed_[std::size_t(c.listed)].level);
      }
      found(c, index, closer ? look(x + i, seen.eighth, time + i) : Peak{seen.level, double(time + i)}, time + i);
    }
  }
}

void TruePeakMeter::chunk_of(Channel& c, int index) noexcept {
  const float* x = c.samples.data() + next_;
  if (!set_.step) return piece(c, index, x, time_, chunk);
  for (int i = 0; i < chunk;) {
    const std::int64_t time = time_ + i, end = (std::max<std::int64_t>(time, 0) / set_.step + 1) * set_.step;
    const int n = int(std::min<std::int64_t>(chunk - i, end - time));
    piece(c, index, x + i, time, n);
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
    const int n = std::min(last - first, next_ + chunk + reach - filled_);
    for (std::size_t c = 0; c < channels_.size(); ++c)
      std::copy_n(channel[c] + first, n, channels_[c].samples.begin() + filled_);
    first += n;
    filled_ += n;
    if (filled_ < next_ + chunk + reach) return;
    for (std::size_t c = 0; c < channels_.size(); ++c) chunk_of(channels_[c], int(c));
    next_ += chunk;
    time_ += chunk;
    if (set_.step) steps_done_ = std::max<std::int64_t>(time_, 0) / set_.step;
    if (next_ + chunk + reach <= kept) continue;
    for (Channel& c : channels_)
      std::copy(c.samples.begin() + next_ - reach, c.samples.begin() + filled_, c.samples.begin());
    filled_ -= next_ - reach;
    next_ = reach;
  }
}

void TruePeakMeter::finish() noexcept {
  static constexpr float silence[chunk] = {};
  std::vector<const float*> nothing(channels_.size(), silence);
  const std::int64_t end = time_ + filled_ - next_;
  while (time_ < end + before) add(nothing.data(), 0, chunk);
}

}  // namespace lacquer
