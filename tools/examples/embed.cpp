// tools/examples/embed.cpp GRAPH — Lacquer inside an app: load a graph, feed it blocks, turn a knob, read a meter.

#include "core/engine/engine.hpp"
#include "core/graph/load.hpp"
#include "nodes/builtin.hpp"

#include <cstdio>
#include <vector>

int main(int argc, char** argv) try {
  const char* file = argc > 1 ? argv[1] : "graphs/streaming.yaml";
  lacquer::Engine engine(lacquer::load(file, lacquer::builtin()), {.rate_hz = 48000, .channels = 2, .max_frames = 512});
  engine.set("glue.threshold", "-20 dB");  // any thread

  std::vector<float> left(512, 0.5f), right(512, 0.5f);
  const float* in[] = {left.data(), right.data()};
  float* out[] = {left.data(), right.data()};
  for (int block = 0; block < 100; ++block) engine.process(in, out, 512);  // audio thread

  std::printf("%d frames late, glue turns it down by %.1f dB\n", engine.latency(), engine.result("glue.reduction"));
} catch (const std::exception& e) {
  std::fprintf(stderr, "%s", e.what());
  return 1;
}
