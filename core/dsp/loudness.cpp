#include "core/dsp/loudness.hpp"

#include "core/dsp/chunks.hpp"
#include "core/math.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace lacquer {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
constexpr double decibels = 10 * std::numbers::ln2 / std::numbers::ln10;  // 10 log10(x) = decibels * log2(x)
constexpr double offset = -0.691;                                         // annex 1, equation 2
double power_of(double loudness) { return exp2_of((loudness - offset) / decibels); }
const double absolute_gate = power_of(-70);

// Annex 1, tables 1 and 2: 48 kHz.
constexpr KWeighting table{{1.53512485958697, -2.69169618940638, 1.19839281085285, -1.69065929318241, 0.73248077421585},
                           {1.0, -2.0, 1.0, -1.99004745483398, 0.99007225036621}};

// A bilinear section as what it is in t = tan(pi f / rate), s = j t:
// (high s^2 + band (k/q) s + low k^2) / (s^2 + (k/q) s + k^2). Positive numbers keep it stable; so we fit their logs.
struct Analog {
  double k, q, high, band, low;
};

Analog analog_of(const Section& d) {
  const double a0 = 4 / (1 - d.a1 + d.a2), k = std::sqrt((1 + d.a1 + d.a2) / (1 - d.a1 + d.a2));
  const double k_q = (1 - d.a2) * a0 / 2;
  return {k, k / k_q, (d.b0 - d.b1 + d.b2) * a0 / 4, (d.b0 - d.b2) * a0 / 2 / k_q,
          (d.b0 + d.b1 + d.b2) * a0 / 4 / (k * k)};
}
Section section_of(const Analog& s) {
  const double k_q = s.k / s.q, k2 = s.k * s.k, a0 = 1 + k_q + k2;
  return {(s.high + s.band * k_q + s.low * k2) / a0, 2 * (s.low * k2 - s.high) / a0,
          (s.high - s.band * k_q + s.low * k2) / a0, 2 * (k2 - 1) / a0, (1 - k_q + k2) / a0};
}
double power_at(const Analog& s, double t2) {  // |H|^2 at t^2
  const double k2 = s.k * s.k, k_q2 = k2 / (s.q * s.q), top = s.low * k2 - s.high * t2, bottom = k2 - t2;
  return (top * top + s.band * s.band * k_q2 * t2) / (bottom * bottom + k_q2 * t2);
}
double t2_of(double freq, double rate) {
  const SinCos a = sin_cos(std::numbers::pi * freq / rate);
  return a.sin * a.sin / (a.cos * a.cos);
}

constexpr int unknowns = 8;
using Unknowns = std::array<double, unknowns>;  // log2 of: k q high band low of the shelf; k q high of the high pass
struct Pair {
  Analog shelf, high_pass;
};
Pair pair_of(const Unknowns& u) {
  std::array<double, unknowns> v;
  std::transform(u.begin(), u.end(), v.begin(), exp2_of);
  return {{v[0], v[1], v[2], v[3], v[4]}, {v[5], v[6], v[7], 0, 0}};
}
double db_at(const Pair& p, double t2) { return decibels * log2_of(power_at(p.shelf, t2) * power_at(p.high_pass, t2)); }

// Solves m x = y in place for a symmetric positive m.
void solve(std::array<Unknowns, unknowns>& m, Unknowns& y) {
  for (int i = 0; i < unknowns; ++i)
    for (int r = i + 1; r < unknowns; ++r) {
      const double f = m[r][i] / m[i][i];
      for (int c = i; c < unknowns; ++c) m[r][c] -= f * m[i][c];
      y[r] -= f * y[i];
    }
  for (int i = unknowns - 1; i >= 0; --i) {
    for (int c = i + 1; c < unknowns; ++c) y[i] -= m[i][c] * y[c];
    y[i] /= m[i][i];
  }
}

}  // namespace

KWeighting k_weighting(double rate) {
  if (rate == 48000) return table;
  const Analog shelf = analog_of(table.shelf), high_pass = analog_of(table.high_pass);
  const auto moved = [&](double k) {  // the same frequency at another rate
    const SinCos a = sin_cos(std::atan(k) * 48000 / rate);
    return std::clamp(a.cos > 0 ? a.sin / a.cos : 10.0, 1e-6, 10.0);
  };
  Unknowns u{moved(shelf.k),     shelf.q,     shelf.high,    shelf.band, shelf.low,
             moved(high_pass.k), high_pass.q, high_pass.high};
  for (double& x : u) x = log2_of(x);

  constexpr int points = 240;
  std::array<double, points> here, wanted;
  const double top = std::min(20000.0, 0.47 * rate);
  for (int i = 0; i < points; ++i) {
    const double freq = 10 * pow_of(top / 10, double(i) / (points - 1)), t2 = t2_of(freq, 48000);
    here[i] = t2_of(freq, rate);
    wanted[i] = decibels * log2_of(power_at(shelf, t2) * power_at(high_pass, t2));
  }
  const auto error = [&](const Unknowns& v) {
    const Pair p = pair_of(v);
    double sum = 0;
    for (int i = 0; i < points; ++i) {
      const double e = db_at(p, here[i]) - wanted[i];
      sum += e * e;
    }
    return sum;
  };
  // Levenberg-Marquardt on the difference in dB.
  double now = error(u), damping = 1e-4;
  for (int round = 0; round < 40 && damping < 1e6; ++round) {
    std::array<Unknowns, unknowns> normal{};
    Unknowns right{};
    std::array<Pair, 2 * unknowns> bent;
    constexpr double h = 1e-5;
    for (int j = 0; j < unknowns; ++j)
      for (int side : {0, 1}) {
        Unknowns v = u;
        v[j] += side ? h : -h;
        bent[2 * j + side] = pair_of(v);
      }
    const Pair middle = pair_of(u);
    for (int i = 0; i < points; ++i) {
      Unknowns slope;
      for (int j = 0; j < unknowns; ++j)
        slope[j] = (db_at(bent[2 * j + 1], here[i]) - db_at(bent[2 * j], here[i])) / (2 * h);
      const double e = db_at(middle, here[i]) - wanted[i];
      for (int j = 0; j < unknowns; ++j) {
        right[j] -= slope[j] * e;
        for (int k = 0; k < unknowns; ++k) normal[j][k] += slope[j] * slope[k];
      }
    }
    bool better = false;
    while (!better && damping < 1e6) {
      auto m = normal;
      Unknowns step = right;
      for (int j = 0; j < unknowns; ++j) m[j][j] *= 1 + damping, m[j][j] += 1e-12;
      solve(m, step);
      Unknowns next = u;
      for (int j = 0; j < unknowns; ++j) next[j] += std::clamp(step[j], -0.5, 0.5);
      const double then = error(next);
      better = then < now;
      if (better) {
        const bool done = then > now * (1 - 1e-6);
        u = next, now = then, damping /= 10;
        if (done) damping = 1e9;
      } else {
        damping *= 10;
      }
    }
  }
  const Pair best = pair_of(u);
  return {section_of(best.shelf), section_of(best.high_pass)};
}

double k_weighting_db(const KWeighting& k, double freq, double rate) {
  const double t2 = t2_of(freq, rate);
  return decibels * log2_of(power_at(analog_of(k.shelf), t2) * power_at(analog_of(k.high_pass), t2));
}

KStep k_step(const KWeighting& k) {
  KStep m{};
  for (int j = 0; j < 8; ++j) {  // what sample j does to the outputs and to the state after eight frames
    KFilter f;
    for (int i = 0; i < 8; ++i) m.direct[j][i] = float(f(k, i == j ? 1.0 : 0.0));
    std::copy_n(f.s, 4, m.into[j]);
  }
  for (int q = 0; q < 4; ++q) {  // what the state does to them
    KFilter f;
    f.s[q] = 1;
    for (int i = 0; i < 8; ++i) m.out_of[q][i] = float(f(k, 0));
    std::copy_n(f.s, 4, m.keep[q]);
  }
  return m;
}

double loudness_weight(int c, int channels) {
  constexpr double side = 1.41;
  switch (channels) {
    case 4:  // L R Ls Rs
      return c >= 2 ? side : 1;
    case 5:  // L R C Ls Rs
      return c >= 3 ? side : 1;
    case 6:  // L R C LFE Ls Rs
      return c == 3 ? 0 : c >= 4 ? side : 1;
    case 7:  // L R C LFE back-centre Ls Rs
      return c == 3 ? 0 : c >= 5 ? side : 1;
    case 8:  // L R C LFE back-left back-right Ls Rs
      return c == 3 ? 0 : c >= 6 ? side : 1;
    default:
      return 1;
  }
}

double lufs(double power) { return power > 0 ? offset + decibels * log2_of(power) : -infinity; }

// ---- the histogram --------------------------------------------------------------------------------------------------

void LoudnessHistogram::prepare() {
  sum_.assign(per_lu * span, 0);
  counts_.assign(per_lu * span, 0);
  reset();
}

void LoudnessHistogram::reset() noexcept {
  if (count_) {  // most of it is zero already
    std::fill(sum_.begin(), sum_.end(), 0.0);
    std::fill(counts_.begin(), counts_.end(), 0u);
  }
  std::fill(std::begin(lu_sum_), std::end(lu_sum_), 0.0);
  std::fill(std::begin(lu_count_), std::end(lu_count_), std::uint64_t(0));
  count_ = 0;
  total_ = 0;
}

int LoudnessHistogram::place(double power) const noexcept {
  return std::clamp(int((lufs(power) - lowest) * per_lu), 0, per_lu * span - 1);
}

void LoudnessHistogram::put(int bin, std::uint32_t count, double sum) noexcept {
  sum_[std::size_t(bin)] += sum;
  counts_[std::size_t(bin)] += count;
  lu_sum_[bin / per_lu] += sum;
  lu_count_[bin / per_lu] += count;
  count_ += count;
  total_ += sum;
}

void LoudnessHistogram::add(double power) noexcept {
  if (power > absolute_gate) put(place(power), 1, power);
}
void LoudnessHistogram::add(const LoudnessHistogram& other) noexcept {
  for (int i = 0; i < per_lu * span; ++i)
    if (other.counts_[std::size_t(i)]) put(i, other.counts_[std::size_t(i)], other.sum_[std::size_t(i)]);
}
void LoudnessHistogram::add(double level, std::uint32_t count, double sum) noexcept {
  put(std::clamp(int((level - lowest) * per_lu), 0, per_lu * span - 1), count, sum);
}

std::vector<LoudnessHistogram::Bin> LoudnessHistogram::bins() const {
  std::vector<Bin> out;
  for (int i = 0; i < per_lu * span; ++i)
    if (counts_[std::size_t(i)])
      out.push_back({lowest + (i + 0.5) / per_lu, counts_[std::size_t(i)], sum_[std::size_t(i)]});
  return out;
}

int LoudnessHistogram::first_above(double gate_power) const noexcept {
  if (gate_power <= absolute_gate) return 0;
  const int bin = place(gate_power);
  const std::uint32_t n = counts_[std::size_t(bin)];
  return n && sum_[std::size_t(bin)] / n > gate_power ? bin : bin + 1;
}

LoudnessHistogram::Gated LoudnessHistogram::integrated() const noexcept {
  if (!count_) return {-infinity, -70};
  const double gate = total_ / double(count_) / 10;  // 10 LU below
  const int first = first_above(gate), next_lu = (first + per_lu - 1) / per_lu;
  double sum = 0;
  std::uint64_t n = 0;
  for (int i = first; i < next_lu * per_lu; ++i) sum += sum_[std::size_t(i)], n += counts_[std::size_t(i)];
  for (int i = next_lu; i < span; ++i) sum += lu_sum_[i], n += lu_count_[i];
  return {lufs(sum / double(n)), std::max(-70.0, lufs(gate))};
}

double LoudnessHistogram::level_of_nth(std::uint64_t n) const noexcept {  // n-th quietest, from 0
  int lu = 0;
  for (; lu < span - 1 && n >= lu_count_[lu]; ++lu) n -= lu_count_[lu];
  int bin = lu * per_lu;
  for (; bin < lu * per_lu + per_lu - 1 && n >= counts_[std::size_t(bin)]; ++bin) n -= counts_[std::size_t(bin)];
  return lufs(sum_[std::size_t(bin)] / counts_[std::size_t(bin)]);
}

LoudnessHistogram::Range LoudnessHistogram::range() const noexcept {
  if (!count_) return {nan, nan, -70};
  const double gate = total_ / double(count_) / 100;  // 20 LU below
  const int first = first_above(gate);
  std::uint64_t below = 0;
  for (int i = 0; i < first / per_lu; ++i) below += lu_count_[i];
  for (int i = first / per_lu * per_lu; i < first; ++i) below += counts_[std::size_t(i)];
  const std::uint64_t n = count_ - below;
  // Tech 3342, annex: index round((n - 1) p / 100 + 1), counted from 1
  const auto nth = [&](std::uint64_t percent) { return level_of_nth(below + ((n - 1) * percent + 50) / 100); };
  return {nth(10), nth(95), std::max(-70.0, lufs(gate))};
}

// ---- values over time -----------------------------------------------------------------------------------------------

void StepSeries::prepare(Keep keep) {
  keep_ = keep;
  values_.resize(most);
  reset();
}
void StepSeries::reset() noexcept { points_ = in_point_ = 0, per_point_ = 1; }
void StepSeries::add(float value) noexcept {
  const auto at = [this](int i) -> float& { return values_[std::size_t(i)]; };
  if (in_point_) {
    at(points_ - 1) = of(at(points_ - 1), value);
  } else {
    if (points_ == most) {
      points_ /= 2;
      per_point_ *= 2;
      for (int i = 0; i < points_; ++i) at(i) = of(at(2 * i), at(2 * i + 1));
    }
    at(points_++) = value;
  }
  in_point_ = (in_point_ + 1) % per_point_;
}

// ---- the meter ------------------------------------------------------------------------------------------------------
//
// Programme time is divided into chunks of 64 frames, K-weighted at once (core/simd), and steps of 100 ms. Energies of
// single frames are kept for 3 s, so that both windows slide by single frames; at each full step they are
// summed up anew from the sums of the steps, so no rounding error can pile up.

namespace {

constexpr int chunk = 64, momentary_steps = 4, short_term_steps = 30, tail_steps = 15;

struct Window {
  std::int64_t length = 0;
  double energy = 0;  // of the `length` frames before now, and of the last `owed` that left it
  int owed = 0;
  double most = -1;
  std::int64_t most_end = 0;
  double shown = -1;  // as of the last full step
  std::int64_t shown_end = 0;

  void clear() noexcept { energy = 0, owed = 0, most = shown = -1, most_end = shown_end = 0; }
  void show() noexcept { shown = most, shown_end = most_end; }
  void offer(double e, std::int64_t end) noexcept {
    if (e > most) most = e, most_end = end;
  }
  // Slides over n frames that start at `time`, of known energies; `left(i)` is where those of the frames are kept that
  // left the window i frames ago and after. `n` never straddles a step. What leaves is only summed up where the window
  // would be louder than any before if nothing had left since the last full step: on most programme that is rare.
  template <class Left>
  void slide(const float* in, double in_sum, Left&& left, std::int64_t time, int n) noexcept {
    if (time >= length) {
      if (energy + in_sum > most) {
        for (; owed > 0; owed -= std::min(owed, chunk)) energy -= simd().meter.sum(left(owed), std::min(owed, chunk));
        if (energy + in_sum > most) {
          const float* out = left(0);
          double e = energy;
          for (int i = 0; i < n; ++i) {
            e += double(in[i]) - double(out[i]);
            offer(e, time + i + 1);
          }
        }
      }
      owed += n;
    }
    energy += in_sum;
    if (time + n == length) offer(energy, time + n);
  }
  void settle(double exact) noexcept { energy = exact, owed = 0; }
};

}  // namespace

struct LoudnessMeter::State {
  LoudnessSettings set;
  int step = 0;  // frames of 100 ms
  std::unique_ptr<KStep> k;
  std::vector<double> filters, weights, powers;  // 4 per channel; 1 per channel
  Chunks chunks;
  std::vector<float> energies;  // a ring of single frames, 3 s and a step; its first chunk is repeated at the end
  std::int64_t time = 0;        // frames done
  std::int64_t programme = 0;   // of these, not silence behind the end
  Window momentary, short_term;
  std::array<double, short_term_steps> sums, mono_sums;  // of whole steps, a ring
  double step_sum = 0, mono_sum = 0;
  std::int64_t step_count = 0, step_end = 0;
  bool tail = false, finished = false;
  double momentary_now = nan, short_term_now = nan;
  LoudnessHistogram gated, ranged, mono_gated;
  StepSeries momentary_series, short_term_series;

  std::int64_t ring() const noexcept { return std::int64_t(energies.size()) - chunk; }

  using Steps = std::array<double, short_term_steps>;
  double sum_of_last(const Steps& s, int n) const noexcept {
    double sum = 0;
    for (int i = n; i > 0; --i) sum += s[std::size_t((step_count - i) % short_term_steps)];
    return sum;
  }

  // The next chunk, of which n frames are programme. What follows is the silence behind the programme.
  void chunk_of(const float* const* channel, int n) noexcept {
    alignas(64) float small[chunk], mono[chunk];
    const std::int64_t at = set.integrated_only ? 0 : time % ring();
    float* e = set.integrated_only ? small : energies.data() + at;
    simd().meter.k_energy(*k, filters.data(), channel, weights.data(), set.channels, e, set.mono ? mono : nullptr,
                          powers.data(), chunk);
    if (!set.integrated_only && at == 0) std::copy_n(e, chunk, energies.end() - chunk);
    double whole = 0;
    for (int c = 0; c < set.channels; ++c) whole += weights[std::size_t(c)] * powers[std::size_t(c)];
    for (int i = 0; i < chunk;) {
      tail = i >= n;
      const int m = int(std::min<std::int64_t>((tail ? chunk : n) - i, step_end - time));
      const double sum = m == chunk ? whole : simd().meter.sum(e + i, m);
      if (set.mono) mono_sum += m == chunk ? powers.back() : simd().meter.sum(mono + i, m);
      if (!tail) programme += m;
      if (!tail && !set.integrated_only)
        for (Window* w : {&momentary, &short_term})
          w->slide(
              e + i, sum, [&](int ago) { return energies.data() + (time + ring() - w->length - ago) % ring(); }, time,
              m);
      step_sum += sum;
      time += m;
      i += m;
      if (time == step_end) full_step();
    }
  }

  void full_step() noexcept {
    sums[std::size_t(step_count % short_term_steps)] = step_sum;
    mono_sums[std::size_t(step_count % short_term_steps)] = mono_sum;
    step_sum = mono_sum = 0;
    ++step_count;
    step_end += step;
    if (step_count >= momentary_steps && !tail) {
      momentary.settle(sum_of_last(sums, momentary_steps));
      const double power = momentary.energy / double(momentary.length);
      gated.add(power);
      momentary_now = lufs(power);
      if (set.mono) mono_gated.add(sum_of_last(mono_sums, momentary_steps) / double(momentary.length));
    }
    if (set.integrated_only) return;
    if (step_count >= short_term_steps && time <= programme + tail_steps * step) {
      short_term.settle(sum_of_last(sums, short_term_steps));
      const double power = short_term.energy / double(short_term.length);
      ranged.add(power);
      if (!tail) short_term_now = lufs(power);
    }
    if (tail) return;
    momentary.show();
    short_term.show();
    plot();
  }

  void plot() noexcept {
    const auto level = [](double x) { return x > -200 ? float(x) : -200.0f; };  // NaN too
    momentary_series.add(level(momentary_now));
    short_term_series.add(level(short_term_now));
  }

  LoudnessMeter::Maximum maximum(const Window& w) const noexcept {
    return {w.shown < 0 ? nan : lufs(w.shown / double(w.length)), w.shown < 0 ? 0 : w.shown_end - w.length};
  }
};

LoudnessMeter::LoudnessMeter() = default;
LoudnessMeter::~LoudnessMeter() = default;
LoudnessMeter::LoudnessMeter(LoudnessMeter&&) noexcept = default;
LoudnessMeter& LoudnessMeter::operator=(LoudnessMeter&&) noexcept = default;

void LoudnessMeter::prepare(const LoudnessSettings& settings) {
  state_ = std::make_unique<State>();
  State& s = *state_;
  s.set = settings;
  s.step = int(settings.rate / 10 + 0.5);
  s.momentary.length = s.step * momentary_steps;
  s.short_term.length = s.step * short_term_steps;
  s.k = std::make_unique<KStep>(k_step(k_weighting(settings.rate)));
  const std::size_t channels = std::size_t(settings.channels);
  s.filters.resize(4 * channels);
  s.set.mono = settings.mono && settings.channels == 2;
  s.powers.resize(channels + (s.set.mono ? 1 : 0));
  for (int c = 0; c < settings.channels; ++c)
    s.weights.push_back(settings.channels == 1 && settings.dual_mono ? 2 : loudness_weight(c, settings.channels));
  s.chunks.prepare(settings.channels, chunk);
  s.gated.prepare();
  if (s.set.mono) s.mono_gated.prepare();
  if (!settings.integrated_only) {
    s.energies.resize(std::size_t((s.short_term.length + s.step) / chunk + 4) * chunk);
    s.ranged.prepare();
    for (StepSeries* series : {&s.momentary_series, &s.short_term_series}) series->prepare(StepSeries::Keep::highest);
  }
  reset();
}

void LoudnessMeter::reset() noexcept {
  State& s = *state_;
  std::fill(s.filters.begin(), s.filters.end(), 0.0);
  s.chunks.reset();
  s.time = s.programme = 0;
  s.momentary.clear();
  s.short_term.clear();
  s.sums.fill(0);
  s.mono_sums.fill(0);
  s.step_sum = s.mono_sum = 0;
  s.mono_gated.reset();
  s.step_count = 0;
  s.step_end = s.step;
  s.tail = s.finished = false;
  s.momentary_now = s.short_term_now = nan;
  s.gated.reset();
  s.ranged.reset();
  s.momentary_series.reset();
  s.short_term_series.reset();
}

void LoudnessMeter::add(const float* const* channel, int first, int last) noexcept {
  state_->chunks.add(channel, first, last, [s = state_.get()](const float* const* x) { s->chunk_of(x, chunk); });
}

void LoudnessMeter::finish() noexcept {
  State& s = *state_;
  if (s.finished) return;
  s.finished = true;
  if (const int left = s.chunks.waiting()) s.chunk_of(s.chunks.rest(), left);
  if (s.set.integrated_only) return;
  s.momentary.show();
  s.short_term.show();
  const float* const* silence = s.chunks.rest();
  while (s.time < s.programme + tail_steps * s.step) s.chunk_of(silence, 0);
}

double LoudnessMeter::integrated() const noexcept {
  return state_->programme < state_->momentary.length ? nan : state_->gated.integrated().loudness;
}
double LoudnessMeter::integrated_gate() const noexcept { return state_->gated.integrated().gate; }
double LoudnessMeter::mono_loss() const noexcept {
  if (!state_->set.mono || !state_->gated.count()) return nan;
  return std::min(0.0, state_->mono_gated.integrated().loudness - state_->gated.integrated().loudness);
}
double LoudnessMeter::momentary() const noexcept { return state_->momentary_now; }
double LoudnessMeter::short_term() const noexcept { return state_->short_term_now; }
LoudnessMeter::Maximum LoudnessMeter::momentary_max() const noexcept { return state_->maximum(state_->momentary); }
LoudnessMeter::Maximum LoudnessMeter::short_term_max() const noexcept { return state_->maximum(state_->short_term); }
LoudnessHistogram::Range LoudnessMeter::range() const noexcept {
  return state_->programme < state_->short_term.length ? LoudnessHistogram::Range{nan, nan, -70}
                                                       : state_->ranged.range();
}
std::int64_t LoudnessMeter::frames() const noexcept { return state_->programme + state_->chunks.waiting(); }
std::uint64_t LoudnessMeter::steps() const noexcept { return std::uint64_t(state_->programme / state_->step); }
const LoudnessHistogram& LoudnessMeter::blocks() const noexcept { return state_->gated; }

LoudnessMeter::Series LoudnessMeter::series() const {
  const State& s = *state_;
  return {double(s.step * s.momentary_series.steps_per_point()) / s.set.rate, s.momentary_series.points(),
          s.short_term_series.points()};
}

}  // namespace lacquer
