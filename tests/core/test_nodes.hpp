// tests/core/test_nodes.hpp — nodes, sources and sinks that only tests need.

#pragma once

#include "core/engine/run.hpp"
#include "core/node.hpp"
#include "tests/rig.hpp"

#include <random>

namespace lacquer::testing {

/// Late by a number of frames, and says so; otherwise changes nothing.
struct Late {
  static constexpr Info info{.name = "late", .doc = "Is late by a number of frames."};
  static constexpr Param params[] = {{"frames", plain, 10, {0, 100000}, "How late.", fixed}};
  void prepare(const Setup<Late>& s) {
    late_ = std::size_t(s["frames"]);
    lines_.assign(std::size_t(s.channels()), std::vector<float>(late_));
  }
  void reset() noexcept {
    for (auto& l : lines_) std::fill(l.begin(), l.end(), 0.0f);
    at_ = 0;
  }
  int latency() const noexcept { return int(late_); }
  void process(Block<Late>& b) noexcept {
    if (!late_) return b.pass();
    std::size_t c = 0, at = at_;
    for (auto [out, in] : b) {
      auto& line = lines_[c++];
      at = at_;
      for (int i = 0; i < b.frames(); ++i) {
        const float x = in[i];
        out[i] = line[at];
        line[at] = x;
        if (++at == late_) at = 0;
      }
    }
    at_ = at;
  }

private:
  std::size_t late_ = 0, at_ = 0;
  std::vector<std::vector<float>> lines_;
};

/// A recursion, so that every sample depends on all before it, with a key and a setting that glides; counts its frames.
struct Stir {
  static constexpr Info info{.name = "stir", .doc = "Stirs its input with its key and its own past."};
  static constexpr Param params[] = {{"amount", percent, 50, {0, 100}, "How much."}};
  static constexpr Port inputs[] = {main_in, {"key", LACQUER_OR_MAIN, "Stirred in."}};
  static constexpr Result results[] = {{"frames", plain, "Frames of programme heard."},
                                       {"level", plain, "Where the recursion stands."}};
  void prepare(const Setup<Stir>& s) { past_.assign(std::size_t(s.channels()), 0.0); }
  void reset() noexcept {
    std::fill(past_.begin(), past_.end(), 0.0);
    frames_ = 0;
  }
  void process(Block<Stir>& b) noexcept {
    const auto key = b.input("key");
    const Ramp amount = b.ramp("amount");
    for (int c = 0; c < b.output("out").channels; ++c) {
      const float* in = b.input("in")[c];
      const float* side = key[c % key.channels];
      float* out = b.output("out")[c];
      double& past = past_[std::size_t(c)];
      for (int i = 0; i < b.frames(); ++i) {
        past = 0.9 * past + 0.05 * double(in[i]) + 0.03 * double(side[i]) * double(amount[i]) / 100;
        out[i] = float(past + 0.2 * double(in[i]));
        if (c == 0 && i >= b.first() && i < b.last()) b.report("level", past);
      }
    }
    frames_ += b.last() - b.first();
    b.report("frames", double(frames_));
  }

private:
  std::vector<double> past_;
  std::int64_t frames_ = 0;
};

/// Two bands that add up to the input, exactly: what is above a whole number and what is not, of x * 256.
struct Halve {
  static constexpr Info info{.name = "halve", .doc = "Coarse and fine, which add up to the input."};
  static constexpr Port outputs[] = {{"coarse", LACQUER_MAIN, "Whole 256ths."}, {"fine", LACQUER_MAIN, "The rest."}};
  void process(Block<Halve>& b) noexcept {
    for (int c = 0; c < b.input("in").channels; ++c)
      for (int i = 0; i < b.frames(); ++i) {
        const float x = b.input("in")[c][i], whole = float(int(x * 256)) / 256;
        b.output("coarse")[c][i] = whole;
        b.output("fine")[c][i] = x - whole;
      }
  }
};

/// Adds the number of frames it heard to every sample.
struct Recall {
  static constexpr Info info{.name = "recall", .doc = "Knows how long the programme is once it has heard it."};
  void listen(Block<Recall>& b) noexcept { heard_ += b.last() - b.first(); }
  void process(Block<Recall>& b) noexcept {
    for (auto [out, in] : b)
      for (int i = 0; i < b.frames(); ++i) out[i] = in[i] + float(heard_);
  }

private:
  std::int64_t heard_ = 0;
};

class Play : public Source {
public:
  explicit Play(Signal s) : signal(std::move(s)) {}
  int channels() const override { return int(signal.size()); }
  void read(float* const* out, int frames) override {
    for (std::size_t c = 0; c < signal.size(); ++c)
      for (int i = 0; i < frames; ++i)
        out[c][i] = at + std::size_t(i) < signal[c].size() ? signal[c][at + std::size_t(i)] : 0.0f;
    at += std::size_t(frames);
  }
  Signal signal;
  std::size_t at = 0;
};

class Take : public Sink {
public:
  void open(int channels) override { signal.assign(std::size_t(channels), {}); }
  void write(const float* const* in, int frames) override {
    for (std::size_t c = 0; c < signal.size(); ++c) signal[c].insert(signal[c].end(), in[c], in[c] + frames);
  }
  Signal signal;
};

struct Heard {
  std::vector<Signal> sinks;
  RunResults results;
};

/// Runs a graph over signals, each wire to a sink.
inline Heard hear(const Graph& g, const std::vector<Signal>& in, const std::vector<Wire>& wires, RunOptions o = {},
                  NodeStates* states = nullptr, std::span<const std::string> listening = {}) {
  std::vector<Play> plays(in.begin(), in.end());
  std::vector<Take> takes(wires.size());
  std::vector<Source*> sources;
  std::vector<std::pair<Wire, Sink*>> sinks;
  for (Play& p : plays) sources.push_back(&p);
  for (std::size_t i = 0; i < wires.size(); ++i) sinks.emplace_back(wires[i], &takes[i]);
  if (!o.frames) o.frames = in.empty() ? 0 : std::int64_t(in[0][0].size());
  Heard h;
  h.results = run(g, sources, sinks, o, states, listening);
  for (Take& t : takes) h.sinks.push_back(std::move(t.signal));
  return h;
}

/// Two inputs, then `nodes` vertices of every kind that hear any that came before; `wires`: some to listen to.
inline Graph random_graph(std::mt19937& random, int nodes, std::vector<Wire>& wires) {
  Graph g;
  std::vector<Wire> all{g.input("a"), g.input("b")};
  const auto any = [&] {
    return all[random() % 3 ? all.size() - 1 - random() % std::min<std::size_t>(4, all.size()) : random() % all.size()];
  };
  for (int i = 0; i < nodes; ++i) {
    const std::string name = "n" + std::to_string(i);
    Wire w;
    switch (random() % 5) {
      case 0:
        w = g.node(node_type<Late>, name, {any()});
        g.vertices.back().values[0] = float(random() % 4 ? random() % 300 : 0);
        break;
      case 1:
        w = g.node(node_type<Halve>, name, {any()});
        all.push_back({w.vertex, 1});
        break;
      case 2: {
        std::vector<Wire> in(1 + random() % 4);
        for (Wire& x : in) x = any();
        w = g.sum(name, in);
        break;
      }
      default:
        w = g.node(node_type<Stir>, name, random() % 2 ? std::vector{any(), any()} : std::vector{any()});
        Vertex& v = g.vertices.back();
        v.values[0] = float(random() % 100);
        if (random() % 3 == 0) v.automation[0] = {{0.0, 0.0f}, {0.01, float(random() % 100)}, {0.03, 100.0f}};
        if (random() % 3 == 0) v.values[1] = float(random() % 101);
        if (random() % 4 == 0) v.automation[2] = {{0.0, 0.0f}, {0.005, 1.0f}, {0.04, 0.0f}};
    }
    all.push_back(w);
  }
  g.end = all.back();
  wires = {g.end, all[random() % all.size()]};
  return g;
}

}  // namespace lacquer::testing
