#include "tools/help.hpp"

#include "tools/terminal.hpp"

#include <sstream>

namespace lacquer::tools {
namespace {

constexpr std::size_t left = 30, right = 100;

/// Words, wrapped behind a column.
std::string wrapped(const std::string& head, const std::string& text) {
  std::string out = "  " + head;
  std::size_t at = 2 + width(head);
  if (at + 2 > left) out += "\n", at = 0;
  out += std::string(left - at, ' ');
  at = left;
  std::istringstream words(text);
  bool first = true;
  for (std::string word; words >> word; first = false) {
    if (!first && at + 1 + width(word) > right) {
      out += "\n" + std::string(left, ' ');
      at = left;
    } else if (!first) {
      out += ' ', ++at;
    }
    out += word;
    at += width(word);
  }
  return out + "\n";
}

}  // namespace

std::string Help::make_help(const CLI::App* app, std::string name, CLI::AppFormatMode) const {
  std::string out = app->get_description() + "\n\nUsage: " + (name.empty() ? app->get_name() : name);
  std::string options;
  for (const CLI::Option* o : app->get_options()) {
    if (o->get_positional()) {
      const std::string word = o->get_name(true) + (o->get_expected_max() > 1 ? "..." : "");
      out += o->get_required() ? " " + word : " [" + word + "]";
    }
    if (o->get_group().empty() || o->get_positional()) continue;
    options += wrapped(o->get_name(false, true) + (o->get_expected_max() ? " " + o->get_type_name() : ""),
                       o->get_description());
  }
  const auto commands = app->get_subcommands([](const CLI::App* a) { return !a->get_group().empty(); });
  if (!commands.empty()) out += " COMMAND";
  if (!options.empty()) out += " [OPTION]...";
  out += "\n";
  if (!app->get_footer().empty()) out += "\n" + app->get_footer() + "\n";
  if (!commands.empty()) {
    out += "\nCommands:\n";
    for (const CLI::App* c : commands) out += wrapped(c->get_name(), c->get_description());
  }
  return out + (options.empty() ? "" : "\nOptions:\n" + options);
}

}  // namespace lacquer::tools
