// tools/nodes.cpp — lacquer nodes: the manual, from the tables the nodes themselves are made of.

#include "core/manual.hpp"
#include "core/units.hpp"
#include "tools/command.hpp"
#include "tools/terminal.hpp"

#include <memory>

namespace lacquer::tools {
namespace {

Json unit_json(const lacquer_unit& unit) { return unit.choices ? Json() : Json(unit.symbol); }

Json param_json(const lacquer_param& p) {
  static constexpr const char* motions[] = {"glide", "step", "fixed"};
  Json j{{"name", p.name},
         {"doc", p.doc},
         {"default", format(p.init, p.unit)},
         {"range", format_range(p)},
         {"unit", unit_json(p.unit)},
         {"motion", motions[p.motion]}};
  if (p.unit.choices) return j;
  j["min"] = double(p.range.min);
  j["max"] = double(p.range.max);
  return j;
}

Json node_json(const lacquer_node_type& t) {
  Json j{{"name", t.name}, {"doc", t.doc}, {"source", t.source ? Json(t.source) : Json()}};
  for (const char* table : {"inputs", "outputs", "params", "row", "results"}) j[table] = Json::array();
  for (std::uint32_t i = 0; i < t.input_count; ++i)
    j["inputs"].push_back({{"name", t.inputs[i].name}, {"doc", t.inputs[i].doc}});
  for (std::uint32_t i = 0; i < t.output_count; ++i)
    j["outputs"].push_back({{"name", t.outputs[i].name}, {"doc", t.outputs[i].doc}});
  for (std::uint32_t i = 0; i < t.param_count; ++i) j["params"].push_back(param_json(t.params[i]));
  for (std::uint32_t i = 0; i < t.row_param_count; ++i) j["row"].push_back(param_json(t.row[i]));
  for (std::uint32_t i = 0; i < t.result_count; ++i)
    j["results"].push_back(
        {{"name", t.results[i].name}, {"doc", t.results[i].doc}, {"unit", unit_json(t.results[i].unit)}});
  j["max_rows"] = t.max_rows;
  j["hears_whole_programme_first"] = t.listen != nullptr;
  return j;
}

struct Options {
  std::vector<std::string> names, plugins;
  bool json = false, markdown = false;
};

int run(const Options& o) {
  const Catalog catalog = catalog_with(o.plugins);
  std::vector<const lacquer_node_type*> chosen;
  for (const std::string& name : o.names) {
    const lacquer_node_type* type = catalog.find(name);
    if (!type) {
      const std::string near = did_you_mean(name, catalog.names());
      throw Failed(bad_input, "there is no node '" + name + "'" + (near.empty() ? "; see lacquer nodes" : near));
    }
    chosen.push_back(type);
  }
  if (o.markdown) {
    print(markdown(o.names.empty() ? catalog : Catalog(chosen)));
  } else if (o.json) {
    Json list = Json::array();
    for (const lacquer_node_type* t : o.names.empty() ? catalog.types() : std::span(std::as_const(chosen)))
      list.push_back(node_json(*t));
    print(dump(o.names.size() == 1 ? list[0] : list));
  } else if (o.names.empty()) {
    Table table({"node", "what it does"}, Columns::words);
    for (const lacquer_node_type* t : catalog.types()) table.row({t->name, t->doc});
    print(table.text(stdout));
  } else {
    for (const char* gap = ""; const lacquer_node_type* t : chosen) print(gap + help(*t)), gap = "\n";
  }
  return done;
}

}  // namespace

Command nodes_command(CLI::App& program) {
  auto o = std::make_shared<Options>();
  CLI::App* app = add_command(program, "nodes", "Lists the nodes a graph can be made of, or explains some of them.",
                              "  lacquer nodes                        # every node, one line each\n"
                              "  lacquer nodes compressor             # its parameters, ranges, results, source\n"
                              "  lacquer nodes limiter loudness       # several\n"
                              "  lacquer nodes --json | jq '.[].name' # the tables as data\n"
                              "  lacquer nodes --markdown             # the manual, nodes/README.md");
  app->add_option("NAME", o->names, "Nodes to explain.");
  app->add_flag("--json", o->json, "Prints the tables as JSON.");
  app->add_flag("--markdown", o->markdown, "Prints the manual as Markdown.");
  add_plugin_option(*app, o->plugins);
  return {app, [o] { return run(*o); }};
}

}  // namespace lacquer::tools
