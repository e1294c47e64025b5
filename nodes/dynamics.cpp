// nodes/dynamics.cpp

#include "core/dsp/chunks.hpp"
#include "core/node.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <limits>
#include <vector>

namespace {
using namespace lacquer;
using nlohmann::json;

constexpr double none = std::numeric_limits<double>::quiet_NaN(), infinity = std::numeric_limits<double>::infinity();
constexpr int chunk = 64;
constexpr double lsb = 1.0 / 32768;

double power_db(double power) {
  return power > 0 ? log2_of(power) * (10 * std::numbers::ln2 / std::numbers::ln10) : -infinity;
}

// Counts and sums of values by their level in steps of 0.01 dB: the loudest fifth of any number of blocks.
class Levels {
public:
  void prepare() { count.assign(size, 0), sum.assign(size, 0), reset(); }
  void reset() noexcept {
    std::fill(count.begin(), count.end(), 0u);
    std::fill(sum.begin(), sum.end(), 0.0);
    all = 0;
  }
  void add(double power) noexcept {
    const std::size_t bin = std::size_t(std::clamp((power_db(power) + 120) * 100, 0.0, double(size - 1)));
    ++count[bin], sum[bin] += power, ++all;
  }
  double loudest_fifth() const noexcept {  // their mean
    const std::uint32_t wanted = std::max(1u, all / 5);
    double total = 0;
    std::uint32_t n = 0;
    for (std::size_t b = size; b-- > 0 && n < wanted;) {
      if (!count[b]) continue;
      const std::uint32_t take = std::min(count[b], wanted - n);
      total += sum[b] / count[b] * take;
      n += take;
    }
    return total / wanted;
  }
  bool empty() const noexcept { return !all; }

private:
  static constexpr std::size_t size = 17000;  // -120 .. 50 dB
  std::vector<std::uint32_t> count;
  std::vector<double> sum;
  std::uint32_t all = 0;
};

// Flat tops: three or more samples in a row within one step of 16 bits, with a corner before or after, which the crest
// of a smooth wave does not have. Only at the highest level there is: what was clipped there and perhaps turned down
// later.
struct FlatTops {
  float highest = 0, level = 0;  // so far; of the flat tops counted
  std::int64_t runs = 0, at_full_scale = 0, samples = 0;
  float first = 0, before = 0, last = 0;  // of the run going on: its first value, the sample before it, its newest
  int length = 0;

  void end(float after) noexcept {
    const float top = std::abs(first);
    if (length >= 3 && top > 0.98f * highest) {
      const float corner = 8 * float(lsb) * std::max(top, 0.05f);
      if (top - std::abs(before) * (before * first < 0 ? -1.0f : 1.0f) > corner ||
          top - std::abs(after) * (after * first < 0 ? -1.0f : 1.0f) > corner) {
        if (top > level * (1 + 2 * float(lsb))) {  // a higher one: those below were not clipped
          level = top;
          runs = 0;
        }
        if (top >= level * (1 - 2 * float(lsb))) ++runs;
      }
      if (top >= float(1 - lsb)) ++at_full_scale, samples += length;
    }
    length = 0;
  }
  void look(const float* x, int n, float peak) noexcept {
    if (peak < 0.9f * highest) {  // nothing here is as high as what we look for
      if (length) end(x[0]);
      last = x[n - 1];
      return;
    }
    for (int i = 0; i < n; ++i) {
      const float a = std::abs(x[i]);
      if (length && std::abs(x[i] - first) <= float(lsb)) {
        ++length;
      } else {
        if (length) end(x[i]);
        if (a >= 0.9f * highest && a > 0) first = x[i], before = last, length = 1;
      }
      highest = std::max(highest, a);
      last = x[i];
    }
  }
};

struct Dynamics {
  static constexpr Info info{
      .name = "dynamics",
      .doc = "Measures level, crest factor, dynamic range, clipping and silence; the signal passes.",
      .source = "AES17-2020 (RMS); Measuring DR v1.3, Algorithmix 2009"};
  static constexpr Param params[] = {
      {"silence", dBFS, -60, {-120, -20}, "What stays below counts as silence at the head and the tail.", fixed}
  };
  static constexpr Result results[] = {
      {"rms",          dBFS,       "RMS of all channels; a full-scale sine reads -3.01. Minus infinity when silent."          },
      {"rms_aes17",    dBFS,       "The same by AES17: a full-scale sine reads 0."                                            },
      {"peak",         dBFS,       "Highest sample."                                                                          },
      {"crest",        unit("dB"), "Peak over RMS."                                                                           },
      {"dr",           unit("dB"), "Dynamic range by the published DR text, a whole number; none when silent or under 3 s."   },
      {"dc_offset",    plain,      "Mean of the channel whose mean is farthest from zero; full scale is 1."                   },
      {"clipped",      plain,      "Samples in runs of three or more at full scale."                                          },
      {"clipped_runs", plain,      "How many such runs."                                                                      },
      {"flat_tops",    plain,      "Flattened crests at the highest level, be it below full scale: clipped, then turned down."},
      {"noise_floor",  dBFS,       "RMS of the quietest 400 ms that are not digital silence."                                 },
      {"silence_head", unit("s"),  "Silence before the programme starts."                                                     },
      {"silence_tail", unit("s"),  "Silence after it has ended."                                                              }
  };

  void prepare(const Setup<Dynamics>& s) {
    rate = s.rate();
    step = int(rate / 10 + 0.5);
    // the text's own block at 44.1 kHz is 3 (44100 + 60) frames; 3 s elsewhere
    dr_block = rate == 44100 ? 132480 : std::int64_t(3 * rate + 0.5);
    threshold = float(db_to_gain(double(s["silence"])));
    chunks.prepare(s.channels(), chunk);
    channels.resize(std::size_t(s.channels()));
    for (Channel& c : channels) c.blocks.prepare();
    reset();
  }

  void reset() noexcept {
    chunks.reset();
    for (Channel& c : channels) {
      c.tops = {};
      c.energy = c.sum = c.block_energy = 0;
      c.peak = c.block_peak = c.highest = c.second = 0;
      c.blocks.reset();
      c.dr = none;
    }
    now = {};
    time = 0;
    step_energy = 0;
    steps = 0;
    sounding = 1;  // before the start is no silence
    last_steps = {};
    quietest = infinity;
    histogram = {};
    first_sound = last_sound = -1;
  }

  void process(Block<Dynamics>& b) noexcept {
    chunks.add(b.in(), b.first(), b.last(), [&](const float* const* x) { eat(x, chunk); });
    b.pass();
    publish([&](auto name, double x) { b.report(name, x); });
  }

  void finish(Report<Dynamics>& r) noexcept {
    if (const int n = chunks.waiting()) eat(chunks.rest(), n);
    for (Channel& c : channels) {
      c.tops.end(0);
      if (time > dr_block && time % dr_block) end_dr_block(c, time % dr_block);
    }
    if (sounding >= 5) count_window();
    read();
    publish([&](auto name, double x) { r(name, x); });
  }

  std::string details() const {
    json d{
        {"channels", json::array()}
    };
    const auto finite = [](double x) { return std::isfinite(x) ? json(std::round(x * 1000) / 1000) : json(nullptr); };
    for (const Channel& c : channels)
      d["channels"].push_back({
          {"rms_dbfs", finite(power_db(c.energy / double(std::max<std::int64_t>(time, 1))))},
          {"peak_dbfs",          finite(power_db(double(c.peak) * double(c.peak)))                                                            },
          {"dc_offset",          time ? c.sum / double(time) : 0.0},
          {"dr",          finite(dr_of(c))                                                                   },
          {"clipped",          c.tops.samples},
          {"clipped_runs",          c.tops.at_full_scale                                                              },
          {"flat_tops",          flat(c) ? c.tops.runs : 0},
          {"flat_tops_dbfs",          flat(c) ? finite(power_db(double(c.tops.level) * double(c.tops.level))) : json(nullptr)                                                         }
      });
    for (std::size_t i = 0; i < histogram.size(); ++i)  // how many 100 ms had this RMS
      if (histogram[i])
        d["histogram"].push_back({
            {"dbfs",  int(i) - 120},
            {"count", histogram[i]}
        });
    return d.dump();
  }

private:
  struct Channel {
    double energy = 0, sum = 0, block_energy = 0, dr = none;
    float peak = 0, block_peak = 0, highest = 0, second = 0;  // the last two: of the DR blocks' peaks
    Levels blocks;
    FlatTops tops;
  };

  // A piece on the fixed grid, cut where a step or a DR block ends. Silence may follow the n frames.
  void eat(const float* const* x, int n) noexcept {
    for (int i = 0; i < n;) {
      const int m = int(std::min({std::int64_t(n - i), step - time % step, dr_block - time % dr_block}));
      float loudest = 0;
      for (std::size_t k = 0; k < channels.size(); ++k) {
        Channel& c = channels[k];
        const float* in = x[k] + i;
        const auto [peak, sum, energy] = simd().meter.levels(in, m);
        c.sum += sum;
        c.energy += energy;
        c.block_energy += energy;
        step_energy += energy;
        c.tops.look(in, m, peak);
        c.peak = std::max(c.peak, peak);
        c.block_peak = std::max(c.block_peak, peak);
        loudest = std::max(loudest, peak);
      }
      if (loudest > threshold) find_sound(x, i, m);
      time += m;
      i += m;
      if (time % dr_block == 0)
        for (Channel& c : channels) end_dr_block(c, dr_block);
      if (time % step == 0) {
        end_step();
        read();
      }
    }
  }

  void find_sound(const float* const* x, int from, int n) noexcept {
    const auto sounds = [&](int i) {
      for (std::size_t c = 0; c < channels.size(); ++c)
        if (std::abs(x[c][from + i]) > threshold) return true;
      return false;
    };
    int i = 0;
    if (first_sound < 0) {
      while (!sounds(i)) ++i;
      first_sound = time + i;
    }
    for (i = n - 1; !sounds(i);) --i;
    last_sound = time + i;
  }

  void end_step() noexcept {
    const double power = step_energy / (double(step) * double(channels.size()));
    ++histogram[std::size_t(std::clamp(int(std::floor(power_db(std::max(power, 1e-13)))) + 120, 0, 150))];
    step_energy = 0;
    // A step beside digital silence may be half silent itself: a window counts when the steps around it sound, too.
    // Below -140 dBFS is what no 24 bits can hold.
    const bool sounds = power > 1e-14;
    if (sounds && sounding >= 5) count_window();
    sounding = sounds ? sounding + 1 : 0;
    last_steps[std::size_t(steps++ % 4)] = power;
  }
  void count_window() noexcept {
    quietest = std::min(quietest, (last_steps[0] + last_steps[1] + last_steps[2] + last_steps[3]) / 4);
  }

  static void end_dr_block(Channel& c, std::int64_t length) noexcept {
    c.blocks.add(2 * c.block_energy / double(length));
    if (c.block_peak > c.highest)
      c.second = c.highest, c.highest = c.block_peak;
    else
      c.second = std::max(c.second, c.block_peak);
    c.block_energy = 0;
    c.block_peak = 0;
    c.dr = dr_of(c);
  }

  static double dr_of(const Channel& c) noexcept {
    const float peak = c.second > 0 ? c.second : c.highest;
    if (c.blocks.empty() || !(peak > 0)) return none;
    return power_db(double(peak) * double(peak)) - power_db(c.blocks.loudest_fifth());
  }
  // three are chance; and they must be the highest there is
  static bool flat(const Channel& c) noexcept {
    return c.tops.runs > 3 && c.tops.level >= c.peak * (1 - 4 * float(lsb));
  }

  void read() noexcept {  // ten times a second, on the grid
    double energy = 0, dr = 0, dc = 0;
    float peak = 0;
    int with_dr = 0;
    now = {};
    now.clipped = now.clipped_runs = now.flat_tops = 0;
    for (const Channel& c : channels) {
      energy += c.energy;
      peak = std::max(peak, c.peak);
      if (std::abs(c.sum) > std::abs(dc)) dc = c.sum;
      if (c.dr == c.dr) dr += c.dr, ++with_dr;
      now.clipped += double(c.tops.samples);
      now.clipped_runs += double(c.tops.at_full_scale);
      if (flat(c)) now.flat_tops += double(c.tops.runs);
    }
    const double frames = double(time);
    if (time) {
      now.rms = power_db(energy / frames / double(channels.size()));
      now.peak = power_db(double(peak) * double(peak));
      now.dc_offset = dc / frames;
      now.silence_head = (first_sound < 0 ? frames : double(first_sound)) / rate;
      now.silence_tail = (first_sound < 0 ? frames : frames - 1 - double(last_sound)) / rate;
    }
    if (peak > 0) now.crest = now.peak - now.rms;
    if (with_dr) now.dr = std::round(dr / with_dr);
    if (quietest < infinity) now.noise_floor = power_db(quietest);
  }

  template <class Put>
  void publish(Put&& put) const noexcept {
    using Name = detail::ResultName<Dynamics>;
    put(Name("rms"), now.rms);
    put(Name("rms_aes17"), now.rms + 3.010299956639812);
    put(Name("peak"), now.peak);
    put(Name("crest"), now.crest);
    put(Name("dr"), now.dr);
    put(Name("dc_offset"), now.dc_offset);
    put(Name("clipped"), now.clipped);
    put(Name("clipped_runs"), now.clipped_runs);
    put(Name("flat_tops"), now.flat_tops);
    put(Name("noise_floor"), now.noise_floor);
    put(Name("silence_head"), now.silence_head);
    put(Name("silence_tail"), now.silence_tail);
  }

  struct Values {
    double rms = none, peak = none, crest = none, dr = none, dc_offset = none, clipped = none, clipped_runs = none,
           flat_tops = none, noise_floor = none, silence_head = none, silence_tail = none;
  };
  Values now;
  double rate = 0;
  int step = 1;
  std::int64_t dr_block = 1;
  float threshold = 0;
  Chunks chunks;
  std::vector<Channel> channels;
  int sounding = 1;  // steps in a row
  std::int64_t time = 0, steps = 0, first_sound = -1, last_sound = -1;
  double step_energy = 0, quietest = infinity;
  std::array<double, 4> last_steps{};
  std::array<std::uint32_t, 151> histogram{};
};

}  // namespace

const lacquer_node_type& lacquer_node_dynamics = lacquer::node_type<Dynamics>;
