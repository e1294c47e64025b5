// core/graph/load.cpp — a graph file from its first section to its last; --set; what is solved and expected.

#include "core/graph/load.hpp"

#include "core/graph/cut.hpp"
#include "core/graph/loader.hpp"
#include "core/node.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace lacquer {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t most_problems = 200;
constexpr std::array sections{"about", "params", "in", "chain", "out", "aim", "expect"};

struct Layout {
  std::string_view name;
  int channels;
};
constexpr Layout layouts[] = {{"any", 0}, {"mono", 1}, {"stereo", 2}, {"lcr", 3},    {"quad", 4},  {"5.0", 5},
                              {"5.1", 6}, {"7.0", 7},  {"7.1", 8},    {"5.1.4", 10}, {"7.1.4", 12}};

}  // namespace

std::vector<std::string> layout_names() {
  std::vector<std::string> out;
  for (const Layout& l : layouts) out.emplace_back(l.name);
  return out;
}

std::string read_graph_file(const std::string& file, std::string& text) {
  constexpr std::size_t most = (4 << 20) + 1;
  std::error_code error;
  if (fs::is_directory(file, error)) return "it is a folder";
  errno = 0;
  std::ifstream in(file, std::ios::binary);
  if (!in) return errno ? std::strerror(errno) : "it cannot be read";
  text.resize(most);
  in.read(text.data(), std::streamsize(most));
  text.resize(std::size_t(in.gcount()));
  return in.bad() ? "it cannot be read" : "";
}

Loader::Loader(const Catalog& catalog, const Settings& settings) : catalog_(catalog), settings_(settings) {
  for (const auto& [path, value] : settings)
    if (path.ends_with(".mix") || path.ends_with(".bypass")) mentioned_.insert(path);
}

void Loader::complain(Problem problem) {
  problems_.push_back(std::move(problem));
  if (problems_.size() >= most_problems) throw TooMany{};
}
void Loader::complain(const Yaml& where, std::string message, std::string hint) {
  if (where.source) complain(where.problem(std::move(message), std::move(hint)));
}
void Loader::complain_near(const Yaml& where, std::string message, const std::string& word,
                           const std::vector<std::string>& names) {
  const std::string near = nearest(word, names);
  complain(where, std::move(message), near.empty() ? "" : "did you mean '" + near + "'?");
}

// ---- a file ---------------------------------------------------------------------------------------------------------

void Loader::file(const std::string& path) {
  std::string yaml;
  if (const std::string why = read_graph_file(path, yaml); !why.empty())
    return problems_.push_back({{path}, "cannot open this file", why});
  text(yaml, path);
}

void Loader::text(const std::string& yaml, const std::string& name) {
  std::error_code error;
  const fs::path here = fs::path(name).parent_path();
  top_ = fs::weakly_canonical(here.empty() ? "." : here, error);
  open_.push_back(fs::weakly_canonical(name, error).string());
  doc_ = read_yaml(yaml, name, problems_);
  try {
    if (doc_ || problems_.empty()) root(doc_, name);
  } catch (const TooMany&) {}  // what has been found is enough
}

void Loader::section_keys(const Yaml& doc) {
  for (const Yaml::Entry& e : doc.entries)
    if (std::find(sections.begin(), sections.end(), e.key->word) == sections.end())
      complain_near(*e.key, "a graph has no '" + e.key->word + "'", e.key->word, {sections.begin(), sections.end()});
}

void Loader::root(const YamlPtr& doc, const std::string& name) {
  const std::string hint = "add 'chain:' and, below it, one '- node' per line";
  if (!doc || doc->is_null()) return complain(Problem{{name, 1, 1}, "there is no chain", hint});
  if (!doc->is_map()) return complain(*doc, "this is not a graph", hint);
  Scope scope{name, "", {}, 0};
  section_keys(*doc);
  if (const Yaml* about = doc->find("about")) graph_.about = word(*about, scope, "a sentence");
  if (const Yaml* params = doc->find("params")) declare_params(*params, scope, {});
  if (const Yaml* list = doc->find("aim"); list && list->is_map())
    for (const Yaml::Entry& e : list->entries)
      if (e.key->word.ends_with(".mix")) mentioned_.insert(e.key->word);
  if (const Yaml* list = doc->find("in")) inputs(*list, scope);
  if (graph_.vertices.empty()) {
    Vertex v;
    v.kind = Vertex::input;
    v.name = "in";
    add(std::move(v), *doc, scope);
  }
  const Yaml* steps = doc->find("chain");
  if (!steps) complain(Problem{{name, 1, 1}, "there is no chain", hint, doc->source->line(1)});
  graph_.end = {0, 0};
  if (steps) graph_.end = chain(*steps, graph_.end, scope);
  if (const Yaml* out = doc->find("out")) outputs(*out, scope);
  apply_settings();
  if (const Yaml* list = doc->find("aim")) aims(*list, scope);
  if (const Yaml* list = doc->find("expect")) expectations(*list, scope);
}

void Loader::declare_params(const Yaml& params, Scope& scope, const std::map<std::string, YamlPtr>& passed) {
  if (params.is_null()) return;
  if (!params.is_map())
    return complain(params, "params is a list of names with their defaults", "write params: {amount: 35 %}");
  for (const Yaml::Entry& e : params.entries) {
    const std::string& name = e.key->word;
    if (!detail::is_name(name))
      complain(*e.key, "'" + name + "' is not a name", "use a to z, 0 to 9 and _, a letter first");
    if (name == "name") complain(*e.key, "'name' means something else", "in 'out:', $name is the first input's name");
    if (scope.prefix.empty() && (name == "mix" || name == "bypass" || name == "in"))
      complain(*e.key, "'" + name + "' means something else", "choose another name");
    const auto given = passed.find(name);
    YamlPtr value = given != passed.end() ? given->second : resolve_all(e.value, scope);  // may use those above
    const std::string path = scope.prefix + name;
    known_.push_back(path);
    if (const auto s = settings_.find(path); s != settings_.end()) {
      used_.insert(path);
      if (YamlPtr set = setting(path, s->second)) value = std::move(set);
    }
    if (value->is_null() && value->source)
      complain(*e.key, "'" + name + "' has no default", "write " + name + ": VALUE");
    scope.params[name] = std::move(value);
  }
}

void Loader::inputs(const Yaml& list, Scope& scope) {
  if (list.is_null()) return;
  const std::string form = "write in: {music: stereo}";
  if (!list.is_map()) return complain(list, "every input has a name", form);
  for (const Yaml::Entry& e : list.entries) {
    Vertex v;
    v.kind = Vertex::input;
    v.name = e.key->word;
    if (!detail::is_name(v.name))
      complain(*e.key, "'" + v.name + "' is not a name", "use a to z, 0 to 9 and _, a letter first");
    const std::string layout = word(*e.value, scope, "stereo");
    const auto found =
        std::find_if(std::begin(layouts), std::end(layouts), [&](const Layout& l) { return l.name == layout; });
    if (found != std::end(layouts))
      v.channels = found->channels;
    else if (!layout.empty())
      complain_near(resolve(*e.value, scope), "'" + layout + "' is not a layout", layout, layout_names());
    add(std::move(v), *e.key, scope);
  }
}

// ---- files to be written --------------------------------------------------------------------------------------------

void Loader::outputs(const Yaml& list, Scope& scope) {
  if (list.is_null()) return;
  if (!list.is_map()) return complain(list, "every output is a file", "write out: {$name.master.wav: {bits: 24}}");
  std::set<std::string> seen;
  for (const Yaml::Entry& e : list.entries) {
    std::string file;
    const std::string& written = e.key->word;
    for (std::size_t i = 0; i < written.size();) {  // $name stays; $param is what it stands for
      const auto dollar = std::min(written.find('$', i), written.size());
      file += written.substr(i, dollar - i);
      if (dollar == written.size()) break;
      auto end = dollar + 1;
      while (end < written.size() && ((written[end] >= 'a' && written[end] <= 'z') || written[end] == '_' ||
                                      (written[end] >= '0' && written[end] <= '9')))
        ++end;
      const std::string name = written.substr(dollar, end - dollar);
      if (name == "$name") {
        file += name;
      } else if (const auto p = scope.params.find(name.substr(1)); p != scope.params.end()) {
        file += word(*p->second, scope);
      } else {
        std::vector<std::string> all{"$name"};
        for (const auto& [n, v] : scope.params) all.push_back("$" + n);
        complain_near(*e.key, "this file has no parameter " + name, name, all);
      }
      i = end;
    }
    const fs::path path = fs::path(file).lexically_normal();
    if (path.is_absolute() || (!path.empty() && *path.begin() == ".."))
      complain(*e.key, "an output stays in the folder that is written to",
               "write a name without a leading '/' or '..'");
    else if (path.empty() || path.filename().empty() || path.filename() == ".")
      complain(*e.key, "'" + file + "' is not the name of a file", "write $name.master.wav");
    else if (!seen.insert(path.string()).second)
      complain(*e.key, "two outputs are called " + path.string(), "rename one");
    output(file, *e.key, resolve(*e.value, scope), scope);
  }
}

void Loader::output(const std::string& file, const Yaml& key, const Yaml& args, Scope& scope) {
  const std::span<const lacquer_param> params = output_params();
  Output o{file, graph_.end, {}, key.where()};
  for (const lacquer_param& p : params) o.values.push_back(p.init);
  if (args.is_map()) {
    if (const Yaml* from = args.find("from")) o.from = source(*from, scope);
    if (const Yaml* steps = args.find("chain")) o.from = chain(*steps, o.from, scope);
    for (const Yaml::Entry& e : args.entries) {
      const std::string& name = e.key->word;
      if (const int p = find_row(params.data(), params.size(), name); p >= 0) {
        o.values[std::size_t(p)] = number(params[std::size_t(p)], *e.value, scope);
      } else if (name != "chain" && name != "from") {
        auto all = names_of(params.data(), params.size());
        all.insert(all.end(), {"chain", "from"});
        complain_near(*e.key, "an output has no '" + name + "'", name, all);
      }
    }
  } else if (!args.is_null()) {
    complain(args, "this is not what an output takes", "write {bits: 24, chain: [limiter: -1 dBTP]}");
  }
  graph_.outputs.push_back(std::move(o));
}

// ---- what is solved and what is expected ----------------------------------------------------------------------------

void Loader::aims(const Yaml& list, Scope& scope) {
  if (list.is_null()) return;
  if (!list.is_map())
    return complain(list, "an aim is a parameter and what it is solved for",
                    "write drive.gain: {until: after.integrated, is: -14 LUFS, within: 0.1 LU}");
  for (const Yaml::Entry& e : list.entries) aim(*e.key, resolve(*e.value, scope), scope);
}

// drive.gain: {until: after.integrated, is: -14 LUFS, within: 0.1 LU}
void Loader::aim(const Yaml& key, const Yaml& args, Scope& scope) {
  const std::string path = scope.prefix + key.word;
  const Target at = parameter(path);
  if (at.vertex < 0) return complain_near(key, "there is no '" + key.word + "' to solve", path, parameters());
  Vertex& v = graph_.vertices[std::size_t(at.vertex)];
  const std::uint32_t slot = std::uint32_t(at.slot);
  const lacquer_param& p = v.param(slot);
  if (p.unit.choices || std::string_view(p.unit.symbol) == "path")
    return complain(key, key.word + " is not a number", "solve a parameter that has a range");
  if (v.automation.contains(slot))
    return complain(key, key.word + " is automated and cannot be solved, too", "do one or the other");
  if (settings_.contains(path))
    return complain(key, key.word + " is solved, and set by --set, too", "do one or the other");
  if (!aimed_.insert({at.vertex, at.slot}).second) return complain(key, key.word + " is solved twice", "keep one");
  const std::string form = "write {until: after.integrated, is: -14 LUFS, within: 0.1 LU}";
  if (!args.is_map()) return complain(args.source ? args : key, "this is not an aim", form);
  for (const Yaml::Entry& e : args.entries)
    if (e.key->word != "until" && e.key->word != "is" && e.key->word != "within")
      complain_near(*e.key, "an aim has no '" + e.key->word + "'", e.key->word, {"until", "is", "within"});
  const Yaml *until = args.find("until"), *is = args.find("is"), *within = args.find("within");
  for (const char* part : {"until", "is", "within"})
    if (!args.find(part)) complain(key, "this aim has no '" + std::string(part) + "'", form);
  if (!until || !is || !within) return;

  const std::string reporter = word(*until, scope, "after.integrated");
  if (reporter.empty()) return;
  const Target r = result(scope.prefix + reporter);
  if (r.vertex < 0)
    return complain_near(resolve(*until, scope), "nothing reports '" + reporter + "'", scope.prefix + reporter,
                         reports());
  VertexSet from = none_of(graph_);
  from[std::size_t(at.vertex)] = true;
  if (!descendants(graph_, from)[std::size_t(r.vertex)])
    return complain(resolve(*until, scope), reporter + " does not hear " + key.word,
                    "aim at a meter further down the chain");
  const lacquer_result& what = graph_.vertices[std::size_t(r.vertex)].type->results[r.slot];
  constexpr float far = 1e30f;
  const lacquer_param is_param{"is", {what.unit.symbol, nullptr}, 0, {-far, far}, "", LACQUER_STEP},
      within_param{"within", difference(what.unit), 0.1f, {0.001f, 1000}, "", LACQUER_STEP};
  graph_.aims.push_back({at.vertex, slot, r.vertex, std::uint32_t(r.slot), number(is_param, *is, scope),
                         number(within_param, *within, scope), key.where()});
}

// after.integrated: -14.5 .. -13.5 LUFS
void Loader::expectations(const Yaml& list, Scope& scope) {
  if (list.is_null()) return;
  if (!list.is_map())
    return complain(list, "an expectation is a result and its range", "write after.true_peak: .. -1 dBTP");
  for (const Yaml::Entry& e : list.entries) {
    const std::string path = scope.prefix + e.key->word;
    const Target at = result(path);
    if (at.vertex < 0) {
      complain_near(*e.key, "nothing reports '" + e.key->word + "'", path, reports());
      continue;
    }
    Expectation x{at.vertex, std::uint32_t(at.slot), 0, 0, e.value->where()};
    if (range(graph_.vertices[std::size_t(at.vertex)].type->results[at.slot], *e.value, scope, x.min, x.max))
      graph_.expectations.push_back(std::move(x));
  }
}

// ---- --set ----------------------------------------------------------------------------------------------------------

// A value that stands on the command line: text, or YAML in braces or brackets.
YamlPtr Loader::setting(const std::string& path, const std::string& value) {
  const std::string name = "--set " + path;
  if (value.starts_with('{') || value.starts_with('[')) {
    YamlPtr parsed = read_yaml(value, name, problems_);
    return parsed;
  }
  auto node = std::make_shared<Yaml>();
  node->kind = Yaml::text;
  node->word = value;
  node->source = std::make_shared<const YamlSource>(name, value);
  return node;
}

void Loader::apply_settings() {
  for (const auto& [path, value] : settings_)
    if (!used_.contains(path)) apply_setting(path, value);
}

void Loader::apply_setting(const std::string& path, const std::string& value) {
  const Target at = parameter(path);
  if (at.vertex < 0) {
    const std::string near = nearest(path, parameters());
    return complain(
        Problem{{"--set " + path}, "there is no " + path, near.empty() ? "" : "did you mean '" + near + "'?"});
  }
  const YamlPtr arg = setting(path, value);
  if (!arg) return;
  Vertex& v = graph_.vertices[std::size_t(at.vertex)];
  Scope nowhere;
  this->value(v, std::uint32_t(at.slot), *arg, nowhere);  // a file is relative to where we are
}

Loader::Target Loader::parameter(const std::string& path) const {
  for (std::size_t dot = path.find('.'); dot != path.npos; dot = path.find('.', dot + 1)) {
    const std::string node = path.substr(0, dot);
    const std::string_view rest = std::string_view(path).substr(dot + 1);
    if (rest == "mix" || rest == "bypass")
      if (const auto b = blends_.find(node); b != blends_.end())
        return {b->second, graph_.vertices[std::size_t(b->second)].slot(rest)};
    const auto found = vertices_.find(node);
    if (found == vertices_.end() || !graph_.vertices[std::size_t(found->second)].type) continue;
    if (const int slot = graph_.vertices[std::size_t(found->second)].slot(rest); slot >= 0)
      return {found->second, slot};
  }
  return {};
}

Loader::Target Loader::result(const std::string& path) const {
  const auto dot = path.rfind('.');
  if (dot == path.npos) return {};
  const auto found = vertices_.find(path.substr(0, dot));
  if (found == vertices_.end()) return {};
  const lacquer_node_type* type = graph_.vertices[std::size_t(found->second)].type;
  const int r = type ? find_row(type->results, type->result_count, path.substr(dot + 1)) : -1;
  return r < 0 ? Target{} : Target{found->second, r};
}

std::vector<std::string> Loader::parameters() const {
  std::vector<std::string> out = known_;
  for (const Vertex& v : graph_.vertices)
    for (std::uint32_t s = 0; v.type && s < v.slots(); ++s)
      if (v.slot(v.slot_name(s)) == int(s)) out.push_back(v.name + "." + v.slot_name(s));
  for (const auto& [name, v] : blends_) out.push_back(name + ".mix");
  return out;
}

std::vector<std::string> Loader::reports() const {
  std::vector<std::string> out;
  for (const Vertex& v : graph_.vertices)
    for (std::uint32_t i = 0; v.type && i < v.type->result_count; ++i)
      out.push_back(v.name + "." + v.type->results[i].name);
  return out;
}

Graph Loader::finish() {
  if (!problems_.empty()) throw Problems(std::move(problems_));
  return std::move(graph_);
}

// ---- the doors ------------------------------------------------------------------------------------------------------

Graph load(const std::string& file, const Catalog& catalog, const Settings& settings) {
  Loader loader(catalog, settings);
  loader.file(file);
  return loader.finish();
}
Graph load_text(const std::string& yaml, const std::string& file, const Catalog& catalog, const Settings& settings) {
  Loader loader(catalog, settings);
  loader.text(yaml, file);
  return loader.finish();
}

}  // namespace lacquer
