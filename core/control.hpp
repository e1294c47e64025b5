// core/control.hpp — the settings of one node through time: changes glide, automation plays, and the result is cut into
// the straight ramps a node is given (plugin.h, lacquer_block), at positions that do not depend on block edges.

#pragma once

#include "core/graph/graph.hpp"

#include <limits>

namespace lacquer {

class Control {
public:
  /// [control] The vertex's values and automation; `rate` in Hz.
  Control(const Vertex& vertex, double rate);

  /// [audio] Back to the values last set, at any place in the programme.
  void reset();

  /// [audio] A new goal for a slot: reached over 20 ms (glide) or at once (step), from the next grid position on. Ends
  /// the automation of that slot.
  void set(std::uint32_t slot, float value);

  /// One piece of a block, within one ramp. Valid until the next call.
  struct Piece {
    int frames;
    const float *from, *to;
    std::uint32_t ramp_at, ramp_frames;
  };
  /// [audio] The piece that starts at programme position `time`; at most `frames` long. To be called in order.
  Piece next(std::int64_t time, int frames);

  /// [audio] Until when the values of the last piece hold, as long as nothing is set; no further than that piece when
  /// something moves.
  std::int64_t rests_until() const { return still_ && !gliding_ ? stop_ : std::numeric_limits<std::int64_t>::min(); }
  /// [audio] Goal of a slot: what was set last.
  float goal(std::uint32_t slot) const { return slots_[slot].goal; }

private:
  struct Slot {
    float goal, origin;  // glide: from origin (at grid position `begun`) to goal
    std::int64_t begun = 0;
    bool gliding = false, waiting = false;
    lacquer_motion motion;
    bool log;  // moves in octaves, not in its own unit
  };
  struct Line {
    std::uint32_t slot;
    bool over;                                           // ended by a set; freeing it here would be a system call
    std::vector<std::pair<std::int64_t, float>> points;  // frame, value
  };
  float between(const Slot& s, float a, float b, double t) const;
  float at(const Slot& s, const Line* line, std::int64_t time) const;
  void start_ramp(std::int64_t time);

  std::vector<Slot> slots_;
  std::vector<Line> lines_;
  std::vector<float> from_, to_, initial_;
  std::int64_t start_ = 0, stop_ = 0, glide_frames_;
  int gliding_ = 0;
  bool still_ = true, fresh_ = true;
};

}  // namespace lacquer
