/* core/plugin.h — the node ABI.
 *
 * A node is a table (what it is) and a few verbs (what it does). The engine knows nodes only through this struct: those
 * we ship and those you load from a shared library are the same thing to it. Pure C, no callbacks,
 * nothing is owned across the border: every pointer here is static, or valid only for the duration of the call.
 *
 * Threads.  [control] may allocate, lock and take its time. [audio] must not allocate, lock, throw, print or wait.
 *           The engine never runs two verbs of one node at the same time.
 */
#ifndef LACQUER_PLUGIN_H
#define LACQUER_PLUGIN_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LACQUER_ABI 1u /* bumped whenever a struct below changes; a library built against another number is refused */

/* ---- the table ------------------------------------------------------------------------------------------------ */

typedef struct lacquer_unit {
  const char* symbol;  /* "dB", "Hz", "ms", ":1", "%", ""; "path" for a file, which is always LACQUER_FIXED */
  const char* choices; /* "peak|rms" when the value is one of a list (its index); NULL when it is a number */
} lacquer_unit;

typedef struct lacquer_range {
  float min, max; /* both ends included, in the parameter's unit */
} lacquer_range;

typedef enum lacquer_motion {
  LACQUER_GLIDE, /* may change while running; the engine moves it over 20 ms in straight ramps, see lacquer_block */
  LACQUER_STEP,  /* may change while running; takes effect at the start of a ramp */
  LACQUER_FIXED  /* read once, in prepare */
} lacquer_motion;

typedef struct lacquer_param {
  const char* name; /* lower_snake, unique within the node; the name in YAML, in --help and in automation */
  lacquer_unit unit;
  float init;
  lacquer_range range;
  const char* doc; /* one sentence */
  lacquer_motion motion;
} lacquer_param;

typedef enum lacquer_port_kind {
  LACQUER_MAIN,    /* as many channels as the chain carries */
  LACQUER_OR_MAIN, /* an input that hears the main input when nothing is connected to it: a side-chain */
  LACQUER_MONO     /* one channel: a splitter's mid, side, left, right */
} lacquer_port_kind;

typedef struct lacquer_port {
  const char* name;
  lacquer_port_kind kind;
  const char* doc;
} lacquer_port;

typedef struct lacquer_result {
  const char* name;
  lacquer_unit unit;
  const char* doc;
} lacquer_result;

/* ---- what the verbs are given --------------------------------------------------------------------------------- */

typedef struct lacquer_setup {
  double rate;         /* Hz, constant until the next prepare */
  uint32_t max_frames; /* no block is longer */
  uint32_t channels;   /* of every LACQUER_MAIN port; when all inputs are LACQUER_MONO, as many as there are inputs */
  const uint32_t* input_channels; /* of each input, as connected; a key may differ from the main input */
  uint32_t rows;                  /* how many rows the user wrote (eq bands); 0 when the node has no row table */
  const float* values;            /* params, then rows x row params */
  const char* const* paths;       /* one per param: the file, for those whose unit is "path"; else NULL */
} lacquer_setup;

typedef struct lacquer_bus {
  float* const* channel; /* [count] pointers to [frames] samples, full scale = 1.0, 64-byte aligned at block start */
  uint32_t count;
} lacquer_bus;

/* Parameters move in straight ramps. While none moves, from equals to and a block may be as long as it likes. While
 * any moves, the engine cuts so that a block lies within one ramp of at most LACQUER_GRID frames. Ramps start at
 * positions counted in programme time, never at block edges, so that a frame hears the same value however the stream is
 * cut: value(i) = from + (to - from) * (ramp_at + i) / ramp_frames. */
#define LACQUER_GRID 64u

typedef struct lacquer_block {
  uint32_t frames; /* 1 .. max_frames */
  int64_t time;    /* position in the programme of the first frame as it arrives here, whatever latency lies before this
                      node; negative while that latency still fills with silence */
  int64_t end;     /* length of the programme in frames; INT64_MAX when it is not known (live) */
  const lacquer_bus* in;  /* one per input, read only */
  const lacquer_bus* out; /* one per output; out[0] may be in[0] itself, channel by channel; no other overlap */
  const float* from;      /* each parameter's value at the start of the current ramp ... */
  const float* to;        /* ... and at its end, laid out as in lacquer_setup.values */
  uint32_t ramp_at;       /* frames of the ramp already behind us at the first frame */
  uint32_t ramp_frames;   /* its whole length, at least 1 */
  double* results;        /* one per result; write the newest value, NaN when there is none yet */
} lacquer_block;

/* ---- the node ------------------------------------------------------------------------------------------------- */

typedef struct lacquer_node_type {
  uint32_t abi;                    /* LACQUER_ABI */
  const char *name, *doc, *source; /* source: the paper or standard the maths comes from, or NULL */
  const lacquer_port *inputs, *outputs;
  const lacquer_param *params, *row;
  const lacquer_result* results;
  uint32_t input_count, output_count, param_count, row_param_count, max_rows, result_count;

  void* (*create)(void);                                          /* [control] NULL when out of memory */
  void (*destroy)(void* self);                                    /* [control] */
  const char* (*prepare)(void* self, const lacquer_setup* setup); /* [control] NULL, or what is wrong, for the user */
  void (*reset)(void* self); /* [control] forget the past, keep the settings and what listen has heard */
  void (*process)(void* self, const lacquer_block* block); /* [audio] */
  void (*listen)(void* self, const lacquer_block* block);  /* [audio] NULL, or: hears the whole programme once, before
                                                       process; such a node works on files, not on live streams */
  void (*finish)(void* self, double* results); /* [control] NULL, or: the programme has ended; count what is still in
                                                  the filters and write the final results */
  uint32_t (*latency)(const void* self);       /* [control] frames by which out is later than in; valid after prepare */
  const char* (*details)(
      void* self); /* [control] NULL, or: everything measured that is not one number (series, positions,
                      per channel) as one JSON object; valid until the next call or destroy */
} lacquer_node_type;

/* The one symbol a plug-in library exports: its nodes, then NULL. */
typedef const lacquer_node_type* const* (*lacquer_nodes_fn)(void);
#define LACQUER_NODES_SYMBOL "lacquer_nodes"

#ifdef __cplusplus
}
#endif
#endif
