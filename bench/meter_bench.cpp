// bench/meter_bench.cpp — the meters on a minute of programme, in ns per stereo frame; libebur128 beside them when it
// is there. LACQUER_SIMD chooses the instruction set. LACQUER_BENCH_PCM names raw 32-bit float stereo at 48 kHz to use
// instead of the synthetic programme.

#include "core/dsp/loudness.hpp"
#include "core/dsp/true_peak.hpp"
#include "core/plugin.h"
#include "nodes/builtin.hpp"

#include <benchmark/benchmark.h>

#ifdef LACQUER_HAS_EBUR128
#include <ebur128.h>
#endif

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

namespace {
using namespace lacquer;

constexpr int block = 4096;

// Drums, chords and noise through a soft limiter: dense, 9 dB of crest factor.
const std::vector<float>& programme(int channel) {
  static const std::vector<std::vector<float>> both = [] {
    std::vector<std::vector<float>> s(2);
    if (const char* name = std::getenv("LACQUER_BENCH_PCM"))
      if (std::FILE* f = std::fopen(name, "rb")) {
        for (float pair[2]; std::fread(pair, sizeof pair, 1, f) == 1;)
          for (int c : {0, 1}) s[std::size_t(c)].push_back(pair[c]);
        std::fclose(f);
        for (auto& c : s) c.resize(c.size() / block * block);
        return s;
      }
    std::mt19937 random(5);
    const auto white = [&] { return double(random()) / 2147483648.0 - 1; };
    double low[2] = {};
    for (int i = 0; i < 700 * block; ++i) {
      const double t = i / 48000.0, beat = std::fmod(t, 0.5), bar = 0.6 + 0.4 * std::sin(t * 0.9);
      const double kick = std::exp(-beat * 12) * std::sin(2 * 3.14159265 * 55 * beat), hat = std::exp(-beat * 50);
      for (int c : {0, 1}) {
        low[c] += 0.05 * (white() - low[c]);
        double saw = 0;
        for (double f : {110.0, 164.8, 220.3, 277.2}) saw += std::fmod((f + c) * t, 1.0) - 0.5;
        s[std::size_t(c)].push_back(
            float(0.9 * std::tanh(bar * (0.9 * kick + 0.25 * saw + 0.3 * hat * white() + 1.2 * low[c]))));
      }
    }
    return s;
  }();
  return both[std::size_t(channel)];
}
int frames() { return int(programme(0).size()); }

template <class F>
void over_blocks(benchmark::State& state, F&& run) {
  const float* channel[] = {programme(0).data(), programme(1).data()};
  for (auto _ : state) run(channel);
  state.counters["ns/frame"] = benchmark::Counter(
      double(frames()) * 1e-9, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void integrated(benchmark::State& state) {
  LoudnessMeter m;
  m.prepare({.rate = 48000, .channels = 2, .integrated_only = true});
  over_blocks(state, [&](const float* const* in) {
    m.reset();
    for (int i = 0; i < frames(); i += block) m.add(in, i, i + block);
    m.finish();
    benchmark::DoNotOptimize(m.integrated());
  });
}
BENCHMARK(integrated)->Unit(benchmark::kMillisecond);

void loudness(benchmark::State& state) {
  LoudnessMeter m;
  m.prepare({.rate = 48000, .channels = 2});
  over_blocks(state, [&](const float* const* in) {
    m.reset();
    for (int i = 0; i < frames(); i += block) m.add(in, i, i + block);
    m.finish();
    benchmark::DoNotOptimize(m.range().width());
  });
}
BENCHMARK(loudness)->Unit(benchmark::kMillisecond);

void true_peak(benchmark::State& state) {
  TruePeakMeter m;
  m.prepare({.channels = 2, .over = state.range(0) ? 1.0f : 0.0f, .step = state.range(1) ? 4800 : 0});
  over_blocks(state, [&](const float* const* in) {
    m.reset();
    for (int i = 0; i < frames(); i += block) m.add(in, i, i + block);
    m.finish();
    benchmark::DoNotOptimize(m.peak().level);
  });
}
BENCHMARK(true_peak)
    ->ArgNames({"overs", "steps"})
    ->Args({0, 0})
    ->Args({1, 0})
    ->Args({0, 1})
    ->Unit(benchmark::kMillisecond);

// A whole node, block by block, in place.
void node(benchmark::State& state, const char* name) {
  const lacquer_node_type& type = *builtin().find(name);
  void* self = type.create();
  std::vector<float> values;
  for (std::uint32_t p = 0; p < type.param_count; ++p) values.push_back(type.params[p].init);
  const std::uint32_t two = 2;
  std::vector<const char*> paths(type.param_count);
  const lacquer_setup setup{48000, block, 2, &two, 0, values.data(), paths.data()};
  if (type.prepare(self, &setup)) return state.SkipWithError("refused");
  std::vector<double> results(type.result_count);
  over_blocks(state, [&](const float* const* in) {
    type.reset(self);
    for (int i = 0; i < frames(); i += block) {
      float* at[] = {const_cast<float*>(in[0]) + i, const_cast<float*>(in[1]) + i};
      const lacquer_bus bus{at, 2};
      const lacquer_block b{block, i, frames(), &bus, &bus, values.data(), values.data(), 0, 1, results.data()};
      type.process(self, &b);
    }
    if (type.finish) type.finish(self, results.data());
  });
  type.destroy(self);
}
BENCHMARK_CAPTURE(node, loudness, "loudness")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(node, true_peak, "true_peak")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(node, peak, "peak")->Unit(benchmark::kMillisecond);

#ifdef LACQUER_HAS_EBUR128
void libebur128(benchmark::State& state) {
  std::vector<float> both;
  for (int i = 0; i < frames(); ++i)
    for (int c : {0, 1}) both.push_back(programme(c)[std::size_t(i)]);
  over_blocks(state, [&](const float* const*) {
    ebur128_state* e = ebur128_init(2, 48000, int(state.range(0)));
    for (int i = 0; i < frames(); i += block) ebur128_add_frames_float(e, both.data() + 2 * i, block);
    double result = 0;
    ebur128_loudness_global(e, &result);
    benchmark::DoNotOptimize(result);
    ebur128_destroy(&e);
  });
}
BENCHMARK(libebur128)
    ->ArgName("mode")
    ->Arg(EBUR128_MODE_I)
    ->Arg(EBUR128_MODE_I | EBUR128_MODE_LRA | EBUR128_MODE_TRUE_PEAK)
    ->Unit(benchmark::kMillisecond);
#endif

}  // namespace
