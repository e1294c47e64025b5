// bench/nodes_bench.cpp — every node there is, in blocks of 1024 and of 64 frames; ns per stereo frame, one core. Nodes
// with rows have four of them, off their neutral settings; all else is at its default.

#include "core/math.hpp"
#include "nodes/builtin.hpp"

#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

using namespace lacquer;

namespace {
constexpr int rate = 48000, rows = 4;

std::vector<std::vector<float>> programme() {  // a falling spectrum that swells three times a second
  std::vector<std::vector<float>> x(2, std::vector<float>(rate));
  std::uint32_t seed = 1;
  for (auto& c : x) {
    double low = 0;
    for (int i = 0; i < rate; ++i) {
      seed = seed * 1664525u + 1013904223u;
      const double white = double(seed >> 8) / 8388608.0 - 1;
      low += 0.05 * (white - low);
      c[std::size_t(i)] =
          float((0.5 + 0.5 * sin_cos(2 * std::numbers::pi * 3 * i / rate).cos) * (2 * low + 0.2 * white));
    }
  }
  return x;
}

void run(benchmark::State& state, const lacquer_node_type& type, int block) {
  std::vector<float> values;
  for (std::uint32_t p = 0; p < type.param_count; ++p) values.push_back(type.params[p].init);
  const std::uint32_t count = type.max_rows < rows ? type.max_rows : rows;
  for (std::uint32_t r = 0; r < count; ++r)
    for (std::uint32_t p = 0; p < type.row_param_count; ++p) {
      const lacquer_param& q = type.row[p];
      values.push_back(q.unit.choices ? q.init : q.init + (q.range.max - q.init) / (8 - float(r)));
    }
  const std::vector<const char*> paths(values.size() + 1);
  const std::vector<std::uint32_t> widths(type.input_count, 2);
  const lacquer_setup setup{double(rate), 1024, 2, widths.data(), count, values.data(), paths.data()};
  void* self = type.create();
  if (const char* why = type.prepare(self, &setup)) {
    state.SkipWithError(why);
    type.destroy(self);
    return;
  }
  const auto in = programme();
  std::vector<std::vector<std::vector<float>>> out(type.output_count, in);
  std::vector<double> results(type.result_count);
  std::vector<std::vector<float*>> from(type.input_count, {nullptr, nullptr}),
      to(type.output_count, {nullptr, nullptr});
  std::vector<lacquer_bus> ins, outs;
  for (std::uint32_t i = 0; i < type.input_count; ++i)
    ins.push_back({from[i].data(), type.inputs[i].kind == LACQUER_MONO ? 1u : 2u});
  for (std::uint32_t o = 0; o < type.output_count; ++o)
    outs.push_back({to[o].data(), type.outputs[o].kind == LACQUER_MONO ? 1u : 2u});
  std::int64_t time = 0;
  for (auto _ : state)
    for (int at = 0; at < rate; at += block) {
      const int n = std::min(block, rate - at);
      for (std::size_t c = 0; c < 2; ++c) {
        for (auto& f : from) f[c] = const_cast<float*>(in[c].data()) + at;
        for (std::size_t o = 0; o < to.size(); ++o) to[o][c] = out[o][c].data() + at;
      }
      const lacquer_block b{std::uint32_t(n), time,          INT64_MAX, ins.data(), outs.data(),
                            values.data(),    values.data(), 0,         1,          results.data()};
      type.process(self, &b);
      time += n;
    }
  type.destroy(self);
  state.counters["ns/frame"] = benchmark::Counter(
      double(rate) * 1e-9, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

const bool registered = [] {
  for (const lacquer_node_type* type : builtin().types())
    for (const int block : {1024, 64})
      benchmark::RegisterBenchmark((std::string(type->name) + "/" + std::to_string(block)).c_str(),
                                   [type, block](benchmark::State& s) { run(s, *type, block); });
  return true;
}();
}  // namespace
