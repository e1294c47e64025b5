/* tools/examples/invert.c — a node in a shared library, in C. All the engine, the YAML checker and the manual need to
 * know is here.
 *
 *   cc -shared -fPIC -I. tools/examples/invert.c -o invert.so
 *   lacquer nodes invert --plugin ./invert.so
 *   lacquer render mine.yaml MIX.wav --plugin ./invert.so
 */
#include "core/plugin.h"

#include <stdlib.h>

static const lacquer_param params[] = {
    {"amount", {"%", NULL}, 100, {0, 100}, "How far towards upside down.", LACQUER_GLIDE}};
static const lacquer_port inputs[] = {{"in", LACQUER_MAIN, "The signal."}};
static const lacquer_port outputs[] = {{"out", LACQUER_MAIN, "The signal."}};

static void* create(void) { return malloc(1); }
static void reset(void* self) { (void)self; }
static uint32_t latency(const void* self) { return (void)self, 0; }

static const char* prepare(void* self, const lacquer_setup* setup) {
  (void)self, (void)setup;
  return NULL; /* or, for the user, why it cannot work like that */
}

static void process(void* self, const lacquer_block* b) {
  const float step = (b->to[0] - b->from[0]) / (float)b->ramp_frames;
  (void)self;
  for (uint32_t c = 0; c < b->out[0].count; ++c)
    for (uint32_t i = 0; i < b->frames; ++i) {
      const float amount = b->from[0] + step * (float)(b->ramp_at + i);
      b->out[0].channel[c][i] = b->in[0].channel[c][i] * (1 - amount / 50);
    }
}

static const lacquer_node_type invert = {
    .abi = LACQUER_ABI,
    .name = "invert",
    .doc = "Turns the wave upside down.",
    .inputs = inputs,
    .outputs = outputs,
    .params = params,
    .input_count = 1,
    .output_count = 1,
    .param_count = 1,
    .create = create,
    .destroy = free,
    .prepare = prepare,
    .reset = reset,
    .process = process,
    .latency = latency,
};

const lacquer_node_type* const* lacquer_nodes(void) {
  static const lacquer_node_type* const all[] = {&invert, NULL};
  return all;
}
