// tools/completion.cpp — lacquer completion: what may follow the words typed so far. tools/completion.bash asks it.

#include "core/graph/load.hpp"
#include "core/units.hpp"
#include "nodes/builtin.hpp"
#include "tools/command.hpp"

#include <memory>
#include <sstream>

namespace lacquer::tools {
namespace {

using Words = std::vector<std::string>;

/// Every NODE.PARAM= of a graph; none while it cannot be read.
Words settable(const std::string& graph) try {
  Words found;
  for (const Vertex& v : load(find_graph(graph), builtin()).vertices)
    for (std::uint32_t s = 0; v.type && s < v.slots(); ++s) found.push_back(v.name + "." + v.slot_name(s) + "=");
  return found;
} catch (...) {
  return {};
}

Words values_of(const std::string& option, const std::string& graph) {
  if (option == "--set") return settable(graph);
  for (const lacquer_param& p : output_params()) {
    Words found;
    std::stringstream choices(p.unit.choices ? p.unit.choices : "");
    for (std::string choice; std::getline(choices, choice, '|');) found.push_back(choice);
    if (option == std::string("--") + p.name && !found.empty()) return found;
  }
  if (option == "--rate") return {"44.1", "48", "88.2", "96"};
  return {};
}

/// Nothing where a file is expected: the shell completes those itself.
Words candidates(const CLI::App& program, const Words& words) {
  const std::string last = words.empty() ? "" : words.back();
  const CLI::App* command = nullptr;
  for (const CLI::App* c : program.get_subcommands({}))
    if (words.size() > 1 && c->get_name() == words[0]) command = c;
  Words found;
  const auto options = [&](const CLI::App& app) {
    for (const CLI::Option* o : app.get_options())
      for (const std::string& name : o->get_lnames()) found.push_back("--" + name);
  };
  if (words.size() <= 1) {
    for (const CLI::App* c : program.get_subcommands({})) found.push_back(c->get_name());
    options(program);
    return found;
  }
  if (!command) return {};
  Words positional;
  std::string pending;  // an option that waits for its value
  for (std::size_t i = 1; i + 1 < words.size(); ++i) {
    if (!pending.empty()) {
      pending.clear();
    } else if (words[i].starts_with("-") && words[i] != "-") {
      const CLI::Option* o = command->get_option_no_throw(words[i]);
      if (o && o->get_expected_max() > 0) pending = "--" + (o->get_lnames().empty() ? "" : o->get_lnames().front());
    } else {
      positional.push_back(words[i]);
    }
  }
  const std::string name = command->get_name();
  if (!pending.empty()) return values_of(pending, positional.empty() ? "" : positional.front());
  if (last.starts_with("-")) {
    options(*command);
  } else if (name == "nodes") {
    found = builtin().names();
  } else if ((name == "render" || name == "graph") && positional.empty()) {
    for (const auto& [graph, file] : shipped_graphs()) found.push_back(graph);
  }
  return found;
}

}  // namespace

Command completion_command(CLI::App& program) {
  auto words = std::make_shared<Words>();
  CLI::App* app =
      add_command(program, "completion", "Prints what may follow the words of an unfinished command line.",
                  "  source tools/completion.bash         # for this shell; installed ones load by themselves\n"
                  "  lacquer completion -- render --s     # prints --set\n"
                  "  lacquer completion -- nodes comp     # prints compressor");
  app->add_option("WORD", *words, "The words typed so far, behind '--'; the last one is being completed.");
  return {app, [&program, words] {
            const std::string last = words->empty() ? "" : words->back();
            for (const std::string& word : candidates(program, *words))
              if (word.starts_with(last)) print(word + "\n");
            return done;
          }};
}

}  // namespace lacquer::tools
