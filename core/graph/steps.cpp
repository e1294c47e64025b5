// core/graph/steps.cpp — what follows a dash.

#include "core/graph/loader.hpp"
#include "core/node.hpp"

#include <algorithm>
#include <array>

namespace lacquer {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t most_vertices = 10'000;
constexpr int most_includes = 1000, most_include_depth = 16;
constexpr std::array reserved{"about", "params", "in",       "chain", "out",    "aim", "expect",
                              "from",  "sum",    "parallel", "mix",   "bypass", "rows"};
const Yaml nothing;
constexpr Wire unknown{-2, 0};  ///< something that has been complained about

std::vector<std::string> keys_of(const lacquer_node_type& t) {
  auto out = names_of(t.params, t.param_count);
  for (std::uint32_t i = 0; i < t.input_count; ++i) out.emplace_back(t.inputs[i].name);
  if (t.output_count > 1)
    for (std::uint32_t i = 0; i < t.output_count; ++i) out.emplace_back(t.outputs[i].name);
  if (t.row_param_count) out.emplace_back("rows");
  out.insert(out.end(), {"in", "mix", "bypass"});
  return out;
}

/// "compressor glue" -> "compressor", "glue"; false when there are three words.
bool split_head(const std::string& head, std::string& kind, std::string& name) {
  const auto space = std::min(head.find(' '), head.size());
  kind = head.substr(0, space);
  name = head.substr(std::min(head.find_first_not_of(' ', space), head.size()));
  return name.find(' ') == name.npos;
}

}  // namespace

Wire Loader::chain(const Yaml& raw, Wire wire, Scope& scope) {
  const Yaml& steps = resolve(raw, scope);
  if (steps.is_list())
    for (const YamlPtr& s : steps.items) wire = step(*s, wire, scope);
  else if (!steps.is_null())
    complain(steps, "a chain is a list of nodes", "start every line with '- '");
  return wire;
}

Wire Loader::step(const Yaml& s, Wire wire, Scope& scope) {
  const bool lone = s.is_text();
  if (!lone && (!s.is_map() || s.entries.empty()))
    return complain(s, "this is not a node", "write '- name', or '- name: {...}'"), wire;
  const Yaml& head = lone ? s : *s.entries[0].key;
  const Yaml& args = lone ? nothing : *s.entries[0].value;
  std::string kind, given;
  if (!split_head(head.word, kind, given))
    return complain(head, "'" + head.word + "' is more than a node and its name", "write '- node name: {...}'"), wire;
  const lacquer_node_type* type = catalog_.find(kind);
  if (s.is_map() && s.entries.size() > 1) {
    const Yaml& key = *s.entries[1].key;
    bool setting = key.word == "mix" || key.word == "bypass" || key.word == "in" || kind.find('/') != kind.npos;
    if (type) {
      const auto all = keys_of(*type);
      setting = setting || std::find(all.begin(), all.end(), key.word) != all.end();
    }
    complain(key, "'" + key.word + "' stands beside '" + head.word + "', not inside it",
             setting ? "indent it further, or write " + head.word + ": {" + key.word + ": ...}"
                     : "give each node its own line, starting with '- '");
  }
  if (kind == "from") {
    if (!given.empty()) complain(head, "'from' takes no name", "name the next step");
    return source(args, scope);
  }
  if (kind == "sum") return sum(name_for("sum", given, head, scope), head, args, scope);
  if (kind == "parallel") return parallel(name_for("parallel", given, head, scope), head, args, wire, scope);
  if (kind.find('/') != kind.npos) return sub_graph(kind, given, head, args, wire, scope);
  if (!type) {
    auto names = catalog_.names();
    names.insert(names.end(), {"from", "sum", "parallel"});
    complain_near(head, "there is no node '" + kind + "'", kind, names);
    if (!given.empty()) names_[scope.prefix + given].wire = wire;  // so that what refers to it is not called wrong, too
    return wire;
  }
  return node(*type, name_for(kind, given, head, scope), head, args, wire, scope);
}

Vertex Loader::vertex_of(const lacquer_node_type& type) const {
  Vertex v;
  v.type = &type;
  for (std::uint32_t i = 0; i < type.param_count; ++i) v.values.push_back(type.params[i].init);
  v.values.insert(v.values.end(), {100.0f, 0.0f});  // mix, bypass
  return v;
}

Wire Loader::node(const lacquer_node_type& type, const std::string& name, const Yaml& head, const Yaml& raw, Wire wire,
                  Scope& scope) {
  Vertex v = vertex_of(type);
  v.name = name;
  std::vector<Wire> in(type.input_count);
  if (!in.empty()) in[0] = wire;
  std::map<int, const Yaml*> branches;
  Blend how;
  const Yaml& args = resolve(raw, scope);
  if (args.is_text() || is_timeline(args)) {  // a lone value sets the first parameter of the table
    if (type.param_count)
      value(v, 0, args, scope);
    else
      complain(args, std::string(type.name) + " takes no value");
  } else if (args.is_list()) {
    rows(v, args, scope);
  } else if (args.is_map()) {
    settings_of(v, args, in, branches, how, scope);
  }
  for (std::uint32_t i = 0; i < type.input_count; ++i)
    if (in[i] == Wire{} && type.inputs[i].kind != LACQUER_OR_MAIN) {
      const std::string port = type.inputs[i].name;
      complain(head, std::string(type.name) + " hears nothing at '" + port + "'", "add " + port + ": NAME");
    }
  const Wire dry = in.empty() ? wire : in[0];
  const int id = add(std::move(v), head, scope);
  for (std::size_t i = 0; i < in.size(); ++i) connect(in[i], id, int(i));
  if (type.output_count == 1) return {id, 0};
  names_[scope.prefix + name].splitter = id;
  return blend(name, head, how, dry, close_splitter(type, name, head, id, branches, scope), scope);
}

void Loader::settings_of(Vertex& v, const Yaml& args, std::vector<Wire>& in, std::map<int, const Yaml*>& branches,
                         Blend& how, Scope& scope) {
  const lacquer_node_type& type = *v.type;
  const bool splits = type.output_count > 1;
  const auto is_param = [&](std::string_view key) { return find_row(type.params, type.param_count, key) >= 0; };
  // What it hears comes first: a side-chain written as steps starts from there, wherever it stands.
  if (const Yaml* own = args.find("in"); own && !is_param("in"))
    if (const int port = find_row(type.inputs, type.input_count, "in"); port <= 0 && !in.empty() && !own->is_map())
      in[0] = source_or_chain(*own, in[0], scope);
  if (!in.empty())
    if (const Yaml* first = args.find(type.inputs[0].name); first && std::string_view(type.inputs[0].name) != "in")
      in[0] = source_or_chain(*first, in[0], scope);
  const Wire main = in.empty() ? Wire{} : in[0];
  const auto port_of = [&](const std::string& key) { return find_row(type.inputs, type.input_count, key); };
  for (const Yaml::Entry& e : args.entries) {
    const std::string& key = e.key->word;
    const Yaml& arg = *e.value;
    if (const int p = find_row(type.params, type.param_count, key); p >= 0) {
      value(v, std::uint32_t(p), arg, scope);
    } else if (key == "in") {
      if (!arg.is_map() || arg.find("sum")) {
        if (arg.is_map() && !in.empty()) in[0] = source(arg, scope);
        continue;
      }
      for (const Yaml::Entry& port : arg.entries)  // in: {mid: a, side: b}
        if (const int i = port_of(port.key->word); i >= 0)
          in[std::size_t(i)] = source_or_chain(*port.value, main, scope);
        else
          complain_near(*port.key, std::string(type.name) + " has no input '" + port.key->word + "'", port.key->word,
                        names_of(type.inputs, type.input_count));
    } else if (const int port = port_of(key); port >= 0) {
      if (port > 0) in[std::size_t(port)] = source_or_chain(arg, main, scope);
    } else if (const int o = find_row(type.outputs, type.output_count, key); o >= 0 && splits) {
      branches[o] = &arg;
    } else if (key == "rows" && type.row_param_count) {
      rows(v, arg, scope);
    } else if (key == "mix" || key == "bypass") {
      if (splits)
        (key == "mix" ? how.mix : how.bypass) = &arg;
      else
        value(v, key == "mix" ? v.mix_slot() : v.bypass_slot(), arg, scope);
    } else {
      complain_near(*e.key, std::string(type.name) + " has no '" + key + "'", key, keys_of(type));
    }
  }
}

// One branch per output, closed by join_<type> when there is one, by a sum when there is not.
Wire Loader::close_splitter(const lacquer_node_type& type, const std::string& name, const Yaml& head, int id,
                            const std::map<int, const Yaml*>& branches, Scope& scope) {
  names_[scope.prefix + name].open = true;
  std::vector<Wire> ends;
  for (int o = 0; o < int(type.output_count); ++o) {
    const auto branch = branches.find(o);
    ends.push_back(branch == branches.end() ? Wire{id, o} : chain(*branch->second, {id, o}, scope));
  }
  const lacquer_node_type* join = catalog_.find(std::string("join_") + type.name);
  Vertex v;
  if (join)
    v = vertex_of(*join);
  else
    v.kind = Vertex::sum;
  v.name = spare_name(name + "_join", scope);
  const int joined = add(std::move(v), head, scope);
  for (int i = 0; i < int(ends.size()); ++i) connect(ends[std::size_t(i)], joined, join ? i : 0);
  Name& self = names_[scope.prefix + name];
  self.open = false;
  self.wire = {joined, 0};
  return {joined, 0};
}

Wire Loader::parallel(const std::string& name, const Yaml& head, const Yaml& raw, Wire wire, Scope& scope) {
  const Yaml& args = resolve(raw, scope);
  Blend how;
  std::vector<Wire> ends;
  if (const Yaml* from = args.find("in")) wire = source_or_chain(*from, wire, scope);
  for (const Yaml::Entry& e : args.entries) {
    const std::string& key = e.key->word;
    if (key == "in") continue;
    if (key == "mix" || key == "bypass") {
      (key == "mix" ? how.mix : how.bypass) = e.value.get();
      continue;
    }
    if (!detail::is_name(key))
      complain(*e.key, "'" + key + "' is not a name", "use a to z, 0 to 9 and _, a letter first");
    ends.push_back(chain(*e.value, wire, scope));
    names_[scope.prefix + name].branches[key] = ends.back();
  }
  if (ends.empty())
    complain(args.source && !args.is_null() ? args : head, "parallel holds named branches",
             "write parallel: {dry: [], wet: [node, node]}");
  Vertex v;
  v.name = name;
  v.kind = Vertex::sum;
  const int id = add(std::move(v), head, scope);
  for (const Wire& end : ends) connect(end, id, 0);
  return blend(name, head, how, wire, {id, 0}, scope);
}

Wire Loader::sum(const std::string& name, const Yaml& head, const Yaml& raw, Scope& scope) {
  const Yaml& parts = resolve(raw, scope);
  std::vector<Wire> all;
  if (parts.is_list() && !parts.items.empty())
    for (const YamlPtr& part : parts.items) all.push_back(source(*part, scope));
  else
    complain(parts.source ? parts : head, "sum joins what is named above", "write sum: [one, other]");
  Vertex v;
  v.name = name;
  v.kind = Vertex::sum;
  const int id = add(std::move(v), head, scope);
  for (const Wire& w : all) connect(w, id, 0);
  return {id, 0};
}

// mix and bypass of what is more than one node: the node `blend` hears both what went in and what came out, and its own
// mix and bypass do the rest.
Wire Loader::blend(const std::string& name, const Yaml& head, const Blend& how, Wire dry, Wire wet, Scope& scope) {
  const std::string full = scope.prefix + name;
  if (!how.mix && !how.bypass && !mentioned_.contains(full + ".mix") && !mentioned_.contains(full + ".bypass"))
    return wet;
  const lacquer_node_type* type = catalog_.find("blend");
  if (!type || type->input_count < 2) {
    complain(how.mix ? *how.mix : how.bypass ? *how.bypass : head, "there is no node 'blend' to mix " + name + " with");
    return wet;
  }
  Vertex v = vertex_of(*type);
  v.name = spare_name(name + "_mix", scope);
  if (how.mix) value(v, v.mix_slot(), *how.mix, scope);
  if (how.bypass) value(v, v.bypass_slot(), *how.bypass, scope);
  const int id = add(std::move(v), head, scope);
  connect(dry, id, 0);
  connect(wet, id, 1);
  blends_[full] = id;
  names_[full].wire = {id, 0};
  return {id, 0};
}

Wire Loader::source_or_chain(const Yaml& raw, Wire wire, Scope& scope) {
  const Yaml& arg = resolve(raw, scope);
  return arg.is_list() ? chain(arg, wire, scope) : source(arg, scope);
}

Wire Loader::source(const Yaml& raw, Scope& scope) {
  const Yaml& arg = resolve(raw, scope);
  if (arg.is_map() && arg.entries.size() == 1 && arg.entries[0].key->word == "sum") {
    const Yaml& key = *arg.entries[0].key;
    return sum(name_for("sum", "", key, scope), key, *arg.entries[0].value, scope);
  }
  if (arg.is_list()) return complain(arg, "a list is not a place to hear from", "write {sum: [one, other]}"), unknown;
  if (!arg.is_text())
    return complain(arg, "this should name something above", "or join several: {sum: [one, other]}"), unknown;
  const std::string& name = arg.word;
  const auto is_open = [&](const std::string& what) {
    return complain(arg, "'" + what + "' has not ended here", "name what stands in one of its branches"), unknown;
  };
  if (const auto found = names_.find(scope.prefix + name); found != names_.end())
    return found->second.open ? is_open(name) : found->second.wire;
  std::string message = "nothing above is called '" + name + "'";
  if (const auto dot = name.rfind('.'); dot != name.npos) {
    const std::string port = name.substr(dot + 1), whole = name.substr(0, dot);
    if (const auto found = names_.find(scope.prefix + whole); found != names_.end()) {
      const Name& n = found->second;
      if (n.splitter >= 0) {
        const lacquer_node_type& t = *graph_.vertices[std::size_t(n.splitter)].type;
        if (const int o = find_row(t.outputs, t.output_count, port); o >= 0) return {n.splitter, o};
        return complain_near(arg, whole + " has no output '" + port + "'", port, names_of(t.outputs, t.output_count)),
               unknown;
      }
      if (const auto branch = n.branches.find(port); branch != n.branches.end()) return branch->second;
      if (n.wire.vertex >= 0 && n.branches.empty())
        return complain(arg, whole + " has one output only", "write " + whole), unknown;
    }
  }
  std::vector<std::string> all;
  for (const auto& [full, n] : names_)
    if (full.starts_with(scope.prefix)) all.push_back(full.substr(scope.prefix.size()));
  std::sort(all.begin(), all.end());
  complain_near(arg, message, name, all);
  return unknown;
}

// ---- graphs as nodes ------------------------------------------------------------------------------------------------

/// The real path of a file that may be included, or "".
std::string Loader::inside_top_folder(const fs::path& file) const {
  std::error_code error;
  const fs::path real = fs::weakly_canonical(file, error), relative = real.lexically_relative(top_);
  return error || relative.empty() || *relative.begin() == ".." ? "" : real.string();
}

YamlPtr Loader::include(const std::string& file, const std::string& written, const Yaml& head) {
  if (const auto known = files_.find(file); known != files_.end()) return known->second;
  YamlPtr& doc = files_[file];
  std::string text;
  if (const std::string why = read_graph_file(written, text); !why.empty())
    complain(head, "cannot open " + written, why);
  else
    doc = read_yaml(text, written, problems_);
  return doc;
}

Wire Loader::sub_graph(const std::string& path, const std::string& given, const Yaml& head, const Yaml& args, Wire wire,
                       Scope& outer) {
  std::string stem = fs::path(path).stem().string();
  if (given.empty() && !detail::is_name(stem)) {
    complain(head, "'" + stem + "' is not a name", "give it one: - " + path + " name");
    stem = "graph";
  }
  const std::string name = name_for(stem, given, head, outer), full = outer.prefix + name;
  Blend how;
  Wire dry = wire;
  const Wire end = expand(path, full, head, args, dry, how, outer);
  names_[full].wire = end;
  names_[full].open = false;
  return blend(name, head, how, dry, end, outer);
}

// The steps of another graph, put here. `wire` is what it hears, and comes back as what `in:` may have made of it.
Wire Loader::expand(const std::string& path, const std::string& full, const Yaml& head, const Yaml& raw, Wire& wire,
                    Blend& how, Scope& outer) {
  const Yaml& args = resolve(raw, outer);
  if (path.starts_with('/'))
    return complain(head, "a graph is included by a relative path", "write ./" + fs::path(path).filename().string()),
           wire;
  const fs::path written = (outer.folder() / (path.ends_with(".yaml") ? path : path + ".yaml")).lexically_normal();
  const std::string file = inside_top_folder(written);
  if (file.empty())
    return complain(head, "'" + path + "' leaves the folder of the graph",
                    "what a graph includes must lie in its folder or below"),
           wire;
  if (std::find(open_.begin(), open_.end(), file) != open_.end())
    return complain(head, written.string() + " includes itself", "a graph cannot be a part of itself"), wire;
  if (outer.depth >= most_include_depth || ++includes_ > most_includes) {
    complain(head, "there are too many graphs inside graphs",
             "the limit is " + std::to_string(most_includes) + ", " + std::to_string(most_include_depth) + " deep");
    throw TooMany{};
  }
  const YamlPtr doc = include(file, written.string(), head);
  if (!doc) return wire;
  if (!doc->is_map())
    return complain(*doc, "this is not a graph", "write 'chain:' and, below it, one '- node' per line"), wire;

  open_.push_back(file);
  Scope scope{written.string(), full + ".", {}, outer.depth + 1};
  section_keys(*doc);
  const Yaml* params = doc->find("params");
  const Yaml* ins = doc->find("in");
  std::vector<std::string> inputs, declared;
  if (ins && ins->is_map())
    for (const Yaml::Entry& e : ins->entries) inputs.push_back(e.key->word);
  if (inputs.empty()) inputs.emplace_back("in");
  if (params && params->is_map())
    for (const Yaml::Entry& e : params->entries) declared.push_back(e.key->word);

  std::map<std::string, YamlPtr> passed;
  std::map<std::string, Wire> fed;
  if (args.is_map() && !is_timeline(args)) {
    for (const std::string& key : {std::string("in"), inputs[0]})
      if (const Yaml* from = args.find(key); from && !fed.contains(inputs[0]))
        wire = fed[inputs[0]] = source_or_chain(*from, wire, outer);
    for (const Yaml::Entry& e : args.entries) {
      const std::string& key = e.key->word;
      if (std::find(declared.begin(), declared.end(), key) != declared.end()) {
        passed[key] = resolve_all(e.value, outer);
      } else if (key == "mix" || key == "bypass") {
        (key == "mix" ? how.mix : how.bypass) = e.value.get();
      } else if (std::find(inputs.begin() + 1, inputs.end(), key) != inputs.end()) {
        fed[key] = source_or_chain(*e.value, wire, outer);
      } else if (key != "in" && key != inputs[0]) {
        auto all = declared;
        all.insert(all.end(), inputs.begin(), inputs.end());
        complain_near(*e.key, path + " has no '" + key + "'", key, all);
      }
    }
  } else if (!args.is_null()) {  // a lone value sets the first parameter
    if (declared.empty())
      complain(args, path + " takes no value", "it has no params");
    else
      passed[declared[0]] = resolve_all(std::make_shared<Yaml>(args), outer);
  }
  fed.try_emplace(inputs[0], wire);
  for (const std::string& i : inputs)
    if (const auto from = fed.find(i); from != fed.end())
      names_[scope.prefix + i].wire = from->second;
    else
      complain(head, path + " hears nothing at '" + i + "'", "add " + i + ": NAME");
  if (params) declare_params(*params, scope, passed);
  Wire end = wire;
  if (const Yaml* steps = doc->find("chain")) end = chain(*steps, wire, scope);
  if (const Yaml* out = doc->find("out"); out && !out->is_null())
    complain(head, path + " writes files of its own, which a part of a graph cannot do",
             "move its 'out:' into the graph that is rendered");
  if (const Yaml* aim = doc->find("aim")) aims(*aim, scope);
  if (const Yaml* expect = doc->find("expect")) expectations(*expect, scope);
  open_.pop_back();
  return end;
}

// ---- small things ---------------------------------------------------------------------------------------------------

int Loader::add(Vertex v, const Yaml& head, Scope& scope) {
  if (graph_.vertices.size() >= most_vertices) {
    complain(head, "the graph has more than " + std::to_string(most_vertices) + " nodes", "split it into several runs");
    throw TooMany{};
  }
  const int id = int(graph_.vertices.size());
  v.where = head.where();
  v.name = scope.prefix + v.name;
  Name& name = names_[v.name];
  name.wire = {id, 0};
  name.open = false;
  vertices_[v.name] = id;
  graph_.vertices.push_back(std::move(v));
  return id;
}

void Loader::connect(Wire from, int to, int input) {
  if (from.vertex >= 0) graph_.edges.push_back({from.vertex, from.output, to, input});
}

std::string Loader::name_for(const std::string& kind, const std::string& given, const Yaml& head, Scope& scope) {
  if (given.empty()) return spare_name(kind, scope);
  if (!detail::is_name(given))
    complain(head, "'" + given + "' is not a name", "use a to z, 0 to 9 and _, a letter first");
  else if (std::find(reserved.begin(), reserved.end(), given) != reserved.end())
    complain(head, "'" + given + "' means something else", "choose another name");
  else if (names_.contains(scope.prefix + given))
    complain(head, "there is already a '" + given + "' above", "choose another name");
  else
    return given;
  return spare_name(given, scope);
}

std::string Loader::spare_name(const std::string& wanted, Scope& scope) {
  std::string name = wanted;
  for (int& n = next_[scope.prefix + wanted]; names_.contains(scope.prefix + name);) {
    n = std::max(n, 1) + 1;
    name = wanted + "_" + std::to_string(n);
  }
  names_[scope.prefix + name].open = true;  // taken, before anything inside it asks
  return name;
}

}  // namespace lacquer
