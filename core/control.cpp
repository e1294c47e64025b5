#include "core/control.hpp"

#include "core/math.hpp"

#include <algorithm>
#include <limits>

namespace lacquer {
namespace {
constexpr std::int64_t grid = LACQUER_GRID, never = std::numeric_limits<std::int64_t>::max();

std::int64_t next_grid(std::int64_t time) {  // the first grid position after `time`
  const std::int64_t down = time >= 0 ? time / grid : -((-time + grid - 1) / grid);
  return (down + 1) * grid;
}
bool on_grid(std::int64_t time) { return next_grid(time) - grid == time; }
}  // namespace

Control::Control(const Vertex& v, double rate) : glide_frames_(std::max<std::int64_t>(1, std::int64_t(0.020 * rate))) {
  for (std::uint32_t s = 0; s < v.slots(); ++s) {
    const lacquer_param& p = v.param(s);
    const std::string_view unit = p.unit.symbol;
    // bypass is a switch to the user and a cross-fade to the ear
    const lacquer_motion motion = s == v.bypass_slot() ? LACQUER_GLIDE : p.motion;
    slots_.push_back(
        {v.values[s], v.values[s], 0, false, false, motion, (unit == "Hz" || unit == "ms") && p.range.min > 0});
  }
  for (const auto& [slot, timeline] : v.automation) {
    Line line{slot, false, {}};
    for (const auto& [seconds, value] : timeline) {
      const auto frame = std::int64_t(seconds * rate + 0.5);
      if (slot == v.bypass_slot() && !line.points.empty()) {
        const auto [end_of_fade, before] = line.points.back();
        line.points.emplace_back(std::max(frame, end_of_fade), before);
        line.points.emplace_back(line.points.back().first + glide_frames_, value);
      } else {
        line.points.emplace_back(frame, value);
      }
    }
    lines_.push_back(std::move(line));
  }
  from_ = to_ = initial_ = v.values;
}

void Control::reset() {
  for (std::size_t s = 0; s < slots_.size(); ++s) {
    slots_[s].gliding = slots_[s].waiting = false;
    from_[s] = to_[s] = slots_[s].origin = slots_[s].goal;
  }
  gliding_ = 0;
  fresh_ = true;
}

void Control::set(std::uint32_t slot, float value) {
  for (Line& l : lines_)
    if (l.slot == slot) l.over = true;
  Slot& s = slots_[slot];
  if (!s.gliding && !s.waiting) ++gliding_;
  s.goal = value;
  s.waiting = true;
}

float Control::between(const Slot& s, float a, float b, double t) const {
  if (s.log && a > 0 && b > 0) return float(double(a) * pow_of(double(b) / double(a), t));
  return float(double(a) + (double(b) - double(a)) * t);
}

// Value at `time`: of the timeline, or of the glide.
float Control::at(const Slot& s, const Line* line, std::int64_t time) const {
  if (line) {
    const auto& p = line->points;
    const auto after = std::upper_bound(p.begin(), p.end(), time, [](auto t, const auto& x) { return t < x.first; });
    if (after == p.begin()) return p.front().second;
    const auto before = after - 1;
    if (after == p.end() || s.motion != LACQUER_GLIDE) return before->second;
    return between(s, before->second, after->second,
                   double(time - before->first) / double(after->first - before->first));
  }
  const std::int64_t done = time - s.begun;
  if (!s.gliding || done >= glide_frames_) return s.goal;
  return between(s, s.origin, s.goal, double(done) / double(glide_frames_));
}

void Control::start_ramp(std::int64_t time) {
  start_ = time;
  stop_ = next_grid(time);
  still_ = true;
  // What was set waits for a grid position, so that where a block ends makes no difference to where it starts.
  if (on_grid(time) || fresh_)
    for (std::size_t i = 0; i < slots_.size(); ++i)
      if (Slot& s = slots_[i]; s.waiting) {
        s.waiting = false;
        s.origin = to_[i];
        s.begun = time;
        s.gliding = s.motion == LACQUER_GLIDE && !fresh_;
        if (!s.gliding) --gliding_;
      }
  std::int64_t quiet_until = gliding_ ? stop_ : never;
  for (const Line& l : lines_) {
    if (l.over) continue;
    const auto after =
        std::upper_bound(l.points.begin(), l.points.end(), time, [](auto t, const auto& x) { return t < x.first; });
    if (after == l.points.end()) continue;
    const bool moving =
        slots_[l.slot].motion == LACQUER_GLIDE && after != l.points.begin() && (after - 1)->second != after->second;
    stop_ = std::min(stop_, after->first);
    quiet_until = std::min(quiet_until, moving ? stop_ : after->first);
  }
  const auto line_of = [&](std::size_t slot) -> const Line* {
    for (const Line& l : lines_)
      if (l.slot == slot && !l.over) return &l;
    return nullptr;
  };
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    Slot& s = slots_[i];
    const Line* line = line_of(i);
    if (!line && !s.gliding) {
      if (!s.waiting) from_[i] = to_[i] = s.goal;
      continue;
    }
    from_[i] = at(s, line, time);
    to_[i] = s.motion == LACQUER_GLIDE ? (line && stop_ == time ? from_[i] : at(s, line, stop_)) : from_[i];
    if (from_[i] != to_[i]) still_ = false;
    if (!line && s.gliding && stop_ - s.begun >= glide_frames_) {
      // the goal is reached within this ramp; afterwards the slot rests
      s.gliding = false;
      --gliding_;
    }
  }
  if (still_) stop_ = std::max(stop_, quiet_until);
  fresh_ = false;
}

Control::Piece Control::next(std::int64_t time, int frames) {
  const bool news = still_ && gliding_ && (on_grid(time));
  if (fresh_ || time >= stop_ || time < start_ || news) start_ramp(time);
  std::int64_t until = stop_;
  if (still_ && gliding_) until = std::min(until, next_grid(time));  // something waits for the next grid position
  const int n = until > time + frames ? frames : int(until - time);
  if (still_) return {n, from_.data(), to_.data(), 0, 1};
  return {n, from_.data(), to_.data(), std::uint32_t(time - start_), std::uint32_t(stop_ - start_)};
}

}  // namespace lacquer
