// core/manual.hpp — the tables as text. Nothing here knows any node.

#pragma once

#include "core/catalog.hpp"

namespace lacquer {

std::string help(const lacquer_node_type& type);  ///< for a terminal: `nodes compressor`
std::string markdown(const Catalog& catalog);     ///< nodes/README.md
std::string json_schema(const Catalog& catalog);  ///< for editors: completion and checking while typing YAML

}  // namespace lacquer
