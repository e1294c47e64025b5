// core/graph/load.hpp — YAML into a checked graph. Everything that can be wrong with it is found here, all at once,
// with file, line, column and what to write instead; what comes out runs without further checks. [control]

#pragma once

#include "core/graph/graph.hpp"

namespace lacquer {

using Settings = std::map<std::string, std::string>;  ///< "glue.threshold" -> "-20 dB": what --set says

/// Reads a graph file and what it includes. Throws Problems.
Graph load(const std::string& file, const Catalog&, const Settings& = {});

/// The same for text that is called `file` in messages and includes relative to it.
Graph load_text(const std::string& yaml, const std::string& file, const Catalog&, const Settings& = {});

/// What an input may be: "any", "stereo", "5.1", ...
std::vector<std::string> layout_names();

}  // namespace lacquer
