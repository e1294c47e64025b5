// core/graph/check.hpp — a graph built in code, checked: everything load() makes sure of, for graphs it has not seen.
// [control]

#pragma once

#include "core/graph/graph.hpp"

namespace lacquer {

/// Throws Problems: circles (with their path), inputs nothing is connected to, wires that do not exist, names used
/// twice, values that do not fit the table. Several edges into one input are no mistake: they are summed.
void check(const Graph& graph);

}  // namespace lacquer
