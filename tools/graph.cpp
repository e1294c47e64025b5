// tools/graph.cpp — lacquer graph: what a graph means, before anything is rendered.

#include "core/graph/load.hpp"
#include "tools/command.hpp"
#include "tools/terminal.hpp"

#include <memory>

namespace lacquer::tools {
namespace {

struct Options {
  std::string graph;
  std::vector<std::string> settings, plugins;
  bool list = false;
};

int list_shipped() {
  Table table({"graph", "what it is for"}, true);
  for (const auto& [name, file] : shipped_graphs()) table.row({name, load(file, catalog_with({})).about});
  print(table.text(stdout));
  return done;
}

int run(const Options& o) {
  if (o.graph.empty()) return list_shipped();
  const Graph graph = load(find_graph(o.graph), catalog_with(o.plugins), settings_of(o.settings));
  print(list(graph));
  return done;
}

}  // namespace

Command graph_command(CLI::App& program) {
  auto o = std::make_shared<Options>();
  CLI::App* app =
      add_command(program, "graph", "Checks a graph and shows what it means; without one, lists those at hand.",
                  "  lacquer graph                        # the graphs that come with Lacquer\n"
                  "  lacquer graph mine.yaml              # checks it and lists its nodes");
  app->add_option("GRAPH", o->graph, "A graph file, or the name of one that comes with Lacquer.");
  app->add_flag("--list", o->list, "One line per node: what it hears, and what it is set to (the default).");
  add_set_option(*app, o->settings);
  add_plugin_option(*app, o->plugins);
  return {app, [o] { return run(*o); }};
}

}  // namespace lacquer::tools
