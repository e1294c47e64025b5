// core/graph/passes.hpp — what is done to a graph before it becomes a plan: put in order, freed of what nobody hears,
// and of work that is done twice. Each pass reads the graph and says what it found; none copies it. [control]

#pragma once

#include "core/graph/graph.hpp"

#include <span>

namespace lacquer {

/// Edges by vertex, each list in edge order: the order of summation.
class Wiring {
public:
  explicit Wiring(const Graph& graph);
  std::span<const int> into(int vertex) const { return list(in_, first_in_, vertex); }
  std::span<const int> out_of(int vertex) const { return list(out_, first_out_, vertex); }

private:
  static std::span<const int> list(const std::vector<int>& all, const std::vector<int>& first, int v) {
    return {all.data() + first[std::size_t(v)], all.data() + first[std::size_t(v) + 1]};
  }
  std::vector<int> in_, first_in_, out_, first_out_;
};

/// Every vertex after all it hears; as written when that is such an order. Throws Problems that name a cycle's path.
std::vector<int> ordered(const Graph& graph);

/// What reaches one of `wires`, a node of `listening` or a node that reports results: by vertex.
std::vector<bool> needed(const Graph& graph, const Wiring& wiring, std::span<const Wire> wires,
                         std::span<const std::string> listening = {});

/// Equal work: for each vertex the first one in `order` that does the same to the same inputs with the same settings,
/// mostly itself. Inputs, nodes that listen and nodes whose parameter an aim solves stay apart.
std::vector<int> merged(const Graph& graph, const Wiring& wiring, std::span<const int> order,
                        const std::vector<bool>& needed);

}  // namespace lacquer
