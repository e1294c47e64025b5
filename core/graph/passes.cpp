#include "core/graph/passes.hpp"

#include <boost/graph/compressed_sparse_row_graph.hpp>
#include <boost/graph/strong_components.hpp>
#include <boost/graph/topological_sort.hpp>
#include <boost/range/iterator_range.hpp>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

namespace lacquer {
namespace {

using Topology = boost::compressed_sparse_row_graph<boost::directedS>;

Topology topology(const Graph& g) {
  std::vector<std::pair<int, int>> pairs;
  pairs.reserve(g.edges.size());
  for (const Edge& e : g.edges) pairs.emplace_back(e.from, e.to);
  return Topology(boost::edges_are_unsorted_multi_pass, pairs.begin(), pairs.end(), g.vertices.size());
}

// The shortest way round from the first vertex that lies on a cycle.
std::string cycle(const Graph& g, const Topology& t) {
  const std::size_t n = g.vertices.size();
  std::vector<int> component(n);
  const int count = boost::strong_components(
      t, boost::make_iterator_property_map(component.begin(), boost::get(boost::vertex_index, t)));
  std::vector<int> size(std::size_t(count), 0);
  for (const int c : component) ++size[std::size_t(c)];
  const auto on_itself = [&](std::size_t v) {
    return std::any_of(g.edges.begin(), g.edges.end(),
                       [&](const Edge& e) { return e.from == int(v) && e.to == int(v); });
  };
  std::size_t start = 0;
  while (size[std::size_t(component[start])] < 2 && !on_itself(start)) ++start;
  std::vector<int> before(n, -1), open{int(start)};
  for (std::size_t i = 0; i < open.size(); ++i)
    for (const auto next : boost::make_iterator_range(boost::adjacent_vertices(std::size_t(open[i]), t))) {
      if (next == start) {
        std::string path = g.vertices[start].name;
        std::vector<int> way;
        for (int v = open[i]; v != int(start); v = before[std::size_t(v)]) way.push_back(v);
        constexpr std::size_t most = 12;
        for (std::size_t k = way.size(); k-- > 0;)
          if (way.size() <= most || k >= way.size() - most / 2 || k < most / 2)
            path += " -> " + g.vertices[std::size_t(way[k])].name;
          else if (k == most / 2)
            path += " -> ...";
        return path + " -> " + g.vertices[start].name;
      }
      if (component[next] != component[start] || before[next] >= 0) continue;
      before[next] = open[i];
      open.push_back(int(next));
    }
  return g.vertices[start].name;
}

struct Hash {
  std::size_t value = 1469598103934665603u;
  void add(const void* data, std::size_t bytes) {
    const auto* p = static_cast<const unsigned char*>(data);
    for (; bytes >= 8; bytes -= 8, p += 8) {
      std::uint64_t word;
      std::memcpy(&word, p, 8);
      mix(word);
    }
    std::uint64_t rest = bytes;
    if (bytes) std::memcpy(&rest, p, bytes);
    mix(rest);
  }
  void mix(std::uint64_t word) {
    value = (value ^ word) * 0x9e3779b97f4a7c15u;
    value ^= value >> 32;
  }
};

}  // namespace

Wiring::Wiring(const Graph& g) {
  const std::size_t n = g.vertices.size();
  first_in_.assign(n + 1, 0);
  first_out_.assign(n + 1, 0);
  for (const Edge& e : g.edges) ++first_in_[std::size_t(e.to) + 1], ++first_out_[std::size_t(e.from) + 1];
  std::partial_sum(first_in_.begin(), first_in_.end(), first_in_.begin());
  std::partial_sum(first_out_.begin(), first_out_.end(), first_out_.begin());
  in_.resize(g.edges.size());
  out_.resize(g.edges.size());
  std::vector<int> at_in(first_in_.begin(), first_in_.end() - 1), at_out(first_out_.begin(), first_out_.end() - 1);
  for (int i = 0; i < int(g.edges.size()); ++i) {
    const Edge& e = g.edges[std::size_t(i)];
    in_[std::size_t(at_in[std::size_t(e.to)]++)] = i;
    out_[std::size_t(at_out[std::size_t(e.from)]++)] = i;
  }
}

std::vector<int> ordered(const Graph& g) {
  std::vector<int> order;
  order.reserve(g.vertices.size());
  if (std::all_of(g.edges.begin(), g.edges.end(), [](const Edge& e) { return e.from < e.to; })) {
    for (int v = 0; v < int(g.vertices.size()); ++v) order.push_back(v);
    return order;
  }
  const Topology t = topology(g);
  try {
    boost::topological_sort(t, std::back_inserter(order));
  } catch (const boost::not_a_dag&) {
    throw Problems(
        {{{"the graph"}, "it runs in a circle: " + cycle(g, t), "break it: no signal may come back to where it was"}});
  }
  std::reverse(order.begin(), order.end());
  return order;
}

std::vector<bool> needed(const Graph& g, const Wiring& wiring, std::span<const Wire> wires,
                         std::span<const std::string> listening) {
  std::vector<bool> found(g.vertices.size());
  std::vector<int> open;
  const auto take = [&](int v) {
    if (v >= 0 && !found[std::size_t(v)]) found[std::size_t(v)] = true, open.push_back(v);
  };
  const std::unordered_set<std::string> names(listening.begin(), listening.end());
  for (const Wire& w : wires) take(w.vertex);
  for (int v = 0; v < int(g.vertices.size()); ++v) {
    const Vertex& vertex = g.vertices[std::size_t(v)];
    if (vertex.type && (vertex.type->result_count || (!names.empty() && names.contains(vertex.name)))) take(v);
  }
  while (!open.empty()) {
    const int v = open.back();
    open.pop_back();
    for (const int e : wiring.into(v)) take(g.edges[std::size_t(e)].from);
  }
  return found;
}

std::vector<int> merged(const Graph& g, const Wiring& wiring, std::span<const int> order,
                        const std::vector<bool>& needed) {
  std::vector<int> same(g.vertices.size());
  std::iota(same.begin(), same.end(), 0);
  std::vector<bool> apart(g.vertices.size());
  for (const Aim& a : g.aims) apart[std::size_t(a.vertex)] = true;

  using Heard = std::tuple<int, int, int>;  // port, what is on it: by its representative, so that merging goes on
  const auto heard_by = [&](int v, std::vector<Heard>& list) {
    list.clear();
    for (const int i : wiring.into(v)) {
      const Edge& e = g.edges[std::size_t(i)];
      list.emplace_back(e.input, same[std::size_t(e.from)], e.output);
    }
    if (g.vertices[std::size_t(v)].kind == Vertex::node)
      std::stable_sort(list.begin(), list.end(), [](auto& a, auto& b) { return std::get<0>(a) < std::get<0>(b); });
  };
  std::vector<Heard> mine, theirs;
  const auto equal = [&](const Vertex& a, const Vertex& b, int other) {
    if (a.kind != b.kind || a.type != b.type || a.rows != b.rows || a.values.size() != b.values.size() ||
        (!a.values.empty() && std::memcmp(a.values.data(), b.values.data(), a.values.size() * sizeof(float))) ||
        a.paths != b.paths || a.automation != b.automation)
      return false;
    heard_by(other, theirs);
    return mine == theirs;
  };
  std::unordered_map<std::size_t, int> first;
  first.reserve(order.size());
  std::vector<int> next(g.vertices.size(), -1);  // others of the same hash
  for (const int v : order) {
    const Vertex& vertex = g.vertices[std::size_t(v)];
    if (!needed[std::size_t(v)] || apart[std::size_t(v)] || vertex.kind == Vertex::input ||
        (vertex.type && vertex.type->listen))
      continue;
    heard_by(v, mine);
    Hash hash;
    hash.mix(reinterpret_cast<std::uintptr_t>(vertex.type));
    hash.add(vertex.values.data(), vertex.values.size() * sizeof(float));
    for (const auto& [port, from, output] : mine)
      hash.mix(std::uint64_t(std::uint32_t(from)) << 32 | std::uint64_t(port) << 16 | std::uint64_t(output));
    const auto [it, fresh] = first.emplace(hash.value, v);
    if (fresh) continue;
    int other = it->second;
    while (other >= 0 && !equal(vertex, g.vertices[std::size_t(other)], other)) other = next[std::size_t(other)];
    if (other >= 0) {
      same[std::size_t(v)] = other;
    } else {
      next[std::size_t(v)] = it->second;
      it->second = v;
    }
  }
  return same;
}

}  // namespace lacquer
