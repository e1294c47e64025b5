// tests/fuzz/yaml_case.hpp — one input of the graph loader's fuzzer; the tests run the stored ones through it, too.

#pragma once

#include "core/graph/check.hpp"
#include "core/graph/draw.hpp"
#include "core/graph/load.hpp"
#include "nodes/builtin.hpp"

#include <cstdlib>
#include <string>

namespace lacquer {

/// Any text either becomes a sound graph or is refused with Problems. The part after a NUL, when there is one, is a
/// --set: "path=value".
inline void yaml_case(std::string text) {
  Settings settings;
  if (const auto nul = text.find('\0'); nul != text.npos) {
    const std::string set = text.substr(nul + 1);
    text.resize(nul);
    if (const auto equals = set.find('='); equals != set.npos) settings[set.substr(0, equals)] = set.substr(equals + 1);
  }
  Graph graph;
  try {
    graph = load_text(text, "fuzz/graph.yaml", builtin(), settings);
  } catch (const Problems& p) {
    if (p.list().empty() || std::string(p.what()).empty()) std::abort();
    return;
  }
  check(graph);  // throws when load let something through
  list(graph);
  if (graph.vertices.size() < 200) svg(graph), dot(graph);
}

}  // namespace lacquer
