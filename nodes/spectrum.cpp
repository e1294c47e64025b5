// nodes/spectrum.cpp

#include "core/dsp/chunks.hpp"
#include "core/dsp/pair_fft.hpp"
#include "core/dsp/peak_bank.hpp"
#include "core/node.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <limits>
#include <vector>

namespace {
using namespace lacquer;
using nlohmann::json;

constexpr double none = std::numeric_limits<double>::quiet_NaN(), infinity = std::numeric_limits<double>::infinity();

double power_db(double power) {
  return power > 0 ? log2_of(power) * (10 * std::numbers::ln2 / std::numbers::ln10) : -infinity;
}

// The average spectrum of any number of channels, at one rate.
class Average {
public:
  void prepare(int channel_count, int size) {
    fft.prepare(size);
    halves.prepare(channel_count, size / 2);
    before.assign(std::size_t(channel_count), std::vector<float>(std::size_t(size / 2)));
    sum.assign(std::size_t(fft.bins()), 0);
    newest.assign(std::size_t(fft.bins()), 0);
    reset();
  }
  void reset() noexcept {
    halves.reset();
    std::fill(sum.begin(), sum.end(), 0.0);
    weight = 0;
    started = false;
  }
  // each() after every full transform, whose powers are in `newest`
  template <class F>
  void add(const float* const* in, int first, int last, F&& each) noexcept {
    halves.add(in, first, last, [&](const float* const* x) {
      if (transform(x, fft.size() / 2)) each();
    });
  }
  void finish() noexcept {
    // an incomplete window at the end is left out, as its edge would be heard as energy everywhere; unless it is all
    if (const int n = halves.waiting(); n && weight == 0) transform(halves.rest(), n);
    if (weight == 0 && started) transform(halves.rest(), 0);
  }
  double power(int bin) const noexcept { return weight > 0 ? sum[std::size_t(bin)] / weight : 0; }
  int bins() const noexcept { return fft.bins(); }
  int size() const noexcept { return fft.size(); }

  std::vector<double> newest;  // mean over the channels

private:
  bool transform(const float* const* x, int n) noexcept {
    const std::size_t half = std::size_t(fft.size() / 2), channels = before.size();
    if (started) {
      std::fill(newest.begin(), newest.end(), 0.0);
      for (std::size_t c = 0; c < channels; c += 2) {
        const bool pair = c + 1 < channels;
        fft.run(before[c].data(), x[c], pair ? before[c + 1].data() : nullptr, pair ? x[c + 1] : nullptr);
        for (int i = 0; i < fft.bins(); ++i) newest[std::size_t(i)] += fft.power(i) / double(channels);
      }
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += newest[i];
      weight += n == int(half) ? 1 : fft.share(int(half) + n);
    }
    const bool done = started;
    started = true;
    for (std::size_t c = 0; c < channels; ++c) std::copy_n(x[c], half, before[c].begin());
    return done;
  }

  PairFft fft;
  Chunks halves;
  std::vector<std::vector<float>> before;
  std::vector<double> sum;
  double weight = 0;
  bool started = false;
};

// Every n-th sample of what lies below its Nyquist frequency; in pieces of n.
class Decimator {
public:
  void prepare(int channels, int by) {
    factor = by;
    const std::vector<float> half = design_low_pass(reach * by, 0.25 / by, 8);
    taps.assign(half.rbegin(), half.rend());
    taps.insert(taps.end(), half.begin() + 1, half.end());
    taps.resize((taps.size() + 15) / 16 * 16, 0.0f);
    pieces.prepare(channels, by * piece);
    memory.assign(std::size_t(channels), std::vector<float>(taps.size() + std::size_t(by * piece)));
    out.assign(std::size_t(channels), std::vector<float>(piece));
    at.clear();
    for (auto& o : out) at.push_back(o.data());
    reset();
  }
  void reset() noexcept {
    pieces.reset();
    for (auto& m : memory) std::fill(m.begin(), m.end(), 0.0f);
  }
  template <class F>
  void add(const float* const* in, int first, int last, F&& each) noexcept {
    pieces.add(in, first, last, [&](const float* const* x) {
      filter(x);
      each(static_cast<const float* const*>(at.data()), piece);
    });
  }
  template <class F>
  void finish(F&& each) noexcept {
    const int n = pieces.waiting();
    filter(pieces.rest());
    each(static_cast<const float* const*>(at.data()), n / factor);
  }

private:
  static constexpr int reach = 8, piece = 16;
  void filter(const float* const* x) noexcept {
    const std::size_t fresh = std::size_t(factor * piece);
    for (std::size_t c = 0; c < memory.size(); ++c) {
      auto& m = memory[c];
      std::copy(m.begin() + std::ptrdiff_t(fresh), m.end(), m.begin());
      std::copy_n(x[c], fresh, m.end() - std::ptrdiff_t(fresh));
      for (int i = 0; i < piece; ++i)
        out[c][std::size_t(i)] = simd().meter.dot(m.data() + (i + 1) * factor, taps.data(), int(taps.size()));
    }
  }
  int factor = 1;
  std::vector<float> taps;
  Chunks pieces;
  std::vector<std::vector<float>> memory, out;
  std::vector<const float*> at;
};

struct Spectrum {
  static constexpr Info info{
      .name = "spectrum",
      .doc =
          "Measures the average spectrum: third octaves, tonal balance, bandwidth, noise and hum; the signal passes.",
      .source = "IEC 61260-1 class 1 (third octaves); Welch 1967; Martin 2001 (minimum statistics)"};
  static constexpr Result results[] = {
      {"tilt",        unit("dB/oct"), "Slope of the third octaves from 100 Hz to 10 kHz; pink noise is 0."                       },
      {"centroid",    Hz,             "Centre of gravity of the power spectrum."                                                 },
      {"bandwidth",   Hz,             "Where the spectrum ends: lossy or upsampled sources end early."                           },
      {"noise_floor", dBFS,           "Noise that never stops: the lowest each third octave came to, added up."                  },
      {"hum",         unit("dB"),     "How far the strongest line of mains hum stands out of its surroundings; 0 when none does."}
  };

  void prepare(const Setup<Spectrum>& s) {
    rate = s.rate();
    int size = 1024;
    while (size < rate / 8) size *= 2;  // 8192 at 44.1 and 48 kHz: bins of 6 Hz
    fine.prepare(s.channels(), size);
    factor = size / 512;  // to some 3 kHz: bins of 0.4 Hz
    decimator.prepare(s.channels(), factor);
    low.prepare(s.channels(), 8192);
    bands.clear();
    for (int k = -17; k <= 13; ++k) {  // 20 Hz to 20 kHz
      const double middle = 1000 * pow_of(10, k / 10.0), edge = pow_of(10, 0.05);
      if (middle * edge < rate / 2) bands.push_back({middle, middle / edge, middle * edge, middle < 300});
    }
    reset();
  }

  void reset() noexcept {
    fine.reset();
    low.reset();
    decimator.reset();
    for (Band& b : bands) b.known = 0, b.quietest = infinity;
    fine_windows = 0;
    now = {};
  }

  void process(Block<Spectrum>& b) noexcept {
    fine.add(b.in(), b.first(), b.last(), [&] {
      quiet();
      if (++fine_windows % 8 == 0) read();
    });
    decimator.add(b.in(), b.first(), b.last(), [&](const float* const* x, int n) { low.add(x, 0, n, [] {}); });
    b.pass();
    publish([&](auto name, double x) { b.report(name, x); });
  }

  void finish(Report<Spectrum>& r) noexcept {
    fine.finish();
    decimator.finish([&](const float* const* x, int n) { low.add(x, 0, n, [] {}); });
    low.finish();
    read();
    publish([&](auto name, double x) { r(name, x); });
  }

  std::string details() const {
    const auto finite = [](double x) { return std::isfinite(x) ? json(std::round(x * 100) / 100) : json(nullptr); };
    json d{
        {"third_octaves", json::array()},
        {"balance",       json::array()},
        {"ltas",          json::array()},
        {"hum",           json::array()}
    };
    for (const Band& b : bands)
      d["third_octaves"].push_back({
          {"hz",         std::round(b.middle * 10) / 10                                  },
          {"dbfs",       finite(power_db(level(b)))                                      },
          {"noise_dbfs", finite(b.quietest < infinity ? power_db(b.quietest) : -infinity)}
      });
    static constexpr struct {
      const char* name;
      double from, to;
    } named[] = {
        {"sub",      20,   60   },
        {"bass",     60,   250  },
        {"low_mid",  250,  500  },
        {"mid",      500,  2000 },
        {"high_mid", 2000, 4000 },
        {"presence", 4000, 6000 },
        {"air",      6000, 20000}
    };
    double all = 0;
    for (const auto& n : named) all += between(n.from, n.to);
    for (const auto& n : named)
      if (n.from < rate / 2)
        d["balance"].push_back({
            {"band",                  n.name},
            {       "from_hz",                 n.from      },
            { "to_hz",              std::min(n.to,                    rate / 2)},
            {  "dbfs",                finite(power_db(between(n.from,                      n.to)))},
            { "share", all > 0 ? finite(between(n.from,       n.to) / all) : nullptr}
        });
    // 24 points an octave: enough for any plot
    for (double f = 20; f < std::min(20000.0, rate / 2); f *= pow_of(2, 1.0 / 24)) {
      const double step = pow_of(2, 1.0 / 48), from = f / step, to = f * step;
      d["ltas"].push_back({std::round(f * 10) / 10, finite(power_db(between(from, to) / (to - from)))});
    }
    for (const Line& l : lines())
      d["hum"].push_back({
          {"hz",       l.freq         },
          {"above_db", finite(l.above)},
          {"dbfs",     finite(l.dbfs) }
      });
    return d.dump();
  }

private:
  struct Band {
    double middle, from, to;
    bool is_low;
    double quietest = infinity;
    std::array<double, 3> last{};
    std::int64_t known = 0;
  };
  struct Line {
    double freq, above, dbfs;
  };

  // Power between two frequencies; bins at the edges count by the part that lies inside.
  template <class Power>
  static double between(double from, double to, double bin_width, int bins, Power&& power) noexcept {
    const double a = from / bin_width + 0.5, b = std::min(to / bin_width + 0.5, double(bins));  // bin k covers [k, k+1)
    double sum = 0;
    for (int k = int(a); k < b; ++k) sum += power(k) * (std::min(b, k + 1.0) - std::max(a, double(k)));
    return sum;
  }
  double between(double from, double to) const noexcept {  // low below 300 Hz, fine above
    const double split = std::clamp(300.0, from, to);
    const auto of = [](const Average& a) { return [&a](int k) { return a.power(k); }; };
    return between(from, split, rate / factor / low.size(), low.bins(), of(low)) +
           between(split, to, rate / fine.size(), fine.bins(), of(fine));
  }
  double level(const Band& b) const noexcept {
    const Average& a = b.is_low ? low : fine;
    return between(b.from, b.to, (b.is_low ? rate / factor : rate) / a.size(), a.bins(),
                   [&](int k) { return a.power(k); });
  }

  // The lowest each band comes to over 0.3 s; digital silence does not count. Short windows for all of them: long ones
  // would never fit between two notes.
  void quiet() noexcept {
    for (Band& b : bands) {
      const double p =
          between(b.from, b.to, rate / fine.size(), fine.bins(), [&](int k) { return fine.newest[std::size_t(k)]; });
      if (!(p > 1e-20)) {
        b.known = 0;
        continue;
      }
      b.last[std::size_t(b.known++ % 3)] = p;
      if (b.known >= 3) b.quietest = std::min(b.quietest, (b.last[0] + b.last[1] + b.last[2]) / 3);
    }
  }

  // Mains hum: lines at 50 or 60 Hz and their multiples that stand out of the 8 Hz on either side.
  std::vector<Line> lines() const {
    std::vector<Line> found;
    walk_hum([&](const Line& l) { found.push_back(l); });
    return found;
  }
  template <class F>
  void walk_hum(F&& each) const noexcept {
    const double width = rate / factor / low.size();
    for (const double mains : {50.0, 60.0}) {
      int standing = 0;
      std::array<Line, 4> seen{};
      for (int h = 1; h <= 4; ++h) {
        const double f = mains * h;
        const auto power = [&](int k) { return low.power(k); };
        const double line = between(f - 0.8, f + 0.8, width, low.bins(), power) / 1.6;
        const double around =
            (between(f - 8, f - 2, width, low.bins(), power) + between(f + 2, f + 8, width, low.bins(), power)) / 12;
        if (!(line > 0) || !(around > 0)) continue;
        const Line l{f, power_db(line) - power_db(around), power_db(line * 1.6)};
        if (l.above > 12) seen[std::size_t(standing++)] = l;
      }
      if (standing >= 2)  // one line may be a note
        for (int i = 0; i < standing; ++i) each(seen[std::size_t(i)]);
    }
  }

  void read() noexcept {
    double power = 0, moment = 0, highest = 0;
    for (int k = 1; k < fine.bins(); ++k) {
      const double p = fine.power(k);
      power += p;
      moment += p * k;
      highest = std::max(highest, p);
    }
    now = {};
    if (!(power > 0)) return;
    const double width = rate / fine.size();
    now.centroid = moment / power * width;

    // tilt: least squares of dB over octaves; a third octave of pink noise is as strong as the next
    double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
    for (const Band& b : bands) {
      if (b.middle < 95 || b.middle > 10500) continue;
      const double y = power_db(level(b)), x = log2_of(b.middle);
      if (!std::isfinite(y)) continue;
      n += 1, sx += x, sy += y, sxx += x * x, sxy += x * y;
    }
    if (n > 2) now.tilt = (n * sxy - sx * sy) / (n * sxx - sx * sx);

    // The end of the spectrum: going down from Nyquist, the first place where the 300 Hz below it are clearly above
    // what lies beyond it, or above the floor of 24 bits when nothing lies there. When there is none, it reaches
    // Nyquist.
    const int wide = std::max(4, int(300 / width));
    double beyond = 0;
    int counted = 0;
    now.bandwidth = rate / 2;
    for (int k = fine.bins() - 1; k - wide > 0; --k) {
      beyond += fine.power(k), ++counted;
      if (counted < wide) continue;
      double here = 0;
      for (int i = 1; i <= wide; ++i) here += fine.power(k - i);
      const double floor = std::max(beyond / counted, highest * 1e-11);
      if (here / wide > 30 * floor) {
        now.bandwidth = k * width;
        break;
      }
    }

    double noise = 0;
    for (const Band& b : bands)
      if (b.quietest < infinity) noise += b.quietest;
    now.noise_floor = noise > 0 ? power_db(noise) : none;
    now.hum = 0;
    walk_hum([&](const Line& l) { now.hum = std::max(now.hum, l.above); });
  }

  template <class Put>
  void publish(Put&& put) const noexcept {
    using Name = detail::ResultName<Spectrum>;
    put(Name("tilt"), now.tilt);
    put(Name("centroid"), now.centroid);
    put(Name("bandwidth"), now.bandwidth);
    put(Name("noise_floor"), now.noise_floor);
    put(Name("hum"), now.hum);
  }

  struct Values {
    double tilt = none, centroid = none, bandwidth = none, noise_floor = none, hum = none;
  };
  double rate = 0;
  int factor = 1;
  Average fine, low;
  Decimator decimator;
  std::vector<Band> bands;
  std::int64_t fine_windows = 0;
  Values now;
};

}  // namespace

const lacquer_node_type& lacquer_node_spectrum = lacquer::node_type<Spectrum>;
