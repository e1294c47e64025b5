// bench/colour_bench.cpp — saturation, width, crossover: nanoseconds per stereo frame at 44.1 kHz (the time column, as
// an iteration is one frame), against a plain scalar double-precision saturator of the same filters.
//
//   LACQUER_SIMD=sse2 build/colour_bench      other instruction sets

#include "core/dsp/oversampling.hpp"
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

std::vector<float> music() {
  std::mt19937 random(1);
  std::vector<float> x(frames);
  for (float& v : x) v = float(int(random() >> 16) - 32768) / 65536.0f;
  return x;
}

/// A node with settings, run in blocks over stereo noise.
void node(benchmark::State& state, const char* name, std::vector<std::pair<std::string, float>> settings, int block) {
  const lacquer_node_type& type = *builtin().find(name);
  std::vector<float> values;
  for (std::uint32_t p = 0; p < type.param_count; ++p) {
    values.push_back(type.params[p].init);
    for (const auto& [param, value] : settings)
      if (param == type.params[p].name) values.back() = value;
  }
  const std::uint32_t width = 2;
  const lacquer_setup setup{44100, frames, 2, &width, 0, values.data(), nullptr};
  void* self = type.create();
  if (const char* why = type.prepare(self, &setup)) return state.SkipWithError(why);
  const auto in = music();
  std::vector<std::vector<float>> out(6, std::vector<float>(frames));
  std::vector<double> results(8);
  std::int64_t time = 0;
  for (auto _ : state)
    for (int i = 0; i < frames; i += block) {
      float* from[] = {const_cast<float*>(in.data()) + i, const_cast<float*>(in.data()) + i};
      std::vector<float*> to;
      for (auto& o : out) to.push_back(o.data() + i);
      const lacquer_bus ins[] = {{from, 2}};
      const bool mono = type.outputs[0].kind == LACQUER_MONO;
      std::vector<lacquer_bus> outs;
      for (std::uint32_t o = 0; o < type.output_count; ++o)
        outs.push_back({to.data() + o * (mono ? 1 : 2), mono ? 1u : 2u});
      const lacquer_block b{std::uint32_t(block),
                            time,
                            std::numeric_limits<std::int64_t>::max(),
                            ins,
                            outs.data(),
                            values.data(),
                            values.data(),
                            0,
                            1,
                            results.data()};
      type.process(self, &b);
      time += block;
    }
  type.destroy(self);
  state.counters["ns/frame"] = benchmark::Counter(double(state.iterations()) * frames * 1e-9,
                                                  benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

}  // namespace

int main(int argc, char** argv) {
  const auto add = [](const std::string& what, const char* name, std::vector<std::pair<std::string, float>> settings,
                      int block = 512) {
    benchmark::RegisterBenchmark(what.c_str(), node, name, settings, block)->Unit(benchmark::kMicrosecond);
  };
  const char* factors[] = {"1", "2", "4", "8", "16"};
  for (int f = 0; f < 5; ++f)
    add(std::string("saturate tanh, ") + factors[f] + "x", "saturate", {{"drive", 12.0f}, {"oversampling", float(f)}});
  for (int block : {64, 1024})
    add("saturate tanh, 8x, blocks of " + std::to_string(block), "saturate", {{"drive", 12.0f}}, block);
  add("saturate soft, 8x", "saturate", {{"drive", 12.0f}, {"kind", 1.0f}});
  add("saturate tube, 8x", "saturate", {{"drive", 12.0f}, {"kind", 2.0f}});
  add("width", "width", {{"width", 120.0f}});
  add("mid_side", "mid_side", {});
  add("three_way", "three_way", {});
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
