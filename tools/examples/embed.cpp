// tools/examples/embed.cpp — Lacquer inside an app: a graph, blocks of audio, a knob, a meter.

#include "core/engine/engine.hpp"
#include "core/graph/load.hpp"
#include "nodes/builtin.hpp"

#include <cstdio>
#include <vector>

int main() try {
  const lacquer::Graph graph = lacquer::load_text(
      "chain:\n"
      "  - compressor glue: {threshold: -18 dB, ratio: 2:1}\n"
      "  - limiter: -1 dBTP\n",
      "built-in", lacquer::builtin());
  lacquer::Engine engine(graph, {.rate_hz = 48000, .channels = 2, .max_frames = 512});
  engine.set("glue.threshold", "-20 dB");  // any thread

  const std::vector<float> steady(512, 0.5f);  // -6 dBFS
  std::vector<float> left(512), right(512);
  const float* in[] = {steady.data(), steady.data()};
  float* out[] = {left.data(), right.data()};
  for (int block = 0; block < 100; ++block) engine.process(in, out, 512);  // audio thread

  std::printf("%d frames late, glue turns it down by %.1f dB\n", engine.latency(), engine.result("glue.reduction"));
} catch (const std::exception& e) {
  std::fprintf(stderr, "%s", e.what());
  return 1;
}
