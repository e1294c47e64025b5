// tests/core/run_test.cpp — a graph run over a whole programme.

#include "tests/core/test_nodes.hpp"

#include <catch2/catch.hpp>

#include <nlohmann/json.hpp>

#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>

using namespace lacquer;
using namespace lacquer::testing;

namespace {

RunOptions options(int block, int threads = 1) {
  RunOptions o;
  o.block = block;
  o.threads = threads;
  return o;
}

// parallel: {dry: [], wet: [late]}, nested `depth` deep on both sides.
Wire nest(Graph& g, Wire in, int depth, const std::string& name) {
  if (!depth) return in;
  const Wire dry = nest(g, in, depth - 1, name + "d");
  const Wire wet = nest(g, g.node(node_type<Late>, name + "late", {in}), depth - 1, name + "w");
  g.set(name + "late.frames", std::to_string(37 * depth + int(name.size())));
  return g.sum(name + "sum", {dry, wet});
}

}  // namespace

TEST_CASE("run: parallel branches of different latency are aligned to the sample", "[run]") {
  Graph g;
  g.end = nest(g, g.input("in"), 3, "n");
  const Signal in = noise(-6, 0.05);
  for (const int block : {1, 7, 64, 4096}) {
    const Heard h = hear(g, {in}, {g.end}, options(block));
    REQUIRE(h.sinks[0][0].size() == in[0].size());
    for (std::size_t c = 0; c < 2; ++c)
      for (std::size_t i = 0; i < in[c].size(); ++i) REQUIRE(h.sinks[0][c][i] == 8 * in[c][i]);
    CHECK(h.results.latency > 37 * 3);
  }
}

TEST_CASE("run: settings, keys and results do not depend on the block", "[run]") {
  Graph g;
  const Wire in = g.input("in");
  const Wire late = g.node(node_type<Late>, "late", {in});
  const Wire stir = g.node(node_type<Stir>, "stir", {late, in});
  g.vertices[std::size_t(stir.vertex)].automation[0] = {{0.0, 0.0f}, {0.01, 100.0f}, {0.02, 10.0f}};
  g.vertices[std::size_t(stir.vertex)].values[1] = 40;  // mix
  const Wire again = g.node(node_type<Stir>, "again", {stir});
  g.vertices[std::size_t(again.vertex)].automation[2] = {{0.0, 0.0f}, {0.005, 1.0f}, {0.02, 0.0f}};  // bypass
  g.end = again;
  const Signal signal = noise(-6, 0.06);
  const Heard whole = hear(g, {signal}, {g.end, stir}, options(4096));
  for (const int block : {1, 63, 64, 1000}) {
    INFO("block " << block);
    const Heard h = hear(g, {signal}, {g.end, stir}, options(block));
    CHECK(same_bits(h.sinks[0], whole.sinks[0]));
    CHECK(same_bits(h.sinks[1], whole.sinks[1]));
    REQUIRE(h.results.nodes.size() == whole.results.nodes.size());
    for (std::size_t n = 0; n < h.results.nodes.size(); ++n) {
      CHECK(h.results.nodes[n].last == whole.results.nodes[n].last);
      CHECK(h.results.nodes[n].lowest == whole.results.nodes[n].lowest);
      CHECK(h.results.nodes[n].highest == whole.results.nodes[n].highest);
    }
  }
  CHECK(whole.results.value("again", "frames") == double(signal[0].size()));
}

TEST_CASE("run: mix and bypass give the dry signal exactly, and in time", "[run]") {
  Graph g;
  const Wire in = g.input("in");
  g.end = g.node(node_type<Late>, "late", {in});
  const Signal signal = noise(-6, 0.02);
  SECTION("mix 0 %") {
    g.set("late.mix", "0 %");
    CHECK(same_bits(hear(g, {signal}, {g.end}).sinks[0], signal));
  }
  SECTION("bypass") {
    g.set("late.bypass", "on");
    CHECK(same_bits(hear(g, {signal}, {g.end}).sinks[0], signal));
  }
  SECTION("half of each adds up to the whole") {
    g.set("late.mix", "50 %");
    CHECK(distance(hear(g, {signal}, {g.end}).sinks[0], signal) < 1e-7f);
  }
}

TEST_CASE("run: what is not a number stops at the entrance and is counted", "[run]") {
  Graph g;
  g.end = g.node(node_type<Stir>, "stir", {g.input("in")});
  Signal signal = noise(-6, 0.02);
  signal[0][100] = std::nanf("");
  signal[1][7] = INFINITY;
  signal[1][900] = -INFINITY;
  const Heard h = hear(g, {signal}, {g.end});
  CHECK(h.results.non_finite == 3);
  for (const float x : h.sinks[0][0]) REQUIRE(std::isfinite(x));
}

TEST_CASE("run: equal work is done once and reported under every name", "[run]") {
  Graph g;
  const Wire in = g.input("in");
  const Wire a = g.node(node_type<Stir>, "a", {in}), b = g.node(node_type<Stir>, "b", {in});
  g.end = g.sum("sum", {a, b});
  const Heard h = hear(g, {noise(-6, 0.02)}, {g.end, a});
  CHECK(h.results.value("a", "level") == h.results.value("b", "level"));
  for (std::size_t i = 0; i < h.sinks[0][0].size(); ++i) REQUIRE(h.sinks[0][0][i] == 2 * h.sinks[1][0][i]);
}

TEST_CASE("run: a profile is a Chrome trace and a table", "[run]") {
  Graph g;
  g.end = g.node(node_type<Stir>, "stir", {g.node(node_type<Late>, "late", {g.input("in")})});
  const std::string file =
      (std::filesystem::temp_directory_path() / ("lacquer-profile-" + std::to_string(getpid()))).string();
  for (const int threads : {1, 2}) {
    RunOptions o = options(256, threads);
    o.always_share = true;
    o.profile = file;
    const Heard h = hear(g, {noise(-6, 0.1)}, {g.end}, o);
    std::ifstream in(file);
    const nlohmann::json trace = nlohmann::json::parse(in);
    std::map<std::string, int> firings;
    for (const auto& e : trace.at("traceEvents"))
      if (e.at("ph") == "X") {
        ++firings[e.at("name")];
        CHECK(e.at("dur") >= 0.0);
      }
    const int blocks = int(std::ceil((4800 + 10) / 256.0));
    CHECK(firings ==
          std::map<std::string, int>{{"in", blocks}, {"late", blocks}, {"stir", blocks}, {"(end 1)", blocks}});
    CHECK(h.results.profile.find("critical path") != std::string::npos);
    CHECK(h.results.profile.find("in -> late -> stir -> (end 1)") != std::string::npos);
  }
  std::filesystem::remove(file);
}
