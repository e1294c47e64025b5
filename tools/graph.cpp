// tools/graph.cpp — lacquer graph: what a graph means, before anything is rendered.

#include "core/engine/plan.hpp"
#include "core/graph/draw.hpp"
#include "core/graph/load.hpp"
#include "core/units.hpp"
#include "tools/command.hpp"
#include "tools/terminal.hpp"

#include <cmath>
#include <memory>

namespace lacquer::tools {
namespace {

struct Options {
  std::string graph;
  std::vector<std::string> settings, plugins;
  bool list = false, json = false, dot = false, svg = false;
};

int list_shipped(bool json) {
  Table table({"graph", "what it is for"}, Columns::words);
  Json all = Json::array();
  for (const auto& [name, file] : shipped_graphs()) {
    const std::string about = load(file, catalog_with({})).about;
    table.row({name, about});
    all.push_back({{"name", name}, {"file", file}, {"about", about}});
  }
  print(json ? dump(all) : table.text(stdout));
  return done;
}

std::string wire_name(const Graph& g, Wire w) {
  const Vertex& v = g.vertices[std::size_t(w.vertex)];
  const bool split = v.type && v.type->output_count > 1;
  return v.name + (split ? std::string(".") + v.type->outputs[w.output].name : "");
}

Json to_json(const Graph& g) {
  Json j{{"about", g.about}, {"inputs", Json::array()}, {"nodes", Json::array()}, {"outputs", Json::array()}};
  for (std::size_t v = 0; v < g.vertices.size(); ++v) {
    const Vertex& vertex = g.vertices[v];
    if (vertex.kind == Vertex::input) {
      j["inputs"].push_back({{"name", vertex.name}, {"channels", vertex.channels ? Json(vertex.channels) : Json()}});
      continue;
    }
    Json node{{"name", vertex.name}, {"node", vertex.type ? vertex.type->name : "sum"}, {"hears", Json::array()}};
    for (const Edge& e : g.edges) {
      if (std::size_t(e.to) != v) continue;
      node["hears"].push_back({{"port", vertex.type ? vertex.type->inputs[e.input].name : "in"},
                               {"from", wire_name(g, {e.from, e.output})}});
    }
    for (std::uint32_t s = 0; vertex.type && s < vertex.slots(); ++s) {
      const auto file = vertex.paths.find(s);
      node["settings"][vertex.slot_name(s)] =
          file == vertex.paths.end() ? format(vertex.values[s], vertex.param(s).unit) : file->second;
    }
    for (const auto& [slot, line] : vertex.automation)
      for (const auto& [seconds, value] : line)
        node["automation"][vertex.slot_name(slot)].push_back({seconds, format(value, vertex.param(slot).unit)});
    j["nodes"].push_back(std::move(node));
  }
  for (const Output& o : g.outputs) {
    Json out{{"file", o.file}, {"from", wire_name(g, o.from)}};
    for (std::size_t i = 0; i < output_params().size(); ++i)
      out[output_params()[i].name] = format(o.values[i], output_params()[i].unit);
    j["outputs"].push_back(std::move(out));
  }
  const auto result = [&](int vertex, std::uint32_t r) {
    const Vertex& v = g.vertices[std::size_t(vertex)];
    return v.name + "." + v.type->results[r].name;
  };
  const auto limit = [](float x) { return std::isfinite(x) ? Json(x) : Json(); };
  for (const Aim& a : g.aims) {
    const Vertex& v = g.vertices[std::size_t(a.vertex)];
    j["aim"].push_back({{"parameter", v.name + "." + v.slot_name(a.slot)},
                        {"until", result(a.until, a.result)},
                        {"is", a.is},
                        {"within", a.within}});
  }
  for (const Expectation& e : g.expectations)
    j["expect"].push_back({{"result", result(e.vertex, e.result)}, {"min", limit(e.min)}, {"max", limit(e.max)}});
  return j;
}

int run(const Options& o) {
  if (o.graph.empty()) return list_shipped(o.json);
  const Graph graph = load(find_graph(o.graph), catalog_with(o.plugins), settings_of(o.settings));
  print(o.json ? dump(to_json(graph)) : o.dot ? dot(graph) : o.svg ? svg(graph) : list(graph));
  if (o.list) print("\n" + describe(graph));
  return done;
}

}  // namespace

Command graph_command(CLI::App& program) {
  auto o = std::make_shared<Options>();
  CLI::App* app =
      add_command(program, "graph", "Checks a graph and shows what it means; without one, lists those at hand.",
                  "  lacquer graph                        # the graphs that come with Lacquer\n"
                  "  lacquer graph mine.yaml              # checks it and lists its nodes\n"
                  "  lacquer graph mine.yaml --list       # and how it will run, pass by pass\n"
                  "  lacquer graph streaming --json       # the same as data\n"
                  "  lacquer graph wide --svg > wide.svg  # the same as a picture");
  app->add_option("GRAPH", o->graph, "A graph file, or the name of one that comes with Lacquer.");
  app->add_flag(
      "--list", o->list,
      "The nodes and their settings, then the plan: order, latency, delays put in, memory, what is left out.");
  app->add_flag("--dot", o->dot, "The graph for Graphviz.");
  app->add_flag("--svg", o->svg, "The graph as a picture.");
  app->add_flag("--json", o->json, "Nodes, settings, outputs, aims and expectations as JSON.");
  add_set_option(*app, o->settings);
  add_plugin_option(*app, o->plugins);
  return {app, [o] { return run(*o); }};
}

}  // namespace lacquer::tools
