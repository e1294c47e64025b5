#include "core/engine/node_state.hpp"

#include "core/simd/simd.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>

namespace lacquer {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr std::int64_t observed = 1024;  // results are looked at every so many frames of the programme, on any block

std::int64_t next_multiple(std::int64_t time, std::int64_t of) {
  const std::int64_t down = time >= 0 ? time / of : -((of - 1 - time) / of);
  return (down + 1) * of;
}

std::vector<float> fixed_values(const Vertex& v) {
  std::vector<float> fixed = v.values;
  for (std::uint32_t s = 0; s < v.slots(); ++s)
    if (v.param(s).motion != LACQUER_FIXED) fixed[s] = 0;
  return fixed;
}

}  // namespace

DelayLine::DelayLine(int channels, std::int64_t frames)
    : lines_(std::size_t(channels), std::vector<float>(std::size_t(frames))), frames_(frames) {}

void DelayLine::reset() {
  for (auto& line : lines_) std::fill(line.begin(), line.end(), 0.0f);
  at_ = 0;
}

void DelayLine::process(float* const* out, const float* const* in, int frames) {
  std::int64_t at = at_;
  for (int done = 0; done < frames;) {
    const auto n = int(std::min<std::int64_t>(frames - done, frames_ - at));
    for (std::size_t c = 0; c < lines_.size(); ++c) {
      float* line = lines_[c].data() + at;
      std::memcpy(out[c] + done, line, std::size_t(n) * sizeof(float));
      std::memcpy(line, in[c] + done, std::size_t(n) * sizeof(float));
    }
    done += n;
    at += n;
    if (at == frames_) at = 0;
  }
  at_ = at;
}

Scratch::Scratch(int channels, int frames) {
  const std::size_t stride = (std::size_t(frames) + 31) / 16 * 16;
  memory_.assign(stride * std::size_t(channels) + 16, 0.0f);
  auto address = reinterpret_cast<std::uintptr_t>(memory_.data());
  float* first = memory_.data() + (64 - address % 64) % 64 / sizeof(float);
  for (int c = 0; c < channels; ++c) pointers_.push_back(first + stride * std::size_t(c));
}

NodeState::NodeState(const Vertex& vertex, const NodeShape& shape, double rate, int max_frames)
    : self_(vertex.type->create()),
      max_frames_(max_frames),
      type_(*vertex.type),
      shape_(shape),
      rows_(vertex.rows),
      rate_(rate),
      fixed_(fixed_values(vertex)),
      paths_(vertex.paths) {
  if (!self_) throw std::bad_alloc();
  std::vector<const char*> paths(std::max<std::size_t>(1, vertex.values.size()));
  for (const auto& [slot, file] : vertex.paths) paths[slot] = file.c_str();
  const lacquer_setup setup{rate,
                            std::uint32_t(max_frames),
                            std::uint32_t(shape.channels),
                            shape_.input_channels.data(),
                            vertex.rows,
                            vertex.values.data(),
                            paths.data()};
  if (const char* why = type_.prepare(self_, &setup)) {
    Problem problem{vertex.where, why, ""};
    if (problem.where.file.empty()) problem.where.file = vertex.name;
    type_.destroy(self_);
    throw Problems({problem});
  }
  latency_ = type_.latency(self_);
  in_.resize(type_.input_count);
  out_.resize(type_.output_count);
  std::size_t channels = std::size_t(type_.output_count) * std::size_t(shape.channels);
  for (const std::uint32_t c : shape.input_channels) channels += c;
  pointers_.resize(channels);
}

NodeState::~NodeState() { type_.destroy(self_); }

bool NodeState::fits(const Vertex& v, const NodeShape& shape, double rate, int max_frames) const {
  return &type_ == v.type && rows_ == v.rows && shape_.channels == shape.channels &&
         shape_.input_channels == shape.input_channels && rate_ == rate && max_frames_ >= max_frames &&
         fixed_ == fixed_values(v) && paths_ == v.paths;
}

void NodeState::begin(const Vertex& v, double rate, bool live) {
  type_.reset(self_);
  control_.emplace(v, rate);
  mix_slot_ = v.mix_slot();
  const bool plain = v.values[v.mix_slot()] == 100 && v.values[v.bypass_slot()] == 0 &&
                     !v.automation.contains(v.mix_slot()) && !v.automation.contains(v.bypass_slot());
  const bool one_width = type_.input_count && type_.output_count && type_.outputs[0].kind == LACQUER_MAIN &&
                         type_.inputs[0].kind == LACQUER_MAIN;
  mixes_ = one_width && (live || !plain);
  dry_ = mixes_ ? DelayLine(shape_.channels, latency_) : DelayLine();
  results_.assign(type_.result_count, nan);
  published_ = std::make_unique<std::atomic<double>[]>(type_.result_count);
  publish();
  failed_ = false;
  quick_until_ = never;
  lowest_ = highest_ = results_;
  listen(false);
}

void NodeState::observe() {
  for (std::size_t r = 0; r < results_.size(); ++r) {
    const double x = results_[r];
    if (x != x) continue;
    if (!(lowest_[r] <= x)) lowest_[r] = x;
    if (!(highest_[r] >= x)) highest_[r] = x;
  }
}

// A node must not throw here. Should one do so, it is silent from then on, and said to have failed.
void NodeState::fail(const lacquer_block& block) noexcept {
  failed_.store(true, std::memory_order_relaxed);
  quick_until_ = never;
  for (std::uint32_t o = 0; o < type_.output_count; ++o)
    for (std::uint32_t c = 0; c < block.out[o].count; ++c) std::fill_n(block.out[o].channel[c], block.frames, 0.0f);
}

void NodeState::process_pieces(std::int64_t time, std::int64_t end, int frames, const lacquer_bus* in,
                               const lacquer_bus* out, const Scratch& scratch) noexcept {
  if (failed()) {
    for (std::uint32_t o = 0; o < type_.output_count; ++o)
      for (std::uint32_t c = 0; c < out[o].count; ++c) std::fill_n(out[o].channel[c], frames, 0.0f);
    return;
  }
  for (int done = 0; done < frames;) {
    int most = std::min(frames - done, max_frames_);
    if (type_.result_count) most = int(std::min<std::int64_t>(most, next_multiple(time, observed) - time));
    const Control::Piece piece = control_->next(time, most);
    const int n = piece.frames;
    const lacquer_bus *ins = in, *outs = out;
    if (done) {
      float** p = pointers_.data();
      const auto shifted = [&](const lacquer_bus& bus) {
        const lacquer_bus later{p, bus.count};
        for (std::uint32_t c = 0; c < bus.count; ++c) *p++ = bus.channel[c] + done;
        return later;
      };
      for (std::size_t i = 0; i < in_.size(); ++i) in_[i] = shifted(in[i]);
      for (std::size_t o = 0; o < out_.size(); ++o) out_[o] = shifted(out[o]);
      ins = in_.data();
      outs = out_.data();
    }
    const lacquer_block block{std::uint32_t(n),  time,           end, ins, outs, piece.from, piece.to, piece.ramp_at,
                              piece.ramp_frames, results_.data()};
    const std::uint32_t m = mix_slot_, b = mix_slot_ + 1;
    if (!mixes_ || listening_) {
      call(block);
    } else {
      const Ramp percent{piece.from[m], piece.to[m], int(piece.ramp_at), int(piece.ramp_frames)};
      const Ramp bypass{piece.from[b], piece.to[b], int(piece.ramp_at), int(piece.ramp_frames)};
      const bool wet_only = percent.from == 100 && percent.to == 100 && bypass.from == 0 && bypass.to == 0;
      const float* const* dry = ins[0].channel;
      if (latency_) {
        dry_.process(scratch.bus(), dry, n);
        dry = scratch.bus();
      } else if (!wet_only) {
        for (int c = 0; c < shape_.channels; ++c) std::copy_n(dry[c], n, scratch.bus()[c]);
        dry = scratch.bus();
      }
      call(block);
      if (!wet_only)
        for (int c = 0; c < shape_.channels; ++c)
          simd().engine.mix(outs[0].channel[c], dry[c], outs[0].channel[c], percent, bypass, n);
    }
    if (!failed() && control_->rests_until() > time && !type_.result_count &&
        (!mixes_ || (!latency_ && piece.to[m] == 100 && piece.to[b] == 0))) {
      quick_ = block;
      quick_from_ = time;
      quick_until_ = control_->rests_until();
    } else {
      quick_until_ = never;
    }
    done += n;
    time += n;
    if (type_.result_count && time > 0 && time <= end && (time % observed == 0 || time == end)) observe();
  }
}

void NodeState::finish() {
  if (!type_.finish || listening_) return;
  type_.finish(self_, results_.data());
  observe();
}

}  // namespace lacquer
