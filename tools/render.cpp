// tools/render.cpp — lacquer render: files through a graph into finished, verified files.

#include "core/engine/render.hpp"

#include "core/graph/load.hpp"
#include "core/units.hpp"
#include "tools/command.hpp"
#include "tools/terminal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>

namespace lacquer::tools {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string graph, output, report, bits, rate, dither;
  std::vector<std::string> settings, plugins;
  bool json = false, quiet = false;
  RenderJob job;
};

// ---- what was asked for ---------------------------------------------------------------------------------------------

/// -o names a folder when it is one, ends with '/', or has no ending; else the one file to write.
void choose_target(const std::string& output, RenderJob& job) {
  std::error_code error;
  if (output.empty()) return;
  const bool folder = fs::is_directory(output, error) || output.ends_with('/') ||
                      (output != "-" && fs::path(output).extension().empty());
  (folder ? job.folder : job.file) = output;
}

/// --bits, --rate and --dither speak for every file the graph writes.
void override_outputs(const Options& o, Graph& graph) {
  const std::string* const given[] = {&o.bits, &o.rate, &o.dither};
  if (graph.outputs.empty()) graph.outputs.push_back(default_output(graph));
  const auto params = output_params();
  for (std::size_t i = 0; i < std::size(given); ++i) {
    if (given[i]->empty()) continue;
    try {
      const float value = parse(*given[i], params[i]);
      for (Output& out : graph.outputs) out.values[i] = value;
    } catch (const Complaint& c) {
      throw Failed(bad_input, std::string("--") + params[i].name + " " + *given[i] + ": " + c.message +
                                  (c.hint.empty() ? "" : "; " + c.hint));
    }
  }
}

void check_report(const Options& o) {
  if (o.json && o.job.file == "-")
    throw Failed(bad_input, "--json: standard output already carries the audio; use --report FILE.json");
  for (const std::string& file : {o.report, o.job.profile}) {
    if (file.empty()) continue;
    for (const std::string& input : o.job.inputs)
      if (same_file(input, file)) throw Failed(bad_input, file + ": this is an input; choose another name");
    if (const fs::path folder = fs::path(file).parent_path(); !folder.empty()) {
      std::error_code error;
      fs::create_directories(folder, error);
      if (!fs::is_directory(folder, error))
        throw Failed(bad_input, folder.string() + ": this folder cannot be made; choose another for " + file);
    }
  }
}

/// Seconds of programme, to tell how many times real time it goes; 0 when a file does not say.
double length_of(const std::vector<std::string>& inputs) {
  double longest = 0;
  for (const std::string& file : inputs) try {
      if (file == "-") continue;
      const SoundFormat f = SoundReader(file).format();
      longest = std::max(longest, double(f.frames) / f.rate_hz);
    } catch (const SoundError&) {  // the render itself says what is wrong
    }
  return longest;
}

// ---- what was done --------------------------------------------------------------------------------------------------

std::string hertz(double hz) { return fmt::format("{:g} kHz", hz / 1000); }

std::string about(const SoundFormat& f) {
  std::string text = f.container + ", " + hertz(f.rate_hz) + ", ";
  text += f.channels == 1 ? "mono" : f.channels == 2 ? "stereo" : fmt::format("{} channels", f.channels);
  if (f.is_float)
    text += ", float";
  else if (f.bits)
    text += fmt::format(", {} bits", f.bits);
  return text + ", " + clock(double(f.frames) / f.rate_hz);
}

int decimals(const std::string_view unit) { return unit == "Hz" || unit.empty() ? 2 : unit == "%" ? 1 : 2; }

std::string with_unit(double value, const std::string_view unit) {
  return number(value, decimals(unit)) + (unit.empty() || std::isnan(value) ? "" : " ") + std::string(unit);
}

/// The unit of "after.integrated".
std::string unit_of(const RenderReport& report, const std::string& path) {
  const auto dot = path.rfind('.');
  for (const RunResults::Node& n : report.results.nodes)
    for (std::uint32_t i = 0; n.name == path.substr(0, dot) && i < n.type->result_count; ++i)
      if (path.substr(dot + 1) == n.type->results[i].name) return n.type->results[i].unit.symbol;
  return "";
}

/// The meters worth putting side by side: before and after, or else every loudness meter.
std::vector<const RunResults::Node*> side_by_side(const RenderReport& report) {
  const RunResults::Node *before = nullptr, *after = nullptr;
  std::vector<const RunResults::Node*> all;
  for (const RunResults::Node& n : report.results.nodes) {
    if (n.name == "before") before = &n;
    if (n.name == "after") after = &n;
    if (std::string_view(n.type->name) == "loudness") all.push_back(&n);
  }
  return before && after ? std::vector{before, after} : all;
}

/// "momentary" beside "momentary_max": a reading for a live display; of a file, the maximum is of interest.
bool is_live(const lacquer_node_type& type, const std::string& name) {
  for (std::uint32_t i = 0; i < type.result_count; ++i)
    if (type.results[i].name == name + "_max") return true;
  return false;
}

std::string meters(const RenderReport& report, std::FILE* to) {
  const auto columns = side_by_side(report);
  if (columns.empty()) return "";
  const bool change = columns.size() == 2 && columns[0]->type == columns[1]->type;
  std::vector<std::string> head{""};
  for (const auto* n : columns) head.push_back(n->name);
  if (change) head.push_back("change");
  head.push_back("unit");
  Table table(head, Columns::numbers_and_unit);
  const lacquer_node_type& type = *columns[0]->type;
  for (std::uint32_t i = 0; i < type.result_count; ++i) {
    const lacquer_result& result = type.results[i];
    if (is_live(type, result.name)) continue;
    std::vector<std::string> row{result.name};
    bool any = false;
    for (const auto* n : columns) {
      double value = std::nan("");
      for (std::uint32_t k = 0; k < n->type->result_count; ++k)
        if (std::string_view(n->type->results[k].name) == result.name) value = n->last[k];
      any = any || !std::isnan(value);
      row.push_back(number(value, decimals(result.unit.symbol)));
    }
    if (change) {
      const double by = columns[1]->last[i] - columns[0]->last[i];
      row.push_back((by > 0 ? "+" : "") + number(by, decimals(result.unit.symbol)));
    }
    row.push_back(result.unit.symbol);
    if (any) table.row(row);
  }
  return table.text(to) + "\n";
}

/// What the processors report of themselves: "glue.reduction  0.00 .. 8.89 dB".
std::string workings(const RenderReport& report, std::FILE* to) {
  const auto shown = side_by_side(report);
  Table table({"", "from", "to", "unit"}, Columns::numbers_and_unit);
  bool any = false;
  for (const RunResults::Node& n : report.results.nodes) {
    if (std::find(shown.begin(), shown.end(), &n) != shown.end()) continue;
    for (std::uint32_t i = 0; i < n.type->result_count; ++i) {
      if (std::isnan(n.last[i])) continue;
      const lacquer_result& r = n.type->results[i];
      // What only ever grew is a maximum: where it began says nothing.
      const double low = n.last[i] == n.highest[i] ? n.last[i] : n.lowest[i];
      table.row({n.name + "." + r.name, number(low, 2), number(n.highest[i], 2), r.unit.symbol});
      any = true;
    }
  }
  return any ? table.text(to) + "\n" : "";
}

std::string aim_line(const SolvedAim& a, const Graph& graph, const std::string& unit) {
  std::string value = fmt::format("{:.2f}", a.value);
  for (const Vertex& v : graph.vertices)
    for (std::uint32_t s = 0; s < v.slots(); ++s)
      if (v.type && v.name + "." + v.slot_name(s) == a.parameter)
        value += std::string(v.param(s).unit.symbol[0] == ':' ? "" : " ") + v.param(s).unit.symbol;
  const bool one = a.passes == 1;
  return fmt::format("{} = {}: {} is {}, wanted {} within {}{}", a.parameter, value, a.result, with_unit(a.got, unit),
                     with_unit(a.wanted, unit), number(a.within, 2),
                     a.reached ? fmt::format(" ({} {})", a.passes, one ? "pass" : "passes")
                               : "; it cannot be reached, this came closest");
}

std::string limits(const CheckedExpectation& e, const std::string& unit) {
  const std::string low = std::isfinite(e.min) ? fmt::format("{:g} ", e.min) : "";
  const std::string high = std::isfinite(e.max) ? fmt::format(" {:g}", e.max) : "";
  return low + ".." + high + (unit.empty() ? "" : " " + unit);
}

std::string expectation_line(const CheckedExpectation& e, const std::string& unit) {
  return fmt::format("{} is {}, expected {}", e.result, with_unit(e.got, unit), limits(e, unit));
}

std::string story(const RenderReport& report, const Graph& graph, bool dry, std::FILE* to) {
  std::string out;
  for (const auto& [path, format] : report.inputs) out += path + "  " + about(format) + "\n";
  if (!graph.about.empty()) out += graph.about + "\n";
  out += "\n" + meters(report, to) + workings(report, to);
  for (const SolvedAim& a : report.aims)
    out += mark(a.reached, to) + " " + aim_line(a, graph, unit_of(report, a.result)) + "\n";
  for (const CheckedExpectation& e : report.expectations)
    out += mark(e.met, to) + " " + expectation_line(e, unit_of(report, e.result)) + "\n";
  if (report.results.non_finite)
    out += fmt::format("{} samples of the input were not numbers and became silence\n", report.results.non_finite);
  for (const RenderedFile& f : report.files) {
    out += painted((dry ? "would write " : "wrote ") + f.path, Colour::bold, to);
    if (f.format.channels) out += "  " + about(f.format);
    if (f.clipped) out += fmt::format("  ({} samples clipped; turn the graph's end down)", f.clipped);
    out += "\n";
  }
  if (!dry)
    out += fmt::format("{:.1f} s, {:.0f}x real time\n", report.seconds,
                       report.programme_s / std::max(report.seconds, 1e-3));
  return out;
}

int run(Options& o) {
  choose_target(o.output, o.job);
  Graph graph = load(find_graph(o.graph), catalog_with(o.plugins), settings_of(o.settings));
  override_outputs(o, graph);
  if (o.report == "-") o.json = true, o.report.clear();
  check_report(o);

  Progress progress(o.quiet);
  const double programme_s = progress.shown() ? length_of(o.job.inputs) : 0;
  o.job.progress = [&](const std::string& stage, double share) { progress.update(stage, share, programme_s); };
  o.job.cancel = &interrupted;
  const RenderReport report = render(graph, o.job);
  progress.clear();

  const std::string json = to_json(report, graph) + "\n";
  if (!o.report.empty()) write_file(o.report, json);
  if (o.json) print(json);
  std::FILE* const to = o.job.file == "-" ? stderr : stdout;
  if (!o.json && !o.quiet) {
    std::string text = story(report, graph, o.job.dry_run, to);
    if (!o.report.empty()) text += "report " + o.report + "\n";
    if (!o.job.profile.empty())
      text +=
          "\n" + report.results.profile + "profile " + o.job.profile + ", for chrome://tracing or ui.perfetto.dev\n";
    std::fputs(text.c_str(), to);
  } else {
    for (const SolvedAim& a : report.aims)
      if (!a.reached) complain(aim_line(a, graph, unit_of(report, a.result)));
    for (const CheckedExpectation& e : report.expectations)
      if (!e.met) complain(expectation_line(e, unit_of(report, e.result)) + "; change the graph or what it expects");
  }
  return o.job.dry_run || report.good() ? done : missed;
}

}  // namespace

Command render_command(CLI::App& program) {
  auto o = std::make_shared<Options>();
  CLI::App* app = add_command(
      program, "render", "Sends files through a graph, writes what it delivers, and checks what it expects.",
      "  lacquer render streaming MIX.wav -o masters/                  # masters/MIX.master.wav, at -14 LUFS, -1 dBTP\n"
      "  lacquer render streaming MIX.wav --set glue.ratio=3:1 --force # one setting changed, the old master replaced\n"
      "  lacquer render mine.yaml MIX.wav -o cd.wav --rate '44.1 kHz' --bits 16 --report cd.json\n"
      "  lacquer render wide.yaml MUSIC.wav VOCALS.wav --dry-run       # stems, in the order of in:; checks only\n"
      "  sox MIX.wav -t wav - | lacquer render streaming - -o - | play -");
  app->add_option("GRAPH", o->graph, "A graph file, or the name of one that comes with Lacquer.")->required();
  app->add_option("INPUT", o->job.inputs, "One file per input of the graph; - is standard input (WAV).")->required();
  app->add_option("-o,--output", o->output,
                  "Where to: a folder, or a file when the graph writes one; - is standard output (WAV). The input's "
                  "folder when left out.")
      ->type_name("FILE|DIR");
  add_set_option(*app, o->settings);
  app->add_option("--bits", o->bits, "Sample format of every file: 16, 24, 32 or float.")->type_name("N");
  app->add_option("--rate", o->rate, "Sample rate of every file: '44.1 kHz'.")->type_name("RATE");
  app->add_option("--dither", o->dither, "Noise before rounding, in every file: none, tpdf or shaped.")
      ->type_name("KIND");
  app->add_flag("--force", o->job.force, "Replaces files that exist. An input is never replaced.");
  app->add_flag("--dry-run", o->job.dry_run, "Checks everything, and says what would be written.");
  app->add_option("--report", o->report, "Writes everything measured, solved and checked as JSON.")
      ->type_name("FILE.json");
  app->add_flag("--json", o->json, "Prints that report instead of the table.");
  app->add_option("--profile", o->job.profile, "Writes a trace of who ran what when, for Chrome's viewer.")
      ->type_name("FILE.json");
  app->add_flag("--quiet", o->quiet, "No table and no progress; errors only.");
  app->add_option("--threads", o->job.threads, "How many; all there are when left out. The result is the same.")
      ->type_name("N")
      ->check(CLI::Range(0, 256));
  app->add_option("--block", o->job.block, "Frames a node is given at a time. The result is the same.")
      ->type_name("N")
      ->check(CLI::Range(1, 65536));
  add_plugin_option(*app, o->plugins);
  return {app, [o] { return run(*o); }};
}

}  // namespace lacquer::tools
