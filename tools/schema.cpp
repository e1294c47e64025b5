// tools/schema.cpp — lacquer schema: what a graph may contain, as JSON Schema, for editors.

#include "core/manual.hpp"
#include "tools/command.hpp"

#include <memory>

namespace lacquer::tools {

Command schema_command(CLI::App& program) {
  auto plugins = std::make_shared<std::vector<std::string>>();
  CLI::App* app =
      add_command(program, "schema", "Prints a JSON Schema of graphs, so that editors complete and check them.",
                  "  lacquer schema > lacquer.schema.json                       # then, as first line of a graph:\n"
                  "                                       # yaml-language-server: $schema=lacquer.schema.json\n"
                  "  lacquer schema | jq '.[\"$defs\"] | keys'                     # what it defines\n"
                  "  lacquer schema --plugin ./invert.so > mine.schema.json     # with the nodes of a plug-in");
  add_plugin_option(*app, *plugins);
  return {app, [plugins] { return print(json_schema(catalog_with(*plugins))), done; }};
}

}  // namespace lacquer::tools
