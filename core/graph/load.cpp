#include "core/graph/load.hpp"

#include "core/node.hpp"
#include "core/units.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <tuple>

namespace lacquer {
namespace {

struct Scope {  // one file being read
  std::string file;
  std::string prefix;                         // "punch." inside a sub-graph
  std::map<std::string, std::string> params;  // $name -> text
  std::map<std::string, Wire> names;
};

class Loader {
public:
  Loader(const Catalog& catalog, const Settings& settings) : catalog_(catalog), settings_(settings) {}

  Graph finish() {
    graph_.end = end_;
    for (const auto& [path, value] : settings_)
      if (!used_.contains(path))
        complain({"--set " + path, 0, 0}, "there is no " + path, did_you_mean(nearest(path, known_)));
    if (!problems_.empty()) throw Problems(problems_);
    return std::move(graph_);
  }

  void file(const std::string& path) {
    std::ifstream in(path);
    if (!in) return complain({path, 0, 0}, "cannot open this file", "");
    std::stringstream text;
    text << in.rdbuf();
    root(text.str(), path);
  }

  void root(const std::string& text, const std::string& path) {
    Scope scope{path, "", {}, {}};
    const YAML::Node doc = read(text, path);
    if (!doc.IsMap()) return;
    for (const auto& [key, value] : items(doc, scope)) {
      if (key == "about")
        graph_.about = value.as<std::string>("");
      else if (key == "params")
        declare_params(value, scope, {}, true);
      else if (key == "in")
        inputs(value, scope);
      else if (key == "chain")
        main_chain(value, scope);
      else if (key == "out")
        outputs(value, scope);
      else if (key == "expect")
        expectations(value, scope);
      else
        complain(at(key_mark_[key], scope), "a graph has no '" + key + "'",
                 did_you_mean(nearest(key, {"about", "params", "in", "chain", "out", "expect"})));
    }
    if (!doc["chain"] && problems_.empty())
      complain({path, 1, 1}, "there is no chain", "add 'chain:' and, below it, one '- node' per line");
  }

private:
  // ---- steps ------------------------------------------------------------------------------------------------------

  void main_chain(const YAML::Node& steps, Scope& scope) {
    if (scope.names.empty()) add_input("in", scope);
    end_ = chain(steps, first_input_, scope);
  }

  Wire chain(const YAML::Node& steps, Wire wire, Scope& scope) {
    if (!steps.IsSequence()) {
      if (!steps.IsNull())
        complain(at(steps.Mark(), scope), "a chain is a list of nodes", "start every line with '- '");
      return wire;
    }
    for (const YAML::Node& s : steps) wire = step(s, wire, scope);
    return wire;
  }

  Wire step(const YAML::Node& s, Wire wire, Scope& scope) {
    std::string head;
    YAML::Node args;
    YAML::Mark mark = s.Mark();
    if (s.IsScalar())
      head = s.Scalar();
    else if (s.IsMap() && s.size() == 1)
      head = s.begin()->first.Scalar(), mark = s.begin()->first.Mark(), args = s.begin()->second;
    else if (s.IsMap()) {
      const auto second = std::next(s.begin())->first;
      const std::string kind = s.begin()->first.Scalar(), key = second.Scalar();
      const lacquer_node_type* type = catalog_.find(kind.substr(0, kind.find(' ')));
      const bool setting = type && find(type->params, type->param_count, key) >= 0;
      complain(at(second.Mark(), scope), "'" + key + "' stands beside '" + kind + "', not inside it",
               setting ? "indent it further, or write " + kind + ": {" + key + ": ...}"
                       : "give each node its own line, starting with '- '");
      return wire;
    } else {
      complain(at(mark, scope), "this is not a node", "write '- name', or '- name: {...}'");
      return wire;
    }

    if (head == "from") return source(args, scope);
    const auto space = head.find(' ');
    const std::string kind = head.substr(0, space), given = space == std::string::npos ? "" : head.substr(space + 1);
    if (kind.find('/') != std::string::npos) return sub_graph(kind, given, args, wire, mark, scope);
    if (kind == "parallel") return parallel(args, wire, name_for("parallel", given, mark, scope), scope);

    const lacquer_node_type* type = catalog_.find(kind);
    if (!type) {
      complain(at(mark, scope), "there is no node '" + kind + "'", did_you_mean(nearest(kind, catalog_.names())));
      return wire;
    }
    return node(*type, name_for(kind, given, mark, scope), args, wire, mark, scope);
  }

  Wire node(const lacquer_node_type& type, const std::string& name, const YAML::Node& args, Wire wire, YAML::Mark mark,
            Scope& scope) {
    Vertex v;
    v.name = name;
    v.type = &type;
    v.where = at(mark, scope);
    for (std::uint32_t i = 0; i < type.param_count; ++i) v.values.push_back(type.params[i].init);
    v.values.insert(v.values.end(), {100.0f, 0.0f});
    std::vector<Wire> in(type.input_count);
    in[0] = wire;
    std::map<std::string, YAML::Node> branches;

    if (args.IsScalar() || is_timeline(args)) {  // a lone value sets the first parameter of the table
      if (type.param_count)
        value(v, 0, type.params[0], args, scope);
      else
        complain(at(args.Mark(), scope), name_and(type) + "takes no value", "");
    } else if (args.IsSequence()) {
      rows(v, args, scope);
    } else if (args.IsMap()) {
      for (const auto& [key, arg] : items(args, scope)) {
        if (const int p = find(type.params, type.param_count, key); p >= 0)
          value(v, std::uint32_t(p), type.params[p], arg, scope);
        else if (const int port = find(type.inputs, type.input_count, key); port > 0)
          in[std::size_t(port)] = side_chain(arg, wire, scope);
        else if (find(type.outputs, type.output_count, key) >= 0 && type.output_count > 1)
          branches[key] = arg;
        else if (key == "mix")
          v.values[v.mix_slot()] = number(v.param(v.mix_slot()), arg, scope);
        else if (key == "bypass")
          v.values[v.bypass_slot()] = number(v.param(v.bypass_slot()), arg, scope);
        else
          complain(at(key_mark_[key], scope), name_and(type) + "has no '" + key + "'",
                   did_you_mean(nearest(key, keys(type))));
      }
    }
    overrides(v, scope);

    const int id = add(std::move(v), scope);
    for (std::size_t i = 0; i < in.size(); ++i) connect(in[i], id, int(i));
    if (type.output_count == 1) return {id, 0};

    // A splitter: one branch per output, closed by join_<type> when there is one, by a sum when there is not.
    std::vector<Wire> ends;
    for (int o = 0; o < int(type.output_count); ++o) {
      const auto branch = branches.find(type.outputs[o].name);
      ends.push_back(branch == branches.end() ? Wire{id, o} : chain(branch->second, {id, o}, scope));
    }
    return join(catalog_.find(std::string("join_") + type.name), name + "_join", ends, scope);
  }

  Wire parallel(const YAML::Node& branches, Wire wire, const std::string& name, Scope& scope) {
    std::vector<Wire> ends;
    for (const auto& [key, steps] : items(branches, scope)) ends.push_back(chain(steps, wire, scope));
    return join(nullptr, name, ends, scope);
  }

  Wire join(const lacquer_node_type* type, const std::string& name, const std::vector<Wire>& ends, Scope& scope) {
    Vertex v;
    v.name = name;
    v.type = type;
    v.kind = type ? Vertex::node : Vertex::sum;
    if (type) v.values.insert(v.values.end(), {100.0f, 0.0f});
    const int id = add(std::move(v), scope);
    for (int i = 0; i < int(ends.size()); ++i) connect(ends[std::size_t(i)], id, type ? i : 0);
    return {id, 0};
  }

  // A list is a chain of its own, fed by what feeds the node; a name is something written above.
  Wire side_chain(const YAML::Node& arg, Wire wire, Scope& scope) {
    return arg.IsSequence() ? chain(arg, wire, scope) : source(arg, scope);
  }

  Wire source(const YAML::Node& arg, Scope& scope) {
    if (arg.IsSequence()) {
      std::vector<Wire> all;
      for (const YAML::Node& n : arg) all.push_back(source(n, scope));
      return join(nullptr, "sum", all, scope);
    }
    const std::string name = text(arg, scope);
    if (const auto found = scope.names.find(name); found != scope.names.end()) return found->second;
    std::vector<std::string> all;
    for (const auto& [n, w] : scope.names) all.push_back(n);
    complain(at(arg.Mark(), scope), "nothing above is called '" + name + "'", did_you_mean(nearest(name, all)));
    return {};
  }

  Wire sub_graph(const std::string& path, const std::string& given, const YAML::Node& args, Wire wire, YAML::Mark mark,
                 Scope& outer) {
    const std::string file = (std::filesystem::path(outer.file).parent_path() / path).lexically_normal().string() +
                             (path.ends_with(".yaml") ? "" : ".yaml");
    std::ifstream in(file);
    if (!in) return complain(at(mark, outer), "cannot open " + file, ""), wire;
    if (std::find(open_.begin(), open_.end(), file) != open_.end())
      return complain(at(mark, outer), file + " includes itself", ""), wire;
    std::stringstream text;
    text << in.rdbuf();
    open_.push_back(file);

    const std::string name = name_for(std::filesystem::path(file).stem().string(), given, mark, outer);
    Scope scope{file, outer.prefix + name + ".", {}, {}};
    scope.names["in"] = wire;
    std::map<std::string, std::string> passed;
    if (args.IsMap())
      for (const auto& [key, arg] : items(args, outer)) passed[key] = this->text(arg, outer);
    const YAML::Node doc = read(text.str(), file);
    if (doc.IsMap()) {
      if (args.IsScalar() && doc["params"] && doc["params"].IsMap() && doc["params"].size())
        passed[doc["params"].begin()->first.Scalar()] = this->text(args, outer);
      std::vector<std::string> declared;
      if (doc["params"])
        for (const auto& p : doc["params"]) declared.push_back(p.first.Scalar());
      for (const auto& [key, arg] : passed)
        if (std::find(declared.begin(), declared.end(), key) == declared.end())
          complain(at(key_mark_.contains(key) ? key_mark_[key] : mark, outer), path + " has no '" + key + "'",
                   did_you_mean(nearest(key, declared)));
      declare_params(doc["params"], scope, passed, false);
      wire = chain(doc["chain"], wire, scope);
    }
    open_.pop_back();
    outer.names[name] = wire;
    return wire;
  }

  // ---- values -----------------------------------------------------------------------------------------------------

  void value(Vertex& v, std::uint32_t slot, const lacquer_param& p, const YAML::Node& arg, Scope& scope) {
    if (std::string_view(p.unit.symbol) == "path") {
      v.paths[slot] = (std::filesystem::path(scope.file).parent_path() / text(arg, scope)).lexically_normal().string();
      if (!std::ifstream(v.paths[slot])) complain(at(arg.Mark(), scope), "cannot open " + v.paths[slot], "");
      return;
    }
    if (!arg.IsMap()) {
      v.values[slot] = number(p, arg, scope);
      return;
    }
    Timeline line;  // {0:00: -1 dB, 1:30: 0 dB}
    for (const auto& [time, then] : items(arg, scope)) try {
        line.emplace_back(parse_time(time), number(p, then, scope));
      } catch (const Complaint& c) {
        complain(at(key_mark_[time], scope), c.message, c.hint);
      }
    if (p.motion == LACQUER_FIXED)
      complain(at(arg.Mark(), scope), std::string(p.name) + " cannot change while running", "");
    if (line.empty()) return;
    v.values[slot] = line.front().second;
    v.automation[slot] = std::move(line);
  }

  // eq: [ bell: {freq: 1 kHz, gain: -2 dB}, ... ]: the key is the row's first setting, which is a choice.
  void rows(Vertex& v, const YAML::Node& list, Scope& scope) {
    const lacquer_node_type& t = *v.type;
    if (!t.row_param_count) return complain(at(list.Mark(), scope), name_and(t) + "takes no list", "");
    for (const YAML::Node& line : list) {
      const std::uint32_t base = v.mix_slot();
      for (std::uint32_t i = 0; i < t.row_param_count; ++i) v.values.insert(v.values.end() - 2, t.row[i].init);
      if (++v.rows > t.max_rows)
        return complain(at(line.Mark(), scope), name_and(t) + "takes at most " + std::to_string(t.max_rows) + " rows",
                        "");
      if (!line.IsMap() || line.size() != 1) {
        complain(at(line.Mark(), scope), "this is not a row",
                 std::string("write '- ") + format(t.row[0].init, t.row[0].unit) + ": {...}'");
        continue;
      }
      const auto key = line.begin()->first;
      const YAML::Node args = line.begin()->second;
      v.values[base] = number(t.row[0], key, scope);
      if (args.IsScalar())
        value(v, base + 1, t.row[1], args, scope);
      else if (args.IsMap())
        for (const auto& [name, arg] : items(args, scope)) {
          if (const int p = find(t.row, t.row_param_count, name); p > 0)
            value(v, base + std::uint32_t(p), t.row[p], arg, scope);
          else
            complain(at(key_mark_[name], scope), "a row of " + std::string(t.name) + " has no '" + name + "'",
                     did_you_mean(nearest(name, names_of(t.row, t.row_param_count))));
        }
    }
  }

  void overrides(Vertex& v, Scope& scope) {
    for (std::uint32_t i = 0; i < v.type->param_count; ++i) {
      const std::string path = scope.prefix + v.name + "." + v.type->params[i].name;
      known_.push_back(path);
      if (const auto s = settings_.find(path); s != settings_.end()) {
        used_.insert(path);
        try {
          v.values[i] = parse(s->second, v.type->params[i]);
          v.automation.erase(i);
        } catch (const Complaint& c) {
          complain({"--set " + path, 0, 0}, c.message, c.hint);
        }
      }
    }
  }

  float number(const lacquer_param& p, const YAML::Node& arg, Scope& scope) {
    try {
      return parse(text(arg, scope), p);
    } catch (const Complaint& c) {
      complain(at(arg.Mark(), scope), c.message, c.hint);
      return p.init;
    }
  }

  std::string text(const YAML::Node& arg, Scope& scope) {
    if (!arg.IsScalar()) {
      complain(at(arg.Mark(), scope), "this should be a single value", "");
      return "";
    }
    const std::string raw = arg.Scalar();
    if (raw.empty() || raw[0] != '$') return raw;
    const auto found = scope.params.find(raw.substr(1));
    if (found != scope.params.end()) return found->second;
    std::vector<std::string> all;
    for (const auto& [n, t] : scope.params) all.push_back("$" + n);
    complain(at(arg.Mark(), scope), "this file has no parameter " + raw, did_you_mean(nearest(raw, all)));
    return "";
  }

  // ---- the rest of the file ---------------------------------------------------------------------------------------

  void declare_params(const YAML::Node& params, Scope& scope, const std::map<std::string, std::string>& passed,
                      bool top) {
    if (params && params.IsMap())
      for (const auto& [name, init] : items(params, scope)) {
        const auto given = passed.find(name);
        scope.params[name] = given != passed.end() ? given->second : init.as<std::string>("");
        if (top) known_.push_back(name);
        if (const auto s = settings_.find(name); top && s != settings_.end())
          scope.params[name] = s->second, used_.insert(name);
      }
  }

  void inputs(const YAML::Node& in, Scope& scope) {
    for (const auto& [name, layout] : items(in, scope)) add_input(name, scope);
  }
  void add_input(const std::string& name, Scope& scope) {
    Vertex v;
    v.name = name;
    v.kind = Vertex::input;
    const int id = int(graph_.vertices.size());
    graph_.vertices.push_back(v);
    scope.names[name] = {id, 0};
    if (first_input_.vertex < 0) first_input_ = {id, 0};
  }

  void outputs(const YAML::Node& out, Scope& scope) {
    for (const auto& [file, args] : items(out, scope)) {
      Output o{file, end_, {}, {}};
      for (const lacquer_param& p : output_params()) o.values.push_back(p.init);
      if (args.IsMap())
        for (const auto& [key, arg] : items(args, scope)) {
          if (key == "chain")
            o.from = chain(arg, end_, scope);
          else if (key == "from")
            o.from = source(arg, scope);
          else if (const int p = find(output_params().data(), output_params().size(), key); p >= 0)
            o.values[std::size_t(p)] = number(output_params()[std::size_t(p)], arg, scope);
          else
            complain(at(key_mark_[key], scope), "an output has no '" + key + "'",
                     did_you_mean(nearest(key, {"chain", "from", "bits", "rate", "dither"})));
        }
      graph_.outputs.push_back(o);
    }
  }

  // loudness.integrated: -14.5 .. -13.5 LUFS
  void expectations(const YAML::Node& list, Scope& scope) {
    for (const auto& [path, arg] : items(list, scope)) {
      const auto dot = path.rfind('.');
      const std::string node = path.substr(0, dot);
      const auto found = std::find_if(graph_.vertices.begin(), graph_.vertices.end(),
                                      [&](const Vertex& v) { return v.type && v.name == node; });
      const int r = dot == std::string::npos || found == graph_.vertices.end()
                        ? -1
                        : find(found->type->results, found->type->result_count, path.substr(dot + 1));
      if (r < 0) {
        complain(at(key_mark_[path], scope), "nothing reports '" + path + "'", did_you_mean(nearest(path, reports())));
        continue;
      }
      const lacquer_result& result = found->type->results[r];
      const lacquer_param as{result.name, result.unit, 0, {-1e9f, 1e9f}, "", LACQUER_STEP};
      const std::string range = text(arg, scope);
      const auto dots = range.find("..");
      try {
        if (dots == std::string::npos)
          throw Complaint{"this is not a range", "write '-15 .. -13 LUFS', '.. -1 dBTP' or '-9 LUFS ..'"};
        std::string low = range.substr(0, dots), high = range.substr(dots + 2);
        const bool no_low = low.find_first_not_of(' ') == std::string::npos,
                   no_high = high.find_first_not_of(' ') == std::string::npos;
        if (!no_low && low.find_first_of("BSUz") == std::string::npos) low += std::string(" ") + result.unit.symbol;
        graph_.expectations.push_back({int(found - graph_.vertices.begin()), std::uint32_t(r),
                                       no_low ? -1e9f : parse(low, as), no_high ? 1e9f : parse(high, as),
                                       at(arg.Mark(), scope)});
      } catch (const Complaint& c) {
        complain(at(arg.Mark(), scope), c.message, c.hint);
      }
    }
  }

  // No parameter name starts with a digit, every time does.
  static bool is_timeline(const YAML::Node& args) {
    return args.IsMap() && args.size() &&
           std::isdigit(static_cast<unsigned char>((args.begin()->first.Scalar() + " ")[0]));
  }

  // ---- small things -----------------------------------------------------------------------------------------------

  int add(Vertex v, Scope& scope) {
    const int id = int(graph_.vertices.size());
    scope.names[v.name] = {id, 0};
    v.name = scope.prefix + v.name;
    graph_.vertices.push_back(std::move(v));
    return id;
  }
  void connect(Wire from, int to, int input) {
    if (from.vertex >= 0) graph_.edges.push_back({from.vertex, from.output, to, input});
  }

  std::string name_for(const std::string& kind, const std::string& given, YAML::Mark mark, Scope& scope) {
    if (!given.empty()) {
      if (scope.names.contains(given)) complain(at(mark, scope), "there is already a '" + given + "' above", "");
      return given;
    }
    std::string name = kind;
    for (int n = 2; scope.names.contains(name); ++n) name = kind + "_" + std::to_string(n);
    return name;
  }

  YAML::Node read(const std::string& text, const std::string& path) {
    try {
      return YAML::Load(text);
    } catch (const YAML::ParserException& e) {
      complain({path, e.mark.line + 1, e.mark.column + 1}, "this is not YAML: " + e.msg, yaml_hint(text, e.mark.line));
      return {};
    }
  }

  // What most likely went wrong on a line YAML could not read.
  static std::string yaml_hint(const std::string& text, int number) {
    std::stringstream in(text);
    std::string line;
    for (int n = 0; n <= number && std::getline(in, line); ++n) {}
    const auto first = line.find_first_not_of(' ');
    if (first == line.npos) return "something above was opened with '{' or '[' and not closed";
    if (line.find('\t') != line.npos) return "indent with spaces, not tabs";
    if (line[first] == '-' && line.size() > first + 1 && line[first + 1] != ' ') return "put a space after '-'";
    if (line.find(": >") != line.npos) return "write a range as '-9 LUFS ..'";
    if (line.find(": ") != line.rfind(": ") && line.find('{') == line.npos)
      return "put settings in braces: {name: value}";
    return "";
  }

  // The entries of a map, in order, complaining about keys written twice; remembers where each key stood.
  std::vector<std::pair<std::string, YAML::Node>> items(const YAML::Node& map, Scope& scope) {
    std::vector<std::pair<std::string, YAML::Node>> out;
    if (!map.IsMap()) return out;
    std::set<std::string> seen;
    for (const auto& kv : map) {
      const std::string key = kv.first.Scalar();
      key_mark_[key] = kv.first.Mark();
      if (!seen.insert(key).second) complain(at(kv.first.Mark(), scope), "'" + key + "' is set twice", "");
      out.emplace_back(key, kv.second);
    }
    return out;
  }

  template <class Row>
  static int find(const Row* rows, std::size_t n, const std::string& name) {
    for (std::size_t i = 0; i < n; ++i)
      if (rows[i].name == name) return int(i);
    return -1;
  }
  template <class Row>
  static std::vector<std::string> names_of(const Row* rows, std::size_t n) {
    std::vector<std::string> out;
    for (std::size_t i = 0; i < n; ++i) out.emplace_back(rows[i].name);
    return out;
  }
  static std::vector<std::string> keys(const lacquer_node_type& t) {
    auto out = names_of(t.params, t.param_count);
    for (std::uint32_t i = 1; i < t.input_count; ++i) out.emplace_back(t.inputs[i].name);
    if (t.output_count > 1)
      for (std::uint32_t i = 0; i < t.output_count; ++i) out.emplace_back(t.outputs[i].name);
    out.insert(out.end(), {"mix", "bypass"});
    return out;
  }
  std::vector<std::string> reports() const {
    std::vector<std::string> out;
    for (const Vertex& v : graph_.vertices)
      for (std::uint32_t i = 0; v.type && i < v.type->result_count; ++i)
        out.push_back(v.name + "." + v.type->results[i].name);
    return out;
  }
  static std::string name_and(const lacquer_node_type& t) { return std::string(t.name) + " "; }
  static std::string did_you_mean(const std::string& s) { return s.empty() ? "" : "did you mean '" + s + "'?"; }
  static Where at(YAML::Mark m, const Scope& scope) { return {scope.file, m.line + 1, m.column + 1}; }
  void complain(Where where, std::string message, std::string hint) {
    problems_.push_back({std::move(where), std::move(message), std::move(hint)});
  }

  const Catalog& catalog_;
  const Settings& settings_;
  Graph graph_;
  Wire first_input_, end_;
  std::vector<Problem> problems_;
  std::map<std::string, YAML::Mark> key_mark_;
  std::vector<std::string> open_, known_;
  std::set<std::string> used_;
};

}  // namespace

Graph load(const std::string& file, const Catalog& catalog, const Settings& settings) {
  Loader loader(catalog, settings);
  loader.file(file);
  return loader.finish();
}
Graph load_text(const std::string& yaml, const std::string& file, const Catalog& catalog, const Settings& settings) {
  Loader loader(catalog, settings);
  loader.root(yaml, file);
  return loader.finish();
}

}  // namespace lacquer
