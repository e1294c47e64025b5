// core/graph/cut.hpp — a part of a graph as a graph of its own: what lies outside becomes its inputs. [control]

#pragma once

#include "core/graph/graph.hpp"

namespace lacquer {

using VertexSet = std::vector<bool>;  ///< by vertex

VertexSet ancestors(const Graph& graph, const VertexSet& of);    ///< what any of `of` hears, and `of` itself
VertexSet descendants(const Graph& graph, const VertexSet& of);  ///< what hears any of `of`, and `of` itself
VertexSet none_of(const Graph& graph);                           ///< the empty set
VertexSet without(VertexSet a, const VertexSet& b);              ///< a but not b

struct Part {
  Graph graph;              ///< the vertices kept, behind the inputs that stand for what was cut off; no outputs
  std::vector<Wire> feeds;  ///< for each input of `graph`, in order: the wire of the whole graph that feeds it
  std::vector<int> place;   ///< whole vertex -> part vertex, -1 when cut off

  Wire wire(Wire whole) const;  ///< the same wire in the part: of a kept vertex or of an input; {-1, 0} when neither
};

/// The part made of `keep`, with an input for every wire from outside that it or `also` names. Inputs of the whole
/// graph that are kept stay inputs and feed themselves.
Part part_of(const Graph& whole, const VertexSet& keep, const std::vector<Wire>& also = {});

/// Wires from vertices in `inside` to vertices outside it or to outputs: each once.
std::vector<Wire> leaving(const Graph& graph, const VertexSet& inside);

}  // namespace lacquer
