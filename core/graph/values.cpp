// core/graph/values.cpp — what stands right of a colon.

#include "core/graph/loader.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace lacquer {
namespace fs = std::filesystem;

const Yaml& Loader::resolve(const Yaml& arg, const Scope& scope) {
  if (!arg.is_text() || arg.quoted || !arg.word.starts_with('$')) return arg;
  const auto found = scope.params.find(arg.word.substr(1));
  if (found != scope.params.end()) return *found->second;
  std::vector<std::string> all;
  for (const auto& [name, value] : scope.params) all.push_back("$" + name);
  complain_near(arg, "this file has no parameter " + arg.word, arg.word, all);
  static const Yaml nothing;
  return nothing;
}

YamlPtr Loader::resolve_all(const YamlPtr& arg, const Scope& scope) {
  if (arg->is_text() && !arg->quoted && arg->word.starts_with('$')) {
    const auto found = scope.params.find(arg->word.substr(1));
    if (found != scope.params.end()) return found->second;
    resolve(*arg, scope);  // complains
    return std::make_shared<Yaml>();
  }
  if (!arg->is_list() && !arg->is_map()) return arg;
  auto copy = std::make_shared<Yaml>(*arg);
  for (YamlPtr& item : copy->items) item = resolve_all(item, scope);
  for (Yaml::Entry& entry : copy->entries) entry.value = resolve_all(entry.value, scope);
  return copy;
}

std::string Loader::word(const Yaml& raw, const Scope& scope, const std::string& example) {
  const Yaml& arg = resolve(raw, scope);
  if (arg.is_text()) return arg.word;
  if (arg.line || arg.source)  // else it has been complained about
    complain(arg, arg.is_null() ? "there is no value" : "this should be a single value",
             example.empty() ? "" : "for example " + example);
  return "";
}

float Loader::number(const lacquer_param& p, const Yaml& raw, const Scope& scope) {
  const Yaml& arg = resolve(raw, scope);
  const std::string text = word(arg, scope, format(p.init, p.unit));
  if (!arg.is_text()) return p.init;
  try {
    if (arg.quoted && !p.unit.choices && is_bare_number(text))
      throw Complaint{"'" + text + "' is a text, for it stands in quotes", "write " + text};
    return parse(text, p);
  } catch (const Complaint& c) {
    complain(arg, c.message, c.hint);
    return p.init;
  }
}

// No parameter name starts with a digit, every time does.
bool Loader::is_timeline(const Yaml& arg) {
  if (!arg.is_map() || arg.entries.empty()) return false;
  const std::string& first = arg.entries.front().key->word;
  return (first[0] >= '0' && first[0] <= '9') || first[0] == '.' || first[0] == '-';
}

void Loader::value(Vertex& v, std::uint32_t slot, const Yaml& raw, Scope& scope) {
  const Yaml& arg = resolve(raw, scope);
  if (std::string_view(v.param(slot).unit.symbol) == "path") return path(v, slot, arg, scope.folder());
  v.automation.erase(slot);
  if (arg.is_map() && !arg.entries.empty())
    timeline(v, slot, arg, scope);
  else
    v.values[slot] = number(v.param(slot), arg, scope);
}

void Loader::path(Vertex& v, std::uint32_t slot, const Yaml& arg, const fs::path& folder) {
  const std::string name = word(arg, {}, "file.wav");
  if (name.empty()) return;
  const fs::path file = (folder / name).lexically_normal();
  std::error_code error;
  const auto status = fs::status(file, error);
  if (!fs::exists(status))
    complain(arg, "cannot open " + file.string(), "paths are relative to the graph that names them");
  else if (!fs::is_regular_file(status))
    complain(arg, file.string() + " is not a file");
  v.paths[slot] = file.string();
}

// {0:00: -1 dB, 1:30: 0 dB}
void Loader::timeline(Vertex& v, std::uint32_t slot, const Yaml& arg, Scope& scope) {
  const lacquer_param& p = v.param(slot);
  if (p.motion == LACQUER_FIXED)
    return complain(arg, std::string(p.name) + " cannot change while running", "give it one value");
  Timeline line;
  for (const Yaml::Entry& e : arg.entries) {
    const float v_then = number(p, *e.value, scope);
    try {
      const double time = parse_time(e.key->word);
      if (!line.empty() && time <= line.back().first)
        complain(*e.key, "'" + e.key->word + "' does not come after what stands before it", "write times in order");
      else
        line.emplace_back(time, v_then);
    } catch (const Complaint& c) {
      complain(*e.key, c.message, c.hint);
    }
  }
  if (line.empty()) return;
  v.values[slot] = line.front().second;
  v.automation[slot] = std::move(line);
}

// eq: [ bell: {freq: 1 kHz, gain: -2 dB}, ... ]: the key is the row's first setting.
void Loader::rows(Vertex& v, const Yaml& raw, Scope& scope) {
  const Yaml& list = resolve(raw, scope);
  const lacquer_node_type& t = *v.type;
  if (!t.row_param_count) return complain(list, std::string(t.name) + " takes no list");
  const std::string form =
      std::string("write '- ") + format(t.row[0].init, t.row[0].unit) +
      (t.row_param_count > 1 ? std::string(": {") + t.row[1].name + ": " + format(t.row[1].init, t.row[1].unit) + "}'"
                             : "'");
  if (!list.is_list()) return complain(list, "rows are a list", form);
  if (v.rows) return complain(list, std::string(t.name) + " has its rows already");
  if (list.items.size() > t.max_rows)
    return complain(*list.items[t.max_rows],
                    std::string(t.name) + " takes at most " + std::to_string(t.max_rows) + " rows",
                    "use a second one for the rest");
  for (const YamlPtr& item : list.items) {
    const Yaml& line = resolve(*item, scope);
    const bool lone = line.is_text();
    if (!lone && (!line.is_map() || line.entries.size() != 1)) {
      complain(line, "this is not a row", form);
      continue;
    }
    const std::uint32_t base = v.mix_slot();
    std::vector<float> fresh;
    for (std::uint32_t i = 0; i < t.row_param_count; ++i) fresh.push_back(t.row[i].init);
    v.values.insert(v.values.end() - 2, fresh.begin(), fresh.end());
    ++v.rows;
    v.values[base] = number(t.row[0], lone ? line : *line.entries[0].key, scope);
    if (lone) continue;
    const Yaml& args = resolve(*line.entries[0].value, scope);
    if (args.is_null()) continue;
    if (args.is_text() || is_timeline(args)) {
      if (t.row_param_count > 1)
        value(v, base + 1, args, scope);
      else
        complain(args, "a row of " + std::string(t.name) + " takes no more");
    } else if (args.is_map()) {
      for (const Yaml::Entry& e : args.entries) {
        if (const int p = find_row(t.row, t.row_param_count, e.key->word); p > 0)
          value(v, base + std::uint32_t(p), *e.value, scope);
        else
          complain_near(*e.key, "a row of " + std::string(t.name) + " has no '" + e.key->word + "'", e.key->word,
                        names_of(t.row + 1, t.row_param_count - 1));
      }
    } else {
      complain(args, "this is not what a row takes", form);
    }
  }
}

// "-15 .. -13 LUFS", ".. -1 dBTP", "-9 LUFS .."
bool Loader::range(const lacquer_result& result, const Yaml& arg, const Scope& scope, float& min, float& max) {
  const std::string_view unit = result.unit.symbol;
  const std::string sign = unit.empty() ? "" : " " + std::string(unit);
  const std::string text = word(arg, scope, ".. -1" + sign);
  if (text.empty()) return false;
  constexpr float far = 1e30f;
  const lacquer_param as{result.name, {result.unit.symbol, nullptr}, 0, {-far, far}, "", LACQUER_STEP};
  try {
    const auto dots = text.find("..");
    if (dots == std::string::npos)
      throw Complaint{"this is not a range",
                      "write '-15 .. -13" + sign + "', '.. -1" + sign + "' or '-9" + sign + " ..'"};
    const auto trimmed = [](std::string s) {
      const auto from = s.find_first_not_of(' ');
      return from == s.npos ? "" : s.substr(from, s.find_last_not_of(' ') - from + 1);
    };
    std::string low = trimmed(text.substr(0, dots)), high = trimmed(text.substr(dots + 2));
    if (low.empty() && high.empty()) throw Complaint{"this range leaves everything open", "write at least one end"};
    if (!high.empty() && is_bare_number(low)) {  // the unit is said once, at the end
      const auto at = high.find_first_not_of("+-.0123456789eE");
      if (at != high.npos) low += high.substr(at);
    }
    min = low.empty() ? -std::numeric_limits<float>::infinity() : parse(low, as);
    max = high.empty() ? std::numeric_limits<float>::infinity() : parse(high, as);
    if (min > max) throw Complaint{"this range ends before it begins", "write the lower end first"};
    return true;
  } catch (const Complaint& c) {
    complain(resolve(arg, scope), c.message, c.hint);
    return false;
  }
}

}  // namespace lacquer
