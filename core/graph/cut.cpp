#include "core/graph/cut.hpp"

#include <algorithm>

namespace lacquer {
namespace {

std::vector<std::vector<int>> neighbours(const Graph& g, bool forward) {
  std::vector<std::vector<int>> next(g.vertices.size());
  for (const Edge& e : g.edges) next[std::size_t(forward ? e.from : e.to)].push_back(forward ? e.to : e.from);
  return next;
}

VertexSet reach(const Graph& g, VertexSet found, bool forward) {
  const auto next = neighbours(g, forward);
  std::vector<int> open;
  for (std::size_t v = 0; v < found.size(); ++v)
    if (found[v]) open.push_back(int(v));
  while (!open.empty()) {
    const int v = open.back();
    open.pop_back();
    for (const int n : next[std::size_t(v)])
      if (!found[std::size_t(n)]) found[std::size_t(n)] = true, open.push_back(n);
  }
  return found;
}

}  // namespace

VertexSet none_of(const Graph& g) { return VertexSet(g.vertices.size()); }
VertexSet ancestors(const Graph& g, const VertexSet& of) { return reach(g, of, false); }
VertexSet descendants(const Graph& g, const VertexSet& of) { return reach(g, of, true); }
VertexSet without(VertexSet a, const VertexSet& b) {
  for (std::size_t v = 0; v < a.size(); ++v) a[v] = a[v] && !b[v];
  return a;
}

Wire Part::wire(Wire whole) const {
  if (whole.vertex < 0) return {};
  if (const int v = place[std::size_t(whole.vertex)]; v >= 0) return {v, whole.output};
  for (std::size_t i = 0, input = 0; i < graph.vertices.size(); ++i)
    if (graph.vertices[i].kind == Vertex::input && feeds[input++] == whole) return {int(i), 0};
  return {};
}

Part part_of(const Graph& whole, const VertexSet& keep, const std::vector<Wire>& also) {
  Part part;
  part.graph.about = whole.about;
  part.place.assign(whole.vertices.size(), -1);
  const auto feed = [&](Wire from) {
    if (from.vertex < 0 || keep[std::size_t(from.vertex)] || part.wire(from).vertex >= 0) return;
    // The name cannot be a user's, and tells delay lines and messages what it stands for.
    part.graph.input("(" + whole.vertices[std::size_t(from.vertex)].name + "." + std::to_string(from.output) + ")");
    part.feeds.push_back(from);
  };
  for (const Edge& e : whole.edges)
    if (keep[std::size_t(e.to)]) feed({e.from, e.output});
  for (const Wire& w : also) feed(w);
  for (std::size_t v = 0; v < keep.size(); ++v) {
    if (!keep[v]) continue;
    part.place[v] = int(part.graph.vertices.size());
    if (whole.vertices[v].kind == Vertex::input) part.feeds.push_back({int(v), 0});
    part.graph.vertices.push_back(whole.vertices[v]);
  }
  for (const Edge& e : whole.edges)
    if (keep[std::size_t(e.to)]) {
      const Wire from = part.wire({e.from, e.output});
      part.graph.edges.push_back({from.vertex, from.output, part.place[std::size_t(e.to)], e.input});
    }
  part.graph.end = part.wire(whole.end);
  return part;
}

std::vector<Wire> leaving(const Graph& g, const VertexSet& inside) {
  std::vector<Wire> all;
  const auto take = [&](Wire w) {
    if (w.vertex >= 0 && inside[std::size_t(w.vertex)] && std::find(all.begin(), all.end(), w) == all.end())
      all.push_back(w);
  };
  for (const Edge& e : g.edges)
    if (!inside[std::size_t(e.to)]) take({e.from, e.output});
  for (const Output& o : g.outputs) take(o.from);
  return all;
}

}  // namespace lacquer
