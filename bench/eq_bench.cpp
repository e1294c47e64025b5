// bench/eq_bench.cpp — equaliser and cuts: nanoseconds per stereo frame in the last column, against the usual way of
// doing it: scalar second-order sections in double precision, transposed direct form II.
//
//   LACQUER_SIMD=sse2 build/eq_bench      other instruction sets

#include "core/dsp/filter_design.hpp"
#include "nodes/builtin.hpp"

#include <benchmark/benchmark.h>

#include <limits>
#include <random>
#include <string>
#include <utility>
#include <vector>

using namespace lacquer;

namespace {

constexpr int frames = 16384;
constexpr double rate = 48000;
// as a mastering engineer might set them
constexpr struct {
  float freq, gain, q;
} bells[] = {{80, 2, 0.7f},   {120, -2, 1},   {250, -3, 1.4f}, {500, 1, 1},
             {1500, -1.5, 2}, {3500, 1.5, 1}, {8000, 2, 0.8f}, {12000, 2, 0.7f}};

std::vector<float> music(unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> x(frames);
  for (float& v : x) v = float(int(random() >> 16) - 32768) / 65536.0f;
  return x;
}

void count(benchmark::State& state) {
  state.counters["ns/frame"] = benchmark::Counter(double(state.iterations()) * frames * 1e-9,
                                                  benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

/// A node with these values, in blocks of `block`; `other`: the values it glides to and back, all the time.
void run(benchmark::State& state, const char* name, int rows, std::vector<float> values, int block,
         std::vector<float> other = {}) {
  const lacquer_node_type& type = *builtin().find(name);
  const std::uint32_t width = 2;
  const lacquer_setup setup{rate, frames, 2, &width, std::uint32_t(rows), values.data(), nullptr};
  void* self = type.create();
  if (const char* why = type.prepare(self, &setup)) return state.SkipWithError(why);
  const auto left = music(1), right = music(2);
  std::vector<float> out[2] = {left, right};
  if (other.empty()) other = values;
  std::int64_t time = 0;
  for (auto _ : state)
    for (int i = 0; i < frames; i += block) {
      float* from[] = {const_cast<float*>(left.data()) + i, const_cast<float*>(right.data()) + i};
      float* to[] = {out[0].data() + i, out[1].data() + i};
      const lacquer_bus ins[] = {{from, 2}}, outs[] = {{to, 2}};
      const bool back = i / block % 2;
      const bool moves = other != values;
      const lacquer_block b{std::uint32_t(block),
                            time,
                            std::numeric_limits<std::int64_t>::max(),
                            ins,
                            outs,
                            back && moves ? other.data() : values.data(),
                            moves && !back ? other.data() : values.data(),
                            0,
                            moves ? std::uint32_t(block) : 1,
                            nullptr};
      type.process(self, &b);
      time += block;
    }
  type.destroy(self);
  count(state);
}

/// What most equalisers do: one section after another for each frame, scalar, transposed direct form II.
void plain(benchmark::State& state) {
  const FilterDesigner design(rate);
  std::vector<Biquad> sections;
  for (const auto& b : bells)
    sections.push_back(design({.freq = double(b.freq), .gain_db = double(b.gain), .q = double(b.q)}).section[0].main);
  std::vector<double> memory(sections.size() * 4);
  const auto left = music(1), right = music(2);
  std::vector<float> out(frames);
  for (auto _ : state)
    for (std::size_t c = 0; c < 2; ++c) {
      const auto& in = c ? right : left;
      double* const start = memory.data() + 2 * sections.size() * c;
      for (std::size_t i = 0; i < frames; ++i) {
        double x = double(in[i]), *m = start;
        for (const Biquad& q : sections) {
          const double y = q.b0 * x + m[0];
          m[0] = q.b1 * x - q.a1 * y + m[1];
          m[1] = q.b2 * x - q.a2 * y;
          m += 2;
          x = y;
        }
        out[i] = float(x);
      }
      benchmark::DoNotOptimize(out.data());
    }
  count(state);
}

/// How long a design takes, in microseconds.
void design(benchmark::State& state, Band band) {
  const FilterDesigner designer(rate);
  for (auto _ : state) benchmark::DoNotOptimize(designer(band));
}

std::vector<float> rows(float gain, float high_freq = 1) {
  std::vector<float> v;
  for (const auto& b : bells) v.insert(v.end(), {0, b.freq * high_freq, b.gain * gain, b.q, 1, 0, 0});
  return v;
}

}  // namespace

int main(int argc, char** argv) {
  const auto add = [](const std::string& what, auto f, auto... with) {
    return benchmark::RegisterBenchmark(what.c_str(), f, with...)->Unit(benchmark::kMicrosecond);
  };
  add("8 sections, scalar, double", plain);
  for (int block : {64, 256, 1024})
    add("eq, 8 bells, blocks of " + std::to_string(block), run, "eq", 8, rows(1), block, std::vector<float>{});
  add("eq, 8 bells of 4 times the gain (12 sections)", run, "eq", 8, rows(4), 1024, std::vector<float>{});
  add("eq, 8 bells at 0 dB", run, "eq", 8, rows(0), 1024, std::vector<float>{});
  add("eq, 8 bells, all of them moving", run, "eq", 8, rows(1), 64, rows(1.1f, 1.1f));
  add("low_cut 24 dB/oct", run, "low_cut", 0, std::vector<float>{30, 3, 0, 0.707f}, 1024, std::vector<float>{});
  add("high_cut 24 dB/oct", run, "high_cut", 0, std::vector<float>{18000, 3, 0, 0.707f}, 1024, std::vector<float>{});
  add("design: bell 1 kHz +3 dB", design, Band{.gain_db = 3});
  add("design: bell 16 kHz +12 dB", design, Band{.freq = 16000, .gain_db = 12, .q = 1});
  add("design: high_cut 16 kHz, 96 dB/oct", design, Band{.kind = BandKind::high_cut, .freq = 16000, .order = 16});
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
