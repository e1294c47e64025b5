// bench/plot_nodes.cpp — a look at every node that changes the signal, one SVG each: magnitude, transfer curve, what
// happens to a burst, and the spectrum of a tone.
//
//   build/plot_nodes bench/plots && for f in bench/plots/*.svg; do rsvg-convert "$f" -o "${f%.svg}.png"; done

#include "core/dsp/fft.hpp"
#include "core/engine/engine.hpp"
#include "core/graph/load.hpp"
#include "core/math.hpp"
#include "nodes/builtin.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <numbers>
#include <string>
#include <vector>

using namespace lacquer;

namespace {
constexpr double rate = 48000;
using Curve = std::vector<std::pair<double, double>>;

struct Shown {
  const char* name;
  const char* step;
};
constexpr Shown shown[] = {
    {"eq",
     "eq: [bell: {freq: 100 Hz, gain: 6 dB, q: 2}, high_shelf: {freq: 8 kHz, gain: -6 dB}, low_cut: {freq: 30 Hz, "
     "slope: 24}]"},
    {"linear_eq", "linear_eq: [bell: {freq: 100 Hz, gain: 6 dB, q: 2}, high_shelf: {freq: 8 kHz, gain: -6 dB}]"},
    {"dynamic_eq", "dynamic_eq: [bell: {freq: 1 kHz, q: 1, threshold: -30 dB, ratio: 4:1}]"},
    {"compressor", "compressor: {threshold: -20 dB, ratio: 4:1, attack: 10 ms, release: 100 ms}"},
    {"compressor_rms", "compressor: {threshold: -23 dB, ratio: 4:1, attack: 20 ms, release: 200 ms, detector: rms}"},
    {"multiband", "multiband: [band: {to: 200 Hz}, band: {to: 4 kHz, ratio: 4:1, threshold: -23 dB}, band: {}]"},
    {"de_esser", "de_esser: {freq: 1 kHz, threshold: -30 dB}"},
    {"expander", "expander: {threshold: -30 dB, ratio: 4:1, release: 50 ms}"},
    {"upward", "upward: {threshold: -20 dB, ratio: 2:1}"},
    {"transient", "transient: {attack: 80 %, sustain: -50 %}"},
    {"saturate_tanh", "saturate: {drive: 9 dB}"},
    {"saturate_tube", "saturate: {drive: 9 dB, kind: tube}"},
    {"saturate_transformer", "saturate: {drive: 9 dB, kind: transformer}"},
    {"saturate_tape", "saturate: {drive: 9 dB, kind: tape, head_bump: 3 dB}"},
    {"exciter", "exciter: {freq: 500 Hz, drive: 12 dB, amount: 50 %}"},
    {"clip", "clip: -9 dB"},
    {"limiter", "limiter: -12 dBTP"},
    {"maximizer", "maximizer: {drive: 6 dB, ceiling: -9 dBTP}"},
    {"mono_bass", "mono_bass: 200 Hz"},
    {"spread", "spread: 80 %"},
    {"width", "width: [20 Hz: {width: 0 %}, 300 Hz: {width: 140 %}]"},
    {"low_cut", "low_cut: {freq: 40 Hz, slope: 48}"},
    {"high_cut", "high_cut: {freq: 15 kHz, slope: 48}"},
    {"dither", "dither: {bits: 16}"},
};

/// The left output for a signal on the left and, 3 dB lower, on the right; as much longer as the graph is late.
std::vector<double> through(const Graph& graph, const std::vector<double>& left) {
  Engine engine(graph, {.rate_hz = rate, .channels = 2, .helpers = 0, .start_helper = {}});
  const std::size_t late = std::size_t(engine.latency()), n = left.size() + late;
  std::vector<float> in[2], out[2];
  for (auto* x : {&in[0], &in[1], &out[0], &out[1]}) x->resize(n);
  for (std::size_t i = 0; i < left.size(); ++i) in[0][i] = float(left[i]), in[1][i] = float(0.7 * left[i]);
  const float* from[] = {in[0].data(), in[1].data()};
  float* to[] = {out[0].data(), out[1].data()};
  engine.process(from, to, int(n));
  return {out[0].begin() + std::ptrdiff_t(late), out[0].end()};
}
std::vector<double> tone(double freq, std::size_t frames, const auto& level_db) {
  std::vector<double> x(frames);
  for (std::size_t i = 0; i < frames; ++i)
    x[i] = db_to_gain(level_db(double(i) / rate)) * std::sin(2 * std::numbers::pi * freq * double(i) / rate);
  return x;
}
double rms_db(const std::vector<double>& x, std::size_t from, std::size_t frames) {
  double sum = 1e-20;
  for (std::size_t i = from; i < from + frames; ++i) sum += x[i] * x[i];
  return 10 * std::log10(sum / double(frames));
}
/// dB of a full-scale sine at each line, of the last 32768 frames; unwindowed for an impulse.
std::vector<double> spectrum(const std::vector<double>& x, std::size_t from, bool windowed) {
  constexpr int n = 32768;
  Fft fft;
  fft.prepare(n);
  std::vector<Fft::Complex> time(n), lines(n);
  for (int i = 0; i < n; ++i) {
    const double p = 2 * std::numbers::pi * i / n;
    const double w = windowed
                         ? (0.35875 - 0.48829 * std::cos(p) + 0.14128 * std::cos(2 * p) - 0.01168 * std::cos(3 * p)) /
                               0.35875 / n * 2
                         : 1;
    time[std::size_t(i)] = {float(w * x[from + std::size_t(i)]), 0};
  }
  fft.forward(lines.data(), time.data());
  std::vector<double> db(n / 2);
  for (std::size_t i = 0; i < db.size(); ++i)
    db[i] = 20 * std::log10(std::hypot(double(lines[i].r), double(lines[i].i)) + 1e-10);
  return db;
}

/// One of four panels of a page.
class Panel {
public:
  Panel(std::string title, double x0, double x1, double y0, double y1, bool by_ratio = false)
      : title_(std::move(title)), x0_(x0), x1_(x1), y0_(y0), y1_(y1), by_ratio_(by_ratio) {}
  void add(const Curve& c, const char* colour) {
    std::string points;
    for (const auto& [x, y] : c) points += fmt::format("{:.1f},{:.1f} ", across(x), down(y));
    body_ += fmt::format("<polyline fill='none' stroke='{}' stroke-width='1.2' points='{}'/>\n", colour, points);
  }
  std::string svg(int place) const {
    std::string s = fmt::format("<g transform='translate({},{})'><text x='40' y='14' font-size='13'>{}</text>\n",
                                place % 2 * 500, place / 2 * 320, title_);
    for (int i = 0; i <= 6; ++i) {
      const double part = i / 6.0, y = y0_ + (y1_ - y0_) * part;
      const double x = by_ratio_ ? x0_ * std::pow(x1_ / x0_, part) : x0_ + (x1_ - x0_) * part;
      s += fmt::format(
          "<path stroke='#ddd' d='M40 {0:.1f}H480M{1:.1f} 20V280'/>"
          "<text x='36' y='{0:.1f}' font-size='9' text-anchor='end'>{2:.4g}</text>"
          "<text x='{1:.1f}' y='292' font-size='9' text-anchor='middle'>{3:.3g}</text>\n",
          down(y), across(x), y, x);
    }
    return s + body_ + "</g>\n";
  }

private:
  double across(double x) const {
    const double part = by_ratio_ ? std::log(x / x0_) / std::log(x1_ / x0_) : (x - x0_) / (x1_ - x0_);
    return 40 + 440 * std::clamp(part, 0.0, 1.0);
  }
  double down(double y) const { return 280 - 260 * std::clamp((y - y0_) / (y1_ - y0_), 0.0, 1.0); }

  std::string title_, body_;
  double x0_, x1_, y0_, y1_;
  bool by_ratio_;
};

std::string page(const Shown& node) {
  const Graph graph = load_text(fmt::format("chain:\n  - {}\n", node.step), node.name, builtin());
  const auto steady = [](double db) { return [db](double) { return db; }; };

  Panel magnitude("magnitude, dB over Hz: an impulse of -60 dBFS", 20, 20000, -18, 18, true);
  {
    std::vector<double> impulse(40000);
    impulse[0] = 0.001;
    const auto lines = spectrum(through(graph, impulse), 0, false);
    Curve c;
    for (std::size_t i = 1; i < lines.size(); ++i)
      if (const double f = double(i) * rate / 32768; f >= 20 && f <= 20000) c.emplace_back(f, lines[i] + 60);
    magnitude.add(c, "#06c");
  }
  Panel transfer("level out over level in, 1 kHz, dBFS peak", -60, 0, -60, 0);
  transfer.add({{-60, -60}, {0, 0}}, "#ccc");
  {
    Curve c;
    for (double db = -60; db <= 0; db += 2) {
      const auto y = through(graph, tone(1000, 48000, steady(db)));
      c.emplace_back(db, rms_db(y, 48000 - 9600, 9600) + 3.0103);
    }
    transfer.add(c, "#06c");
  }
  Panel burst("1 kHz at -36, -6, -36 dBFS: level in and out over seconds", 0, 1, -60, 0);
  {
    const auto x = tone(1000, 48000, [](double t) { return t > 0.2 && t < 0.5 ? -6.0 : -36.0; });
    const auto y = through(graph, x);
    for (const auto& [signal, colour] : {std::pair{&x, "#ccc"}, {&y, "#06c"}}) {
      Curve c;
      for (std::size_t i = 0; i + 48 <= 48000; i += 48)
        c.emplace_back(double(i) / rate, rms_db(*signal, i, 48) + 3.0103);
      burst.add(c, colour);
    }
  }
  Panel lines("spectrum of 1 kHz at -6 dBFS, dBFS over Hz", 0, 24000, -160, 0);
  {
    const double freq = std::round(1000 / rate * 32768) * rate / 32768;
    const auto db = spectrum(through(graph, tone(freq, 96000, steady(-6))), 96000 - 32768, true);
    Curve c;
    for (std::size_t i = 0; i < db.size(); ++i) c.emplace_back(double(i) * rate / 32768, db[i]);
    lines.add(c, "#06c");
  }
  std::string s =
      "<svg xmlns='http://www.w3.org/2000/svg' width='1000' height='680' font-family='sans-serif'>"
      "<rect width='1000' height='680' fill='white'/>\n";
  s += fmt::format("<text x='40' y='668' font-size='12'>{}</text>\n", node.step);
  int place = 0;
  for (const Panel* p : {&magnitude, &transfer, &burst, &lines}) s += p->svg(place++);
  return s + "</svg>\n";
}
}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: plot_nodes FOLDER\n", stderr);
    return 2;
  }
  std::filesystem::create_directories(argv[1]);
  for (const Shown& node : shown) {
    std::ofstream file(std::filesystem::path(argv[1]) / (std::string(node.name) + ".svg"));
    file << page(node);
    if (!file) {
      std::fprintf(stderr, "plot_nodes: cannot write to %s\n", argv[1]);
      return 3;
    }
  }
}
