// core/graph/draw.hpp — a graph as a picture. [control]

#pragma once

#include "core/graph/graph.hpp"

namespace lacquer {

/// For Graphviz.
std::string dot(const Graph&);

/// A drawing of its own: nodes in layers from left to right, their settings inside, ports on the lines.
std::string svg(const Graph&);

}  // namespace lacquer
