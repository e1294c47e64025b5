// bench/dynamics_bench.cpp — compressor and limiter, and the loops they spend their time in; ns per stereo frame.

#include "core/dsp/analytic.hpp"
#include "core/dsp/peak_bank.hpp"
#include "nodes/builtin.hpp"

#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

using namespace lacquer;

namespace {
constexpr int second = 48000;

/// Music-like noise: falling spectrum, swelling three times a second; full scale at 0 dB.
std::vector<std::vector<float>> programme(double db) {
  std::vector<std::vector<float>> x(2, std::vector<float>(second));
  std::uint32_t seed = 1;
  for (auto& c : x) {
    double low = 0, mid = 0;
    for (int i = 0; i < second; ++i) {
      seed = seed * 1664525u + 1013904223u;
      const double white = double(seed >> 8) / 8388608.0 - 1;
      low += 0.02 * (white - low);
      mid += 0.3 * (white - mid);
      const double swell = 0.5 + 0.5 * std::cos(2 * std::numbers::pi * 3 * i / second);
      c[std::size_t(i)] = float(swell * (4 * low + 0.6 * mid) * db_to_gain(db));
    }
  }
  return x;
}

const lacquer_node_type& node(const char* name) {
  for (const lacquer_node_type* t : builtin().types())
    if (!std::strcmp(t->name, name)) return *t;
  std::abort();
}

/// One node over a second of programme in blocks; `set` overrides a parameter.
void run(benchmark::State& state, const char* name, double db, int block, const char* param = nullptr,
         float value = 0) {
  const lacquer_node_type& type = node(name);
  std::vector<float> values;
  for (std::uint32_t p = 0; p < type.param_count; ++p)
    values.push_back(param && !std::strcmp(type.params[p].name, param) ? value : type.params[p].init);
  std::vector<const char*> paths(values.size());
  const std::uint32_t widths[] = {2, 2};
  const lacquer_setup setup{double(second), 4096, 2, widths, 0, values.data(), paths.data()};
  void* self = type.create();
  if (type.prepare(self, &setup)) std::abort();
  const auto in = programme(db);
  auto out = in;
  std::vector<double> results(type.result_count);
  std::int64_t time = 0;
  for (auto _ : state)
    for (int at = 0; at < second; at += block) {
      const int n = std::min(block, second - at);
      float* from[] = {const_cast<float*>(in[0].data()) + at, const_cast<float*>(in[1].data()) + at};
      float* to[] = {out[0].data() + at, out[1].data() + at};
      const lacquer_bus ins[] = {{from, 2}, {from, 2}}, outs[] = {{to, 2}};
      const lacquer_block b{std::uint32_t(n), time,          INT64_MAX, ins, outs,
                            values.data(),    values.data(), 0,         1,   results.data()};
      type.process(self, &b);
      time += n;
    }
  type.destroy(self);
  state.counters["ns/frame"] = benchmark::Counter(
      double(second) * 1e-9, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}
BENCHMARK_CAPTURE(run, limiter_6dB_over, "limiter", 12.0, 1024);
BENCHMARK_CAPTURE(run, limiter_6dB_over_64, "limiter", 12.0, 64);
BENCHMARK_CAPTURE(run, limiter_idle, "limiter", -12.0, 1024);
BENCHMARK_CAPTURE(run, limiter_band_limit, "limiter", 12.0, 1024, "band_limit", 1.0f);
BENCHMARK_CAPTURE(run, limiter_unlinked, "limiter", 12.0, 1024, "link", 0.0f);
BENCHMARK_CAPTURE(run, compressor, "compressor", 0.0, 1024);
BENCHMARK_CAPTURE(run, compressor_64, "compressor", 0.0, 64);
BENCHMARK_CAPTURE(run, compressor_rms, "compressor", 0.0, 1024, "detector", 1.0f);

/// The true peak by one set of vector loops, and as a reader would write it.
void true_peak(benchmark::State& state) {
  if (state.range(0) >= all_simd().count) return state.SkipWithError("not on this machine");
  const Simd& set = *all_simd().sets[state.range(0)];
  state.SetLabel(set.name);
  const auto x = programme(6);
  std::vector<float> peak(4096 + 16);
  const PeakBank bank = design_peak_bank();
  PeakTrail trail;
  for (auto _ : state)
    for (const auto& c : x) set.dynamics.true_peak(peak.data(), trail, c.data() + 1000, bank, 0.01f, 4096);
  state.counters["ns/frame"] =
      benchmark::Counter(4096e-9, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}
BENCHMARK(true_peak)->DenseRange(0, 2);

void true_peak_scalar(benchmark::State& state) {
  const auto x = programme(6);
  double taps[3][64];
  for (int p = 1; p < 4; ++p)
    for (int k = 0; k < 64; ++k) taps[p - 1][k] = sinc(p / 4.0 - (k - 31)) * kaiser(p / 4.0 - (k - 31), 64, 6);
  std::vector<float> peak(4096);
  for (auto _ : state)
    for (const auto& c : x)
      for (std::size_t i = 0; i < 4096; ++i) {
        double most = std::abs(double(c[1000 + i]));
        for (const auto& t : taps) {
          double y = 0;
          for (std::size_t k = 0; k < 64; ++k) y += t[k] * double(c[969 + i + k]);
          most = std::max(most, std::abs(y));
        }
        peak[i] = float(most);
        benchmark::DoNotOptimize(peak[i]);
      }
  state.counters["ns/frame"] =
      benchmark::Counter(4096e-9, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}
BENCHMARK(true_peak_scalar);

}  // namespace
