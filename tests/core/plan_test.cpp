// tests/core/plan_test.cpp — what the passes make of a graph.

#include "core/engine/plan.hpp"
#include "core/engine/pipeline.hpp"
#include "tests/core/test_nodes.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace lacquer;
using namespace lacquer::testing;

namespace {
Plan plan_of(const Graph& g, std::vector<Wire> ends, bool merge = true) {
  PlanRequest r;
  r.ends = ends;
  r.merge = merge;
  r.latency = [&](int v, const NodeShape&) -> std::int64_t {
    const Vertex& vertex = g.vertices[std::size_t(v)];
    return std::string_view(vertex.type->name) == "late" ? std::int64_t(vertex.values[0]) : 0;
  };
  return compile(g, r);
}
Wire late(Graph& g, const std::string& name, Wire in, int frames) {
  const Wire w = g.node(node_type<Late>, name, {in});
  g.vertices.back().values[0] = float(frames);
  return w;
}
}  // namespace

TEST_CASE("passes: an order is found, and a circle is named", "[passes]") {
  Graph g;
  const Wire in = g.input("in");
  g.node(node_type<Stir>, "b", {});
  g.node(node_type<Stir>, "a", {in});
  g.edges.push_back({2, 0, 1, 0});  // b hears a, which was written later
  const std::vector<int> order = ordered(g);
  CHECK(std::find(order.begin(), order.end(), 2) < std::find(order.begin(), order.end(), 1));
  g.edges[0] = {1, 0, 2, 0};
  CHECK_THROWS_WITH(ordered(g), Catch::Contains("b -> a -> b"));
  Graph self;
  self.node(node_type<Stir>, "s", {});
  self.edges.push_back({0, 0, 0, 0});
  CHECK_THROWS_WITH(ordered(self), Catch::Contains("s -> s"));
  Graph ring;
  for (int i = 0; i < 500; ++i) ring.node(node_type<Stir>, "n" + std::to_string(i), {});
  for (int i = 0; i < 500; ++i) ring.edges.push_back({i, 0, (i + 1) % 500, 0});
  CHECK_THROWS_WITH(ordered(ring),
                    Catch::Contains("n0 -> n1 -> ") && Catch::Contains("...") && Catch::Contains(" -> n499 -> n0"));
}

TEST_CASE("passes: what nobody hears is left out, unless it reports", "[passes]") {
  Graph g;
  const Wire in = g.input("in"), heard = late(g, "heard", in, 1), unheard = late(g, "unheard", in, 2);
  late(g, "behind", unheard, 3);
  g.node(node_type<Stir>, "meter", {late(g, "before", in, 4)});
  const Wiring wiring(g);
  const std::vector<bool> keep = needed(g, wiring, {{heard}});
  std::vector<std::string> names;
  for (std::size_t v = 0; v < keep.size(); ++v)
    if (keep[v]) names.push_back(g.vertices[v].name);
  CHECK(names == std::vector<std::string>{"in", "heard", "before", "meter"});
}

TEST_CASE("passes: equal work is found through whole branches, different work is not", "[passes]") {
  Graph g;
  const Wire in = g.input("in"), other = g.input("other");
  const auto branch = [&](const std::string& n, Wire from, const char* amount) {
    const Wire w = g.node(node_type<Stir>, n + "1", {from});
    g.set(n + "1.amount", amount);
    return g.node(node_type<Stir>, n + "2", {w});
  };
  const Wire a = branch("a", in, "10 %"), b = branch("b", in, "10 %"), c = branch("c", in, "11 %"),
             d = branch("d", other, "10 %");
  const Wire moved = branch("m", in, "10 %");
  g.vertices[std::size_t(g.find("m1"))].automation[0] = {{0, 1}};
  const Wire x = g.sum("x", {a, c}), y = g.sum("y", {b, c}), z = g.sum("z", {c, b});
  const Plan p = plan_of(g, {x, y, z, d, moved});
  const auto step = [&](const char* name) { return p.step_of[std::size_t(g.find(name))]; };
  CHECK(step("a1") == step("b1"));
  CHECK(step("a2") == step("b2"));
  CHECK(step("x") == step("y"));
  CHECK(step("x") != step("z"));  // another order of summation rounds differently
  CHECK(step("a1") != step("c1"));
  CHECK(step("a1") != step("d1"));
  CHECK(step("a1") != step("m1"));
  CHECK(plan_of(g, {x, y}, false).steps.size() > plan_of(g, {x, y}).steps.size());
  g.aims.push_back({g.find("b1"), 0, 0, 0, 0, 0, {}});
  const Plan q = plan_of(g, {x, y, z, d, moved});
  CHECK(q.step_of[std::size_t(g.find("a1"))] != q.step_of[std::size_t(g.find("b1"))]);
}

TEST_CASE("plan: every join hears one moment", "[plan]") {
  Graph g;
  const Wire in = g.input("in"), a = late(g, "a", in, 100), b = late(g, "b", a, 30), c = late(g, "c", in, 7);
  const Wire sum = g.sum("sum", {c, b, in});
  const Wire keyed = g.node(node_type<Stir>, "keyed", {in, sum});
  const Plan p = plan_of(g, {keyed, c});
  const auto step = [&](Wire w) -> const Plan::Step& { return p.steps[std::size_t(p.step_of[std::size_t(w.vertex)])]; };
  std::vector<std::int64_t> delays;
  for (const Plan::Read& r : p.reads_of(step(sum))) delays.push_back(r.delay);
  CHECK(delays == std::vector<std::int64_t>{123, 0, 130});
  CHECK(p.reads_of(step(keyed))[0].delay == 130);
  CHECK(p.reads_of(step(keyed))[1].delay == 0);
  CHECK(step(keyed).arrival == 130);
  CHECK(p.latency == 130);
  CHECK(step(c).need == 130);  // as long as the sum, which hears it 130 frames late
}

TEST_CASE("plan: memory is shared in place and over time, never while it is needed", "[plan]") {
  std::mt19937 random(4);
  for (int n = 0; n < 200; ++n) {
    std::vector<Wire> wires;
    const Graph g = random_graph(random, 20, wires);
    const Plan p = plan_of(g, wires);
    const SharedMemory m = share_memory(p, true);
    std::vector<int> holds(m.widths.size(), -1);  // which output's signal lies there
    for (const Plan::Step& s : p.steps) {
      for (const Plan::Read& r : p.reads_of(s))
        if (r.step >= 0) REQUIRE(holds[std::size_t(m.place[std::size_t(p.output(r))])] == p.output(r));
      for (int o = s.first_out; o < s.first_out + s.outs; ++o) {
        const int place = m.place[std::size_t(o)];
        REQUIRE(m.widths[std::size_t(place)] == p.widths[std::size_t(o)]);
        for (const Plan::Read& r : p.reads_of(s))  // only the first output may lie where an input lies
          if (r.step >= 0 && m.place[std::size_t(p.output(r))] == place) REQUIRE((o == s.first_out && s.in_place));
        holds[std::size_t(place)] = o;
      }
    }
  }
  Graph chain;
  Wire w = chain.input("in");
  for (int i = 0; i < 50; ++i) w = late(chain, "n" + std::to_string(i), w, 1);
  CHECK(share_memory(plan_of(chain, {w}), true).widths.size() == 1);
}

TEST_CASE("plan: in whatever order steps run, nobody takes memory that somebody may still read", "[plan]") {
  std::mt19937 random(5);
  std::size_t places = 0, outputs = 0;
  for (int n = 0; n < 200; ++n) {
    std::vector<Wire> wires;
    const Graph g = random_graph(random, 30, wires);
    const Plan p = plan_of(g, wires);
    const SharedMemory m = share_memory(p, false);
    places += m.widths.size();
    outputs += p.widths.size();
    const std::size_t steps = p.steps.size();
    std::vector<std::vector<bool>> before(steps, std::vector<bool>(steps));  // [later][earlier]
    std::vector<std::vector<std::size_t>> users(p.widths.size());            // who writes or reads each output
    for (std::size_t s = 0; s < steps; ++s) {
      for (const Plan::Read& r : p.reads_of(p.steps[s])) {
        if (r.step < 0) continue;
        before[s][std::size_t(r.step)] = true;
        for (std::size_t e = 0; e < steps; ++e)
          if (before[std::size_t(r.step)][e]) before[s][e] = true;
        users[std::size_t(p.output(r))].push_back(s);
      }
      for (int o = p.steps[s].first_out; o < p.steps[s].first_out + p.steps[s].outs; ++o)
        users[std::size_t(o)].push_back(s);
    }
    for (std::size_t s = 0; s < steps; ++s)
      for (int o = p.steps[s].first_out; o < p.steps[s].first_out + p.steps[s].outs; ++o)
        for (std::size_t other = 0; other < users.size(); ++other) {
          if (int(other) == o || m.place[other] != m.place[std::size_t(o)]) continue;
          // one of the two is through, for everybody, before the other begins; in place both meet in one step
          const auto through = [&](std::size_t first, std::size_t then) {
            const std::size_t begins = *std::min_element(users[then].begin(), users[then].end());
            return std::all_of(users[first].begin(), users[first].end(), [&](std::size_t u) {
              return before[begins][u] || (u == begins && p.steps[begins].in_place);
            });
          };
          INFO("graph " << n << ": outputs " << o << " and " << other);
          REQUIRE((through(std::size_t(o), other) || through(other, std::size_t(o))));
          for (const std::size_t first : {std::size_t(o), other})  // what an end hears is never overwritten
            for (const std::size_t u : users[first])
              if (p.steps[u].kind == Plan::Step::end)
                REQUIRE(std::all_of(users[first].begin(), users[first].end(), [&](std::size_t) {
                  return !through(first, first == other ? std::size_t(o) : other);
                }));
        }
  }
  CHECK(places < outputs * 3 / 4);
  Graph wide;
  const Wire in = wide.input("in");
  std::vector<Wire> ends;
  for (int b = 0; b < 6; ++b) {
    Wire w = in;
    for (int i = 0; i < 20; ++i) w = late(wide, "n" + std::to_string(20 * b + i), w, 1);
    ends.push_back(w);
  }
  CHECK(share_memory(plan_of(wide, {wide.sum("sum", ends)}), false).widths.size() <= 8);
}

TEST_CASE("plan: the longest way is the most urgent", "[plan]") {
  const TaskGraph g = task_graph(6, {{0, 1}, {0, 2}, {0, 2}, {2, 3}, {3, 4}, {1, 5}, {4, 5}});
  CHECK(g.rank == std::vector<int>{4, 1, 3, 2, 1, 0});
  CHECK(std::vector<int>(g.next_of(0).begin(), g.next_of(0).end()) == std::vector<int>{2, 1});
  CHECK(std::vector<int>(g.before_of(5).begin(), g.before_of(5).end()) == std::vector<int>{1, 4});
}

TEST_CASE("plan: widths that do not fit are said", "[plan]") {
  Graph g;
  const Wire six = g.input("six", 6), two = g.input("two", 2), one = g.input("one", 1);
  CHECK_THROWS_WITH(plan_of(g, {g.sum("sum", {six, two})}), Catch::Contains("sum adds up 2 channels and 6 channels"));
  CHECK_NOTHROW(plan_of(g, {g.sum("fine", {six, one})}));
  g.node(node_type<Stir>, "twice", {two});
  g.edges.push_back({one.vertex, 0, int(g.vertices.size()) - 1, 0});
  CHECK_THROWS_WITH(plan_of(g, {}), Catch::Contains("twice.in hears two things"));
}

TEST_CASE("plan: what the passes did can be read", "[plan]") {
  Graph g;
  const Wire in = g.input("in"), a = late(g, "a", in, 64), b = late(g, "b", in, 64);
  late(g, "unheard", in, 5);
  g.end = g.sum("sum", {in, a, b});
  CHECK(describe(g) ==
        "step     late  rank  memory  hears\n"
        "in          0     3       0\n"
        "a          64     2       1  in\n"
        "sum        64     1       2  in +64  a  a\n"
        "(end 1)    64     0          sum\n"
        "b: the same work as a, done once\n"
        "unheard: left out, nobody hears it\n"
        "64 frames late in all (1.33 ms); 3 pieces of memory for 3 outputs\n");
}
