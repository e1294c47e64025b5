#include "tools/command.hpp"

#include "core/units.hpp"
#include "nodes/builtin.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>

namespace lacquer::tools {
namespace {

namespace fs = std::filesystem;

/// Where graphs lie: installed beside the program's prefix, or in the source tree around its build folder.
std::vector<fs::path> shelves() {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (error) return {};
  std::vector<fs::path> found{program.parent_path().parent_path() / "share/lacquer/graphs"};
  fs::path up = program.parent_path();
  for (int i = 0; i < 3 && up.has_relative_path(); ++i, up = up.parent_path()) found.push_back(up / "graphs");
  return found;
}

}  // namespace

CLI::App* add_command(CLI::App& program, const std::string& name, const std::string& purpose,
                      const std::string& examples) {
  CLI::App* app = program.add_subcommand(name, purpose);
  app->footer("Examples:\n" + examples);
  return app;
}

void add_plugin_option(CLI::App& command, std::vector<std::string>& libraries) {
  command.add_option("--plugin", libraries, "Adds the nodes of a shared library (core/plugin.h). May be repeated.")
      ->type_name("FILE.so")
      ->allow_extra_args(false);
}

Catalog catalog_with(const std::vector<std::string>& libraries) {
  Catalog catalog = builtin();
  for (const std::string& library : libraries) try {
      catalog.load(library);
    } catch (const std::runtime_error& e) {
      throw Failed(bad_input, e.what());
    }
  return catalog;
}

void add_set_option(CLI::App& command, std::vector<std::string>& settings) {
  command.add_option("--set", settings, "Sets a parameter of the graph, as the YAML would. May be repeated.")
      ->type_name("NODE.PARAM=VALUE")
      ->allow_extra_args(false);
}

std::map<std::string, std::string> settings_of(const std::vector<std::string>& settings) {
  std::map<std::string, std::string> found;
  for (const std::string& s : settings) {
    const auto equals = s.find('=');
    if (equals == s.npos || equals == 0)
      throw Failed(bad_input, "--set " + s + ": a value is missing; write --set glue.threshold='-20 dB'");
    if (!found.emplace(s.substr(0, equals), s.substr(equals + 1)).second)
      throw Failed(bad_input, "--set " + s + ": it is set twice; keep one of them");
  }
  return found;
}

std::map<std::string, std::string> shipped_graphs() {
  std::map<std::string, std::string> found;
  for (const fs::path& shelf : shelves()) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(shelf, error))
      if (entry.path().extension() == ".yaml") found.emplace(entry.path().stem().string(), entry.path().string());
    if (!found.empty()) break;
  }
  return found;
}

std::string shipped_file(const std::string& name) {
  std::error_code error;
  for (const fs::path& shelf : shelves())
    if (fs::exists(shelf / name, error)) return (shelf / name).string();
  throw Failed(system_failed, name + ": it is not where the graphs are; install Lacquer again");
}

std::string find_graph(const std::string& name) {
  std::error_code error;
  if (name == "-") throw Failed(bad_input, "-: a graph is read from a file; write it to one first");
  if (fs::is_directory(name, error)) throw Failed(bad_input, name + ": this is a folder; name a graph in it");
  if (fs::exists(name, error)) return name;
  const std::map<std::string, std::string> graphs = shipped_graphs();
  if (const auto found = graphs.find(name); found != graphs.end()) return found->second;
  std::vector<std::string> names;
  std::string list;
  for (const auto& [graph, file] : graphs) names.push_back(graph), list += (list.empty() ? "" : ", ") + graph;
  std::string hint = did_you_mean(fs::path(name).stem().string(), names);
  if (hint.empty()) hint = list.empty() ? "; check its name" : "; give a file, or one of " + list;
  throw Failed(bad_input, name + ": there is no such graph" + hint);
}

std::string did_you_mean(const std::string& word, const std::vector<std::string>& names) {
  const std::string near = nearest(word, names);
  return near.empty() ? "" : "; did you mean '" + near + "'?";
}

void complain(const std::string& line) { std::fprintf(stderr, "lacquer: %s\n", line.c_str()); }

namespace {
int why_unwritten = 0;
}
void print(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) < text.size() && !why_unwritten) why_unwritten = errno;
}
int print_error() { return why_unwritten; }

std::string dump(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

void write_file(const std::string& path, const std::string& text) {
  const std::string fresh = path + ".part";
  std::ofstream out(fresh, std::ios::binary);
  out << text;
  out.close();
  std::error_code error;
  if (out) fs::rename(fresh, path, error);
  if (out && !error) return;
  fs::remove(fresh, error);
  throw Failed(system_failed, path + ": it cannot be written; check the folder and the disk");
}

}  // namespace lacquer::tools
