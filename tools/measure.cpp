// tools/measure.cpp — lacquer measure: a graph of meters, run over files.

#include "core/dsp/loudness.hpp"
#include "core/engine/file_source.hpp"
#include "core/engine/run.hpp"
#include "nodes/builtin.hpp"
#include "tools/command.hpp"
#include "tools/terminal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <fstream>
#include <memory>
#include <numeric>
#include <optional>
#include <thread>

namespace lacquer::tools {
namespace {

// ---- what is measured -----------------------------------------------------------------------------------------------

/// A number of the report: its name there, the meter and the result it comes from, and how a table shows it.
struct Figure {
  const char *name, *node, *result, *shown, *unit;
  int decimals;
};
constexpr Figure figures[] = {
    {"integrated_lufs", "loudness", "integrated", "integrated", "LUFS", 2},
    {"loudness_range_lu", "loudness", "range", "loudness range", "LU", 2},
    {"momentary_max_lufs", "loudness", "momentary_max", "loudest 400 ms", "LUFS", 2},
    {"short_term_max_lufs", "loudness", "short_term_max", "loudest 3 s", "LUFS", 2},
    {"true_peak_dbtp", "loudness", "true_peak", "true peak", "dBTP", 2},
    {"sample_peak_dbfs", "dynamics", "peak", "sample peak", "dBFS", 2},
    {"rms_dbfs", "dynamics", "rms", "rms", "dBFS", 2},
    {"crest_factor_db", "dynamics", "crest", "crest factor", "dB", 2},
    {"plr_db", "loudness", "plr", "peak to loudness", "dB", 2},
    {"psr_min_db", "loudness", "psr_min", "lowest peak to short-term", "dB", 2},
    {"dr", "dynamics", "dr", "DR", "", 0},
    {"dc_offset", "dynamics", "dc_offset", "DC offset", "", 6},
    {"correlation", "stereo", "correlation", "correlation", "", 2},
    {"mono_loss_db", "loudness", "mono_loss", "lost in mono", "LU", 2},
    {"stereo_balance_db", "stereo", "balance", "left over right", "dB", 2},
    {"clipped_samples", "dynamics", "clipped", "clipped samples", "", 0},
    {"inter_sample_overs", "loudness", "overs", "inter-sample overs", "", 0},
    {"noise_floor_dbfs", "dynamics", "noise_floor", "noise floor", "dBFS", 1},
    {"silence_head_s", "dynamics", "silence_head", "silence before", "s", 2},
    {"silence_tail_s", "dynamics", "silence_tail", "silence after", "s", 2},
};
constexpr int settled_s = 60;  ///< Tech 3341: a loudness range is not yet stable before

struct Measured {
  std::string file;
  SoundFormat format;
  std::vector<double> values;  ///< by figure; NaN when there is none
  double non_finite = 0;
  std::map<std::string, std::string> details;  ///< by meter
};

/// The meters behind the figures; for `details`, all there are.
Graph meter_graph(int channels, bool details) {
  Graph g;
  const Wire in = g.input("in", channels);
  for (const char* meter : {"loudness", "dynamics", "stereo", "true_peak", "spectrum"})
    if (details || std::any_of(std::begin(figures), std::end(figures),
                               [&](const Figure& f) { return std::string_view(f.node) == meter; }))
      g.node(*builtin().find(meter), meter, {in});
  g.set("stereo.mono_loss", "off");  // the loudness meter has it at hand
  if (!details) g.set("stereo.bands", "off");
  g.end = in;
  return g;
}

/// Reads the file once, through every meter.
Measured measure(const std::string& file, bool details, int threads, const std::function<void(double)>& progress) {
  FileSource source(file);
  Measured m{file, source.format(), {}, 0, {}};
  if (m.format.frames == 0) throw Failed(bad_input, file + ": it holds no audio; give a file with at least one frame");
  RunOptions o;
  o.rate_hz = m.format.rate_hz;
  o.frames = m.format.frames;
  o.threads = threads;
  o.cancel = &interrupted;
  const double whole = double(std::max<std::int64_t>(1, m.format.frames));
  o.progress = [&](std::int64_t done) { progress(double(done) / whole); };
  Source* const inputs[] = {&source};
  const RunResults r = run(meter_graph(m.format.channels, details), inputs, {}, o);
  for (const Figure& f : figures) m.values.push_back(r.value(f.node, f.result));
  m.non_finite = double(r.non_finite);
  for (const RunResults::Node& n : r.nodes)
    if (!n.details.empty()) m.details[n.name] = n.details;
  progress(1);
  return m;
}

/// All files, as many at a time as there are cores; what is wrong with any of them ends it all.
std::vector<Measured> measure_all(const std::vector<std::string>& files, bool details, Progress& progress) {
  const auto cores = std::max(1u, std::thread::hardware_concurrency());
  const auto workers = std::min<std::size_t>(cores, files.size());
  const int threads = int(std::max<std::size_t>(1, cores / workers));
  std::vector<std::optional<Measured>> found(files.size());
  std::vector<std::exception_ptr> wrong(files.size());
  std::vector<std::atomic<double>> shares(files.size());
  std::atomic<std::size_t> next{0}, finished{0};
  std::atomic<bool> failed{false};
  const auto work = [&] {
    for (std::size_t i; !failed && (i = next++) < files.size();) try {
        found[i] = measure(files[i], details, threads, [&](double share) {
          shares[i] = share;
          double sum = 0;
          for (const auto& s : shares) sum += s;
          progress.update(files.size() == 1
                              ? "measuring"
                              : fmt::format("measuring, {} of {} files done", finished.load(), files.size()),
                          sum / double(files.size()), 0);
        });
        ++finished;
      } catch (...) {
        wrong[i] = std::current_exception();
        failed = true;
      }
  };
  {
    std::vector<std::jthread> others;
    for (std::size_t i = 1; i < workers; ++i) others.emplace_back(work);
    work();
  }
  progress.clear();
  for (const auto& e : wrong)
    if (e) std::rethrow_exception(e);
  std::vector<Measured> all;
  for (auto& m : found) all.push_back(std::move(*m));
  return all;
}

double figure(const Measured& m, std::string_view name) {
  for (std::size_t i = 0; i < std::size(figures); ++i)
    if (figures[i].name == name) return m.values[i];
  return std::nan("");
}

/// Gated over the blocks of all files together, as if they were one programme.
double album_loudness(const std::vector<Measured>& all) {
  LoudnessHistogram album;
  album.prepare();
  album.reset();
  for (const Measured& m : all)
    if (const auto d = m.details.find("loudness"); d != m.details.end())
      for (const Json details = Json::parse(d->second); const Json& b : details.at("blocks"))
        album.add(b[0].get<double>(), b[1].get<std::uint32_t>(), b[2].get<double>());
  return album.count() ? album.integrated().loudness : std::nan("");
}

// ---- what platforms will do -----------------------------------------------------------------------------------------

struct Platform {
  std::string name, raises, source, checked;
  double target = 0, peak = 0;
};

std::vector<Platform> platforms() {
  const std::string file = shipped_file("platforms.json");
  std::ifstream in(file);
  std::vector<Platform> found;
  try {
    for (const Json all = Json::parse(in); const Json& p : all.at("platforms"))
      found.push_back({p.at("name"), p.at("raises"), p.at("source"), p.at("checked"), p.at("target_lufs"),
                       p.value("peak_dbtp", 0.0)});
  } catch (const Json::exception& e) {
    throw Failed(bad_input, file + ": it is damaged (" + e.what() + "); install Lacquer again");
  }
  return found;
}

/// dB by which it turns the file up or down.
double gain_at(const Platform& p, const Measured& m) {
  const double gain = p.target - figure(m, "integrated_lufs");
  if (!std::isfinite(gain) || gain <= 0 || p.raises == "always") return std::isfinite(gain) ? gain : std::nan("");
  if (p.raises == "to_peak") return std::clamp(p.peak - figure(m, "true_peak_dbtp"), 0.0, gain);
  return 0;
}

// ---- how it is said -------------------------------------------------------------------------------------------------

Json number_json(double v) {
  if (!std::isfinite(v)) return nullptr;
  return v == std::floor(v) && std::abs(v) < 9e15 ? Json(std::int64_t(v)) : Json(v);
}

Json to_json(const Measured& m) {
  const SoundFormat& f = m.format;
  Json j{{"file", m.file},
         {"format", f.container},
         {"channels", f.channels},
         {"sample_rate_hz", number_json(f.rate_hz)},
         {"bits", f.bits ? Json(f.bits) : Json()},
         {"frames", f.frames},
         {"duration_s", double(f.frames) / f.rate_hz}};
  for (std::size_t i = 0; i < std::size(figures); ++i) j[figures[i].name] = number_json(m.values[i]);
  j["non_finite_samples"] = number_json(m.non_finite);
  return j;
}

std::string csv_cell(const Json& v) {
  if (v.is_null()) return "";
  if (!v.is_string()) return v.dump();
  std::string text = v;
  if (text.find_first_of(",\"\n\r") == text.npos) return text;
  for (std::size_t at = 0; (at = text.find('"', at)) != text.npos; at += 2) text.insert(at, 1, '"');
  return '"' + text + '"';
}

std::string csv(const std::vector<Measured>& all) {
  std::string out;
  for (const Measured& m : all) {
    const Json j = to_json(m);
    std::string head, line;
    for (const auto& [name, value] : j.items()) {
      head += (head.empty() ? "" : ",") + name;
      line += (line.empty() ? "" : ",") + csv_cell(value);
    }
    if (out.empty()) out = head + "\n";
    out += line + "\n";
  }
  return out;
}

Json series_of(const Measured& m) {
  const auto d = m.details.find("loudness");
  return d == m.details.end() ? Json() : Json::parse(d->second).at("series");
}

std::string series_csv(const std::vector<Measured>& all) {
  std::string out = "file,time_s,momentary_lufs,short_term_lufs,psr_db\n";
  for (const Measured& m : all) {
    const Json s = series_of(m);
    const double every = s.at("every_s");
    const auto cell = [&](const char* name, std::size_t i) {
      return csv_cell(i < s.at(name).size() ? s.at(name)[i] : Json());
    };
    for (std::size_t i = 0; i < s.at("momentary").size(); ++i)
      out += fmt::format("{},{:.3f},{},{},{}\n", csv_cell(m.file), double(i + 1) * every, cell("momentary", i),
                         cell("short_term", i), cell("psr", i));
  }
  return out;
}

std::string shape(const SoundFormat& f) {
  return fmt::format("{} {:g} kHz {}", f.container, f.rate_hz / 1000,
                     f.is_float ? "float"
                     : f.bits   ? fmt::format("{} bits", f.bits)
                                : "lossy");
}

std::string short_name(const std::string& file) { return file.substr(file.find_last_of('/') + 1); }

/// Few files: one column each, everything. Many: one line each, the chief figures.
std::string table(const std::vector<Measured>& all) {
  if (all.size() <= 4) {
    std::vector<std::string> head{""}, format{"format"}, length{"length"};
    for (const Measured& m : all) {
      head.push_back(short_name(m.file));
      format.push_back(shape(m.format));
      length.push_back(clock(double(m.format.frames) / m.format.rate_hz));
    }
    head.push_back("unit");
    Table t(head, Columns::numbers_and_unit);
    t.row(format);
    t.row(length);
    for (std::size_t i = 0; i < std::size(figures); ++i) {
      std::vector<std::string> row{figures[i].shown};
      for (const Measured& m : all) row.push_back(number(m.values[i], figures[i].decimals));
      row.push_back(figures[i].unit);
      t.row(row);
    }
    std::vector<std::string> row{"samples that are no numbers"};
    for (const Measured& m : all) row.push_back(number(m.non_finite, 0));
    t.row(row);
    return t.text(stdout);
  }
  Table t({"file", "length", "LUFS", "LU", "dBTP", "DR", "correlation"});
  for (const Measured& m : all)
    t.row({short_name(m.file), clock(double(m.format.frames) / m.format.rate_hz),
           number(figure(m, "integrated_lufs"), 2), number(figure(m, "loudness_range_lu"), 2),
           number(figure(m, "true_peak_dbtp"), 2), number(figure(m, "dr"), 0), number(figure(m, "correlation"), 2)});
  return t.text(stdout);
}

std::string platform_table(const std::vector<Measured>& all) {
  std::vector<std::string> head{"platform", "target"};
  for (const Measured& m : all) {
    head.push_back(short_name(m.file));
    head.push_back("peak after");
  }
  Table t(head);
  for (const Platform& p : platforms()) {
    std::vector<std::string> row{p.name, number(p.target, 0) + " LUFS"};
    for (const Measured& m : all) {
      const double gain = gain_at(p, m);
      row.push_back((gain > 0 ? "+" : "") + number(gain, 2) + " dB");
      row.push_back(number(figure(m, "true_peak_dbtp") + gain, 2) + " dBTP");
    }
    t.row(row);
  }
  return t.text(stdout);
}

Json platform_json(const Measured& m) {
  Json list = Json::array();
  for (const Platform& p : platforms()) {
    const double gain = gain_at(p, m);
    list.push_back({{"platform", p.name},
                    {"target_lufs", p.target},
                    {"gain_db", number_json(gain)},
                    {"true_peak_after_dbtp", number_json(figure(m, "true_peak_dbtp") + gain)},
                    {"source", p.source},
                    {"checked", p.checked}});
  }
  return list;
}

struct Options {
  std::vector<std::string> files;
  bool json = false, csv = false, series = false, details = false, album = false, platforms = false, quiet = false;
};

int run(const Options& o) {
  if (o.json && o.csv) throw Failed(bad_input, "--csv: --json is given too; choose one of them");
  if (o.series && !o.json && !o.csv) throw Failed(bad_input, "--series: it needs --json or --csv; add one of them");
  if (o.details && !o.json) throw Failed(bad_input, "--details: it needs --json; add it");
  if (o.csv && (o.album || o.platforms))
    throw Failed(bad_input, "--csv: it is a table of files only; use --json with --album or --platforms");
  Progress progress(o.quiet);
  const std::vector<Measured> all = measure_all(o.files, o.details, progress);
  if (o.csv) {
    print(o.series ? series_csv(all) : csv(all));
    return done;
  }
  if (o.json) {
    Json list = Json::array();
    for (const Measured& m : all) {
      Json j = to_json(m);
      if (o.series) j["series"] = series_of(m);
      if (o.platforms) j["platforms"] = platform_json(m);
      if (o.details)
        for (const auto& [meter, text] : m.details) j["details"][meter] = Json::parse(text);
      list.push_back(std::move(j));
    }
    if (o.album) {
      print(dump({{"album_integrated_lufs", number_json(album_loudness(all))}, {"files", list}}));
    } else {
      print(dump(list.size() == 1 ? list[0] : list));
    }
    return done;
  }
  print(table(all));
  for (const Measured& m : all)
    if (double(m.format.frames) < settled_s * m.format.rate_hz && std::isfinite(figure(m, "loudness_range_lu")))
      print(fmt::format("{}: its loudness range is not settled, as it is shorter than {} s.\n", short_name(m.file),
                        settled_s));
  if (o.album) print("\nTogether, as an album: " + number(album_loudness(all), 2) + " LUFS\n");
  if (o.platforms) print("\n" + platform_table(all));
  return done;
}

}  // namespace

Command measure_command(CLI::App& program) {
  auto o = std::make_shared<Options>();
  CLI::App* app = add_command(
      program, "measure", "Measures files: loudness, true peak, dynamics, stereo, noise.",
      "  lacquer measure MASTER.wav                       # a table\n"
      "  lacquer measure MIX.wav MASTER.wav               # side by side\n"
      "  lacquer measure --json MASTER.wav | jq .integrated_lufs\n"
      "  lacquer measure --csv album/*.flac > album.csv   # one line per file, on all cores\n"
      "  lacquer measure --series --csv MASTER.wav        # loudness and psr over time, for plots\n"
      "  lacquer measure --details --json MASTER.wav      # spectrum, stereo by band, every over and maximum\n"
      "  lacquer measure --platforms MASTER.wav           # what Spotify and others will do to it");
  app->add_option("FILE", o->files, "Sound files; - is standard input (WAV).")->required();
  app->add_flag("--json", o->json, "Prints an object per file, an array for several.");
  app->add_flag("--csv", o->csv, "Prints a line per file.");
  app->add_flag("--series", o->series,
                "Adds momentary and short-term loudness and psr over time; needs --json or --csv.");
  app->add_flag("--details", o->details,
                "Adds all that every meter knows: spectrum, bands, positions, channels, lists; needs --json.");
  app->add_flag("--album", o->album, "Adds the integrated loudness of all files together.");
  app->add_flag("--platforms", o->platforms, "Adds by how much streaming services turn each file up or down.");
  app->add_flag("--quiet", o->quiet, "No progress.");
  return {app, [o] { return run(*o); }};
}

}  // namespace lacquer::tools
