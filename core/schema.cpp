// core/schema.cpp — the graph language as JSON Schema, draft 2020-12, for editors and validators.
//
// Readers of YAML differ in what a bare word is: 24 may arrive as a number or as text, `off` as a boolean or as text.
// The schema takes all of these where the value itself is right; text it checks for its unit.

#include "core/graph/load.hpp"
#include "core/manual.hpp"
#include "core/units.hpp"

#include <nlohmann/json.hpp>

#include <cstdlib>

namespace lacquer {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* name_pattern = "[a-z][a-z0-9_]*";
constexpr const char* number_pattern = "[+-]?((0|[1-9][0-9]*)(\\.[0-9]*)?|\\.[0-9]+)([eE][+-]?[0-9]+)?";
constexpr const char* time_pattern = "^([0-9]+(:[0-5][0-9]){1,2}(\\.[0-9]+)?|[0-9.]+ *(s|ms|min))$";

Json defined(const std::string& name) { return {{"$ref", "#/$defs/" + name}}; }
Json any_of(std::vector<Json> all) { return {{"anyOf", std::move(all)}}; }
Json pattern(const std::string& p) { return {{"type", "string"}, {"pattern", p}}; }
Json object(Json properties) {
  return {{"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}};
}
Json list_of(Json item) { return {{"type", "array"}, {"items", std::move(item)}}; }

std::string escaped(std::string_view text) {  // for a regular expression
  std::string out;
  for (const char c : text) {
    if (std::string_view("\\^$.|?*+()[]{}/").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

/// A number with its unit, as text; a bare one where the unit may be left out.
std::string unit_pattern(const lacquer_unit& unit) {
  std::string units;
  bool optional = false;
  for (const std::string& s : spellings_of(unit))
    if (s.empty())
      optional = true;
    else
      units += (units.empty() ? "" : "|") + escaped(s);
  return std::string("^ *") + number_pattern + (units.empty() ? "" : " *(" + units + ")" + (optional ? "?" : "")) +
         " *$";
}

class Schema {
public:
  explicit Schema(const Catalog& catalog) : catalog_(catalog) {}

  Json write() {
    const std::string name = name_pattern;
    // Shared pieces first, so that they stand at the top.
    defs_["param"] = pattern("^\\$" + name + "$");
    defs_["nothing"] = {{"enum", {nullptr, ""}}};
    defs_["chain"] = any_of({list_of(defined("step")), defined("nothing"), defined("param")});
    defs_["chain"]["description"] = "Steps, one after the other; an empty list passes the signal on.";
    defs_["source"] =
        any_of({pattern("^" + name + "(\\." + name + ")*$"), defined("param"), object({{"sum", defined("sum")}})});
    defs_["source"]["description"] = "Something written above: its name, NAME.OUTPUT, or {sum: [one, other]}.";
    defs_["sum"] = list_of(defined("source"));
    defs_["sum"]["minItems"] = 1;
    defs_["source_or_chain"] = any_of({defined("source"), list_of(defined("step"))});
    const lacquer_unit percent_unit{"%", nullptr}, none{"", "off|on"};
    const lacquer_param mix{
        "mix", percent_unit, 100, {0, 100}, "Share of the output; the rest is the input, aligned.", LACQUER_GLIDE},
        bypass{"bypass", none, 0, {0, 1}, "Passes the input by, aligned, without a click.", LACQUER_STEP};
    mix_ = parameter(mix);
    bypass_ = parameter(bypass);

    Json steps = object({{"from", described(defined("source"), "Continue from something written above.")},
                         {"sum", described(defined("sum"), "Join what is named above.")},
                         {"parallel", defined("parallel")}});
    Json& named = steps["patternProperties"];
    named["^sum +" + name + "$"] = defined("sum");
    named["^parallel +" + name + "$"] = defined("parallel");
    named["^[^ ]*/[^ ]+( +" + name + ")?$"] = defined("graph");
    std::string words = "parallel|sum";
    for (const lacquer_node_type* t : catalog_.types()) {
      steps["properties"][t->name] = defined(std::string("node_") + t->name);
      named["^" + std::string(t->name) + " +" + name + "$"] = defined(std::string("node_") + t->name);
      words += "|" + std::string(t->name);
    }
    steps["minProperties"] = 1;
    steps["maxProperties"] = 1;
    defs_["step"] = any_of({std::move(steps), pattern("^((" + words + ")|[^ ]*/[^ ]+)( +" + name + ")?$")});
    Json branches = object({{"in", defined("source_or_chain")}, {"mix", mix_}, {"bypass", bypass_}});
    branches["patternProperties"]["^(?!(in|mix|bypass)$)" + name + "$"] = defined("chain");
    defs_["parallel"] = described(std::move(branches), "Every branch hears the signal; they are summed, aligned.");
    Json graph = any_of({defined("nothing"), {{"type", {"string", "number", "boolean"}}}, {{"type", "object"}}});
    graph["properties"] = {{"in", defined("source_or_chain")}};
    defs_["graph"] = described(std::move(graph), "Another graph, with its parameters.");
    for (const lacquer_node_type* t : catalog_.types()) defs_[std::string("node_") + t->name] = node(*t);

    Json layout = any_of({{{"enum", layout_names()}}, {{"type", "number"}}, defined("param")});
    Json top = object({});
    Json& p = top["properties"];
    p["about"] = {{"type", {"string", "number"}}, {"description", "One sentence: what this graph is for."}};
    p["params"] = optional({{"type", "object"}, {"propertyNames", pattern("^" + name + "$")}},
                           "Names with their defaults, used as $name; the caller and --set may change them.");
    p["in"] =
        optional({{"type", "object"}, {"propertyNames", pattern("^" + name + "$")}, {"additionalProperties", layout}},
                 "The files named on the command line, in order. Left out: one, as wide as it comes.");
    p["chain"] = defined("chain");
    p["aim"] = optional({{"type", "object"},
                         {"propertyNames", pattern("^[a-z0-9_]+(\\.[a-z0-9_]+)+$")},
                         {"additionalProperties", aim()}},
                        "Parameters that are solved for a result.");
    p["out"] = optional({{"type", "object"},
                         {"propertyNames", pattern("^(?!/)(?!(.*/)?\\.\\.(/|$)).+$")},
                         {"additionalProperties", output()}},
                        "Files to write; $name is the first input's name.");
    p["expect"] =
        optional({{"type", "object"},
                  {"propertyNames", pattern("^[a-z0-9_]+(\\.[a-z0-9_]+)+$")},
                  {"additionalProperties", any_of({pattern("^[^.]*([^.]\\.[^.]+)*\\.\\..*$"), defined("param")})}},
                 "Results and the range they must lie in: '-15 .. -13 LUFS', '.. -1 dBTP'.");
    Json all{{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"title", "A Lacquer graph"}};
    for (auto& [key, value] : top.items()) all[key] = value;
    all["required"] = {"chain"};
    all["$defs"] = std::move(defs_);
    return all;
  }

private:
  static Json described(Json j, const std::string& text) {
    j["description"] = text;
    return j;
  }
  static Json optional(Json j, const std::string& text) {
    return described(any_of({std::move(j), defined("nothing")}), text);
  }

  /// What may stand for one value of a unit or a choice.
  Json value(const lacquer_unit& unit) {
    if (std::string_view(unit.symbol) == "path") return {{"type", "string"}};
    if (unit.choices) {
      Json all = Json::array();
      for (const std::string& c : choices_of(unit.choices)) {
        all.push_back(c);
        char* end = nullptr;
        const double number = std::strtod(c.c_str(), &end);
        if (*end == 0 && end != c.c_str())
          all.push_back(number == double(int(number)) ? Json(int(number)) : Json(number));
        if (c == "off" || c == "on") all.push_back(c == "on");
      }
      return any_of({{{"enum", std::move(all)}}, defined("param")});
    }
    std::string name = "unit_" + std::string(*unit.symbol ? unit.symbol : "none");
    if (std::string_view(unit.symbol) == ":1") name = "unit_ratio";
    if (std::string_view(unit.symbol) == "%") name = "unit_percent";
    if (!defs_.contains(name)) {
      std::vector<Json> all{pattern(unit_pattern(unit)), defined("param")};
      for (const std::string& s : spellings_of(unit))
        if (s.empty()) all.push_back({{"type", "number"}});
      defs_[name] = any_of(std::move(all));
    }
    return defined(name);
  }
  Json parameter(const lacquer_param& p) {
    const Json one = value(p.unit);
    Json j = one;
    if (p.motion != LACQUER_FIXED) {
      const Json line{{"type", "object"},
                      {"minProperties", 1},
                      {"patternProperties", {{time_pattern, one}}},
                      {"additionalProperties", false}};
      j = any_of({one, line});
    }
    const bool file = std::string_view(p.unit.symbol) == "path";
    j["description"] = std::string(p.doc) + (file ? "" : " " + format_range(p) + ".");
    if (!file) j["default"] = format(p.init, p.unit);
    return j;
  }

  Json row(const lacquer_node_type& t) {
    Json properties = Json::object();
    for (std::uint32_t i = 1; i < t.row_param_count; ++i) properties[t.row[i].name] = parameter(t.row[i]);
    std::vector<Json> args{defined("nothing"), object(properties)};
    if (t.row_param_count > 1) args.push_back(parameter(t.row[1]));
    const Json settings = any_of(std::move(args));
    Json line{{"type", "object"}, {"minProperties", 1}, {"maxProperties", 1}, {"additionalProperties", false}};
    if (t.row[0].unit.choices)
      for (const std::string& kind : choices_of(t.row[0].unit.choices)) line["properties"][kind] = settings;
    else
      line["patternProperties"][unit_pattern(t.row[0].unit)] = settings;
    line["patternProperties"]["^\\$" + std::string(name_pattern) + "$"] = settings;
    return any_of({std::move(line), value(t.row[0].unit)});
  }

  Json node(const lacquer_node_type& t) {
    Json properties = Json::object();
    for (std::uint32_t i = 0; i < t.param_count; ++i) properties[t.params[i].name] = parameter(t.params[i]);
    Json ports = Json::object();
    for (std::uint32_t i = 0; i < t.input_count; ++i) {
      ports[t.inputs[i].name] = described(defined("source_or_chain"), t.inputs[i].doc);
      if (!properties.contains(t.inputs[i].name)) properties[t.inputs[i].name] = ports[t.inputs[i].name];
    }
    for (std::uint32_t i = 0; t.output_count > 1 && i < t.output_count; ++i)
      properties[t.outputs[i].name] = described(defined("chain"), t.outputs[i].doc);
    if (find_param(t, "in") < 0) properties["in"] = any_of({defined("source_or_chain"), object(std::move(ports))});
    std::vector<Json> all{defined("nothing")};
    if (t.row_param_count) {
      const Json rows = list_of(row(t));
      defs_[std::string("rows_") + t.name] = rows;
      defs_[std::string("rows_") + t.name]["maxItems"] = t.max_rows;
      properties["rows"] = defined(std::string("rows_") + t.name);
      all.push_back(defined(std::string("rows_") + t.name));
    }
    properties["mix"] = mix_;
    properties["bypass"] = bypass_;
    all.push_back(object(std::move(properties)));
    if (t.param_count) all.push_back(parameter(t.params[0]));
    return described(any_of(std::move(all)), t.doc);
  }
  static int find_param(const lacquer_node_type& t, std::string_view name) {
    for (std::uint32_t i = 0; i < t.param_count; ++i)
      if (t.params[i].name == name) return int(i);
    return -1;
  }

  static Json aim() {
    Json j = object({{"until", described({{"type", "string"}}, "The result, as NAME.RESULT.")},
                     {"is", described({{"type", {"string", "number"}}}, "What it is to be.")},
                     {"within", described({{"type", {"string", "number"}}}, "How far off it may stay.")}});
    j["required"] = {"until", "is", "within"};
    return j;
  }
  Json output() {
    Json properties{{"chain", defined("chain")}, {"from", defined("source")}};
    for (const lacquer_param& p : output_params()) {
      lacquer_param still = p;
      still.motion = LACQUER_FIXED;
      properties[p.name] = parameter(still);
    }
    return any_of({object(std::move(properties)), defined("nothing")});
  }

  const Catalog& catalog_;
  Json defs_ = Json::object(), mix_, bypass_;
};

}  // namespace

std::string json_schema(const Catalog& catalog) { return Schema(catalog).write().dump(2) + "\n"; }

}  // namespace lacquer
