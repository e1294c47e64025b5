#include "core/graph/cut.hpp"
#include "nodes/builtin.hpp"

#include <catch2/catch.hpp>

using namespace lacquer;

namespace {
// in -> a -> b -> join -> end, with a second way a -> c -> join
struct Diamond {
  Graph g;
  Wire in, a, b, c, join;
  Diamond() {
    const lacquer_node_type& gain = *builtin().find("gain");
    in = g.input("in");
    a = g.node(gain, "a", {in});
    b = g.node(gain, "b", {a});
    c = g.node(gain, "c", {a});
    join = g.sum("join", {b, c});
    g.end = join;
    g.outputs.push_back({"x.wav", join, {0, 0, 0}, {}});
  }
  VertexSet set(std::initializer_list<Wire> wires) const {
    VertexSet s = none_of(g);
    for (Wire w : wires) s[std::size_t(w.vertex)] = true;
    return s;
  }
};
}  // namespace

TEST_CASE("cut: ancestors and descendants hold the vertex itself", "[cut]") {
  const Diamond d;
  CHECK(ancestors(d.g, d.set({d.b})) == d.set({d.in, d.a, d.b}));
  CHECK(descendants(d.g, d.set({d.b})) == d.set({d.b, d.join}));
}
TEST_CASE("cut: a part hears what was cut off through inputs of its own, each once", "[cut]") {
  const Diamond d;
  const Part p = part_of(d.g, d.set({d.b, d.c, d.join}));
  REQUIRE(p.feeds.size() == 1);
  CHECK(p.feeds[0] == d.a);
  CHECK(p.graph.vertices.size() == 4);
  CHECK(p.graph.edges.size() == 4);
  CHECK(p.wire(d.a) == Wire{0, 0});
  CHECK(p.graph.vertices[std::size_t(p.wire(d.join).vertex)].name == "join");
  CHECK(p.wire(d.in).vertex == -1);
  CHECK(p.graph.end == p.wire(d.join));
}
TEST_CASE("cut: kept inputs stay inputs, and unheard wires can be asked for", "[cut]") {
  const Diamond d;
  const Part p = part_of(d.g, d.set({d.in, d.a}), {d.c});
  REQUIRE(p.feeds.size() == 2);
  CHECK(p.feeds[0] == d.c);
  CHECK(p.feeds[1] == d.in);
}
TEST_CASE("cut: what leaves a set is named once, whoever hears it", "[cut]") {
  const Diamond d;
  CHECK(leaving(d.g, d.set({d.in, d.a})) == std::vector<Wire>{d.a});
  CHECK(leaving(d.g, d.set({d.in, d.a, d.b, d.c, d.join})) == std::vector<Wire>{d.join});
}
