// tools/command.hpp — what the sub-commands share: how they are declared, how they fail, how they find a graph.

#pragma once

#include "core/catalog.hpp"
#include "core/graph/graph.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <nlohmann/json.hpp>

#include <atomic>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace lacquer::tools {

using Json = nlohmann::ordered_json;

/// What a shell is told.
enum Exit {
  done = 0,
  missed = 1,        ///< done, but an expectation or a check failed
  bad_input = 2,     ///< what was asked for, or a file it names, is wrong
  system_failed = 3  ///< disk, memory
};

/// Ends a command with one line on stderr: "file: what is wrong; what to do".
struct Failed : std::runtime_error {
  Exit code;
  Failed(Exit c, const std::string& line) : std::runtime_error(line), code(c) {}
};

/// A sub-command as it is declared: run() is called when it was the one typed.
struct Command {
  CLI::App* app;
  std::function<int()> run;
};

/// `examples`: lines of "command # what it does", shown before the options.
CLI::App* add_command(CLI::App& program, const std::string& name, const std::string& purpose,
                      const std::string& examples);

Command render_command(CLI::App& program);
Command measure_command(CLI::App& program);
Command nodes_command(CLI::App& program);
Command graph_command(CLI::App& program);
Command schema_command(CLI::App& program);
Command completion_command(CLI::App& program);

/// --plugin FILE.so: adds to `libraries`, which catalog_with() loads on top of what is shipped.
void add_plugin_option(CLI::App& command, std::vector<std::string>& libraries);
Catalog catalog_with(const std::vector<std::string>& libraries);

/// --set NODE.PARAM=VALUE: any number of them.
void add_set_option(CLI::App& command, std::vector<std::string>& settings);
std::map<std::string, std::string> settings_of(const std::vector<std::string>& settings);

/// "streaming" -> the ready-made graph's file; a path stays what it is. Throws Failed with the nearest name.
std::string find_graph(const std::string& name_or_path);
/// Ready-made graphs: name -> file. Installed ones, or those of the source tree the program was built in.
std::map<std::string, std::string> shipped_graphs();
/// A data file beside them, "platforms.json"; throws Failed when it is missing.
std::string shipped_file(const std::string& name);

/// "; did you mean 'render'?" or "".
std::string did_you_mean(const std::string& word, const std::vector<std::string>& names);

/// "lacquer: LINE" on stderr.
void complain(const std::string& line);
/// To standard output.
void print(const std::string& text);
int print_error();  ///< errno of the first print that standard output did not take; 0 when it took all
std::string dump(const Json& json);
/// The whole file or, when that fails, none of it. Throws Failed.
void write_file(const std::string& path, const std::string& text);

/// Becomes true on the first SIGINT or SIGTERM; the command then ends tidily. A second one ends the program at once.
extern std::atomic<bool> interrupted;
extern std::atomic<int> interrupting_signal;

}  // namespace lacquer::tools
