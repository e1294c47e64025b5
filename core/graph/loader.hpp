// core/graph/loader.hpp — the inside of load(): from the YAML tree to the graph. Sections of a file are in load.cpp,
// steps in steps.cpp, values in values.cpp. Vertices are added after everything they hear, so the graph comes out in
// topological order, and a name can only mean something written above: a circle cannot be written.

#pragma once

#include "core/graph/load.hpp"
#include "core/graph/yaml.hpp"
#include "core/units.hpp"

#include <filesystem>
#include <functional>
#include <set>
#include <unordered_map>

namespace lacquer {

class Loader {
public:
  Loader(const Catalog& catalog, const Settings& settings);

  void file(const std::string& path);
  void text(const std::string& yaml, const std::string& name);
  Graph finish();  ///< throws Problems

private:
  /// One file being read.
  struct Scope {
    std::string file;
    std::string prefix;                     ///< "punch." inside a sub-graph
    std::map<std::string, YamlPtr> params;  ///< $name -> what it stands for
    int depth = 0;                          ///< of includes
    std::filesystem::path folder() const { return std::filesystem::path(file).parent_path(); }
  };
  /// What a name above means.
  struct Name {
    Wire wire;
    int splitter = -1;                     ///< whose outputs can be named: mid_side.mid
    std::map<std::string, Wire> branches;  ///< of a parallel: where each ends
    bool open = false;                     ///< we are still inside its branches
  };
  /// mix and bypass of what is more than one node.
  struct Blend {
    const Yaml* mix = nullptr;
    const Yaml* bypass = nullptr;
  };
  struct TooMany {};  ///< more problems or nodes than make sense

  // ---- sections: load.cpp
  void root(const YamlPtr& doc, const std::string& name);
  void section_keys(const Yaml& doc);
  void declare_params(const Yaml& params, Scope& scope, const std::map<std::string, YamlPtr>& passed);
  void inputs(const Yaml& list, Scope& scope);
  void outputs(const Yaml& list, Scope& scope);
  void output(const std::string& file, const Yaml& key, const Yaml& args, Scope& scope);
  void expectations(const Yaml& list, Scope& scope);
  void aims(const Yaml& list, Scope& scope);
  void aim(const Yaml& key, const Yaml& args, Scope& scope);
  void apply_settings();
  void apply_setting(const std::string& path, const std::string& value);
  YamlPtr setting(const std::string& path, const std::string& value);  ///< --set, as if it stood in a file

  // ---- steps: steps.cpp
  Wire chain(const Yaml& steps, Wire wire, Scope& scope);
  Wire step(const Yaml& step, Wire wire, Scope& scope);
  Wire node(const lacquer_node_type& type, const std::string& name, const Yaml& head, const Yaml& args, Wire wire,
            Scope& scope);
  void settings_of(Vertex& v, const Yaml& args, std::vector<Wire>& in, std::map<int, const Yaml*>& branches,
                   Blend& blend, Scope& scope);
  Wire close_splitter(const lacquer_node_type& type, const std::string& name, const Yaml& head, int id,
                      const std::map<int, const Yaml*>& branches, Scope& scope);
  Wire parallel(const std::string& name, const Yaml& head, const Yaml& args, Wire wire, Scope& scope);
  Wire sum(const std::string& name, const Yaml& head, const Yaml& parts, Scope& scope);
  Wire sub_graph(const std::string& path, const std::string& given, const Yaml& head, const Yaml& args, Wire wire,
                 Scope& outer);
  Wire blend(const std::string& name, const Yaml& head, const Blend& how, Wire dry, Wire wet, Scope& scope);
  Wire source(const Yaml& arg, Scope& scope);                      ///< a name above, or {sum: [...]}
  Wire source_or_chain(const Yaml& arg, Wire wire, Scope& scope);  ///< or [steps]
  std::string name_for(const std::string& kind, const std::string& given, const Yaml& head, Scope& scope);
  std::string spare_name(const std::string& wanted, Scope& scope);
  int add(Vertex v, const Yaml& head, Scope& scope);
  void connect(Wire from, int to, int input);
  Vertex vertex_of(const lacquer_node_type& type) const;
  Wire expand(const std::string& path, const std::string& full, const Yaml& head, const Yaml& args, Wire& wire,
              Blend& how, Scope& outer);
  std::string inside_top_folder(const std::filesystem::path& file) const;
  YamlPtr include(const std::string& file, const std::string& written, const Yaml& head);

  // ---- values: values.cpp
  const Yaml& resolve(const Yaml& arg, const Scope& scope);     ///< $name looked up
  YamlPtr resolve_all(const YamlPtr& arg, const Scope& scope);  ///< inside it, too
  void value(Vertex& v, std::uint32_t slot, const Yaml& arg, Scope& scope);
  void timeline(Vertex& v, std::uint32_t slot, const Yaml& arg, Scope& scope);
  void path(Vertex& v, std::uint32_t slot, const Yaml& arg, const std::filesystem::path& folder);
  void rows(Vertex& v, const Yaml& list, Scope& scope);
  float number(const lacquer_param& p, const Yaml& arg, const Scope& scope);
  std::string word(const Yaml& arg, const Scope& scope, const std::string& example = "");
  bool range(const lacquer_result& result, const Yaml& arg, const Scope& scope, float& min, float& max);
  static bool is_timeline(const Yaml& arg);

  // ---- looking up
  struct Target {
    int vertex = -1, slot = -1;
  };
  Target parameter(const std::string& path) const;  ///< "punch.comp.ratio", "eq.2.gain", "ms.mix"
  Target result(const std::string& path) const;     ///< "after.integrated": slot is the result
  std::vector<std::string> parameters() const;
  std::vector<std::string> reports() const;

  void complain(const Yaml& where, std::string message, std::string hint = "");
  void complain(Problem problem);
  void complain_near(const Yaml& where, std::string message, const std::string& word,
                     const std::vector<std::string>& names);

  const Catalog& catalog_;
  const Settings& settings_;
  Graph graph_;
  std::vector<Problem> problems_;
  std::unordered_map<std::string, Name> names_;    // full name -> what it means
  std::unordered_map<std::string, int> vertices_;  // full name -> vertex
  std::unordered_map<std::string, int> blends_;    // full name of a block -> the vertex that has its mix
  std::unordered_map<std::string, int> next_;      // full kind -> next number
  std::set<std::string> mentioned_;                // NAME.mix and NAME.bypass in --set and aim
  std::set<std::string> used_;                     // settings that were for a parameter of a graph
  std::vector<std::string> known_;                 // parameters of graphs
  std::vector<std::string> open_;                  // files being read, by their real path
  std::map<std::string, YamlPtr> files_;           // files read
  std::set<std::pair<int, int>> aimed_;            // vertex, slot
  std::filesystem::path top_;                      // the folder includes must stay in
  YamlPtr doc_;
  int includes_ = 0;
};

/// Reads at most what a graph may hold. "" or why it cannot be read.
std::string read_graph_file(const std::string& file, std::string& text);

/// Position of a name in a table, or -1.
template <class Row>
int find_row(const Row* rows, std::size_t n, std::string_view name) {
  for (std::size_t i = 0; i < n; ++i)
    if (rows[i].name == name) return int(i);
  return -1;
}
template <class Row>
std::vector<std::string> names_of(const Row* rows, std::size_t n) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < n; ++i) out.emplace_back(rows[i].name);
  return out;
}

}  // namespace lacquer
