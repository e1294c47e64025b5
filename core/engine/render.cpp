#include "core/engine/render.hpp"

#include "core/engine/file_source.hpp"
#include "core/engine/solve.hpp"
#include "core/engine/tape.hpp"
#include "core/graph/cut.hpp"
#include "core/graph/passes.hpp"
#include "core/io/quantise.hpp"
#include "core/units.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <limits>
#include <set>
#include <system_error>

namespace lacquer {
namespace {

namespace fs = std::filesystem;
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

// ---- where inputs come from and outputs go --------------------------------------------------------------------------

/// Frames of another rate, brought to this one while they are read.
class Resampled : public Source {
public:
  Resampled(std::unique_ptr<Source> from, double from_hz, double to_hz, std::int64_t frames)
      : from_(std::move(from)), resampler_(from_hz, to_hz, from_->channels()), left_(frames) {
    space_.assign(std::size_t(from_->channels()), std::vector<float>(chunk));
    for (auto& c : space_) pointers_.push_back(c.data());
  }
  int channels() const override { return from_->channels(); }
  void read(float* const* out, int frames) override {
    for (int at = 0; at < frames;) {
      if (taken_ == ready_ && !ended_) {
        const int n = int(std::min<std::int64_t>(chunk, left_));
        if (n) from_->read(pointers_.data(), n);
        left_ -= n;
        ended_ = n == 0;
        ready_ = resampler_.process(n ? pointers_.data() : nullptr, n);
        taken_ = 0;
        continue;
      }
      const int n = ended_ && taken_ == ready_ ? frames - at : std::min(frames - at, ready_ - taken_);
      for (int c = 0; c < channels(); ++c)
        if (taken_ == ready_)
          std::fill_n(out[c] + at, n, 0.0f);
        else
          std::copy_n(resampler_.out()[c] + taken_, n, out[c] + at);
      if (taken_ < ready_) taken_ += n;
      at += n;
    }
  }

private:
  static constexpr int chunk = 4096;
  std::unique_ptr<Source> from_;
  Resampler resampler_;
  std::int64_t left_;  // of the source
  std::vector<std::vector<float>> space_;
  std::vector<float*> pointers_;
  int ready_ = 0, taken_ = 0;
  bool ended_ = false;
};

class FileSink : public Sink {
public:
  /// Frames `first` to `last` of the rate it is fed at.
  FileSink(std::string path, SoundSpec spec, double from_hz, std::int64_t first, std::int64_t last)
      : path_(std::move(path)), spec_(std::move(spec)), from_hz_(from_hz), first_(first), last_(last) {}
  void open(int channels) override {
    spec_.channels = channels;
    if (const fs::path folder = fs::path(path_).parent_path(); path_ != "-" && !folder.empty()) {
      std::error_code error;
      fs::create_directories(folder, error);  // what went wrong shows when the file is opened
    }
    writer_.emplace(path_, spec_);
    if (spec_.rate_hz != from_hz_) resampler_.emplace(from_hz_, spec_.rate_hz, channels);
  }
  void write(const float* const* channels, int frames) override {
    const auto skip = std::clamp<std::int64_t>(first_ - time_, 0, frames);
    const auto n = int(std::clamp<std::int64_t>(last_ - time_, skip, frames) - skip);
    time_ += frames;
    if (!n) return;
    part_.clear();
    for (int c = 0; c < spec_.channels; ++c) part_.push_back(channels[c] + skip);
    if (!resampler_) return writer_->write(part_.data(), n);
    if (const int m = resampler_->process(part_.data(), n)) writer_->write(resampler_->out(), m);
  }
  void finish() {
    if (resampler_)
      if (const int n = resampler_->process(nullptr, 0)) writer_->write(resampler_->out(), n);
  }
  RenderedFile commit() {
    writer_->commit();
    RenderedFile done{path_, {}, writer_->clipped()};
    if (path_ != "-") done.format = SoundReader(path_).format();
    return done;
  }

private:
  std::string path_;
  SoundSpec spec_;
  double from_hz_;
  std::int64_t first_, last_, time_ = 0;
  std::vector<const float*> part_;
  std::optional<SoundWriter> writer_;
  std::optional<Resampler> resampler_;
};

// ---- a program: what is run at one rate -----------------------------------------------------------------------------

using Feed = std::function<std::unique_ptr<Source>()>;  // a reader from the first frame on

/// All programs share the whole graph and its numbers; each runs a part of it. What has been run lies on tapes.
struct Program {
  Graph graph;
  VertexSet here;  // what this program is to run
  VertexSet done;  // what need not run any more: inputs, what lies on tapes, what another program runs
  std::map<std::pair<int, int>, Feed> feeds;  // by wire that leaves `done`
  NodeStates heard;                           // nodes that have listened
  double rate_hz = 0;
  std::int64_t frames = 0;

  bool has_heard(int v) const { return heard.contains(graph.vertices[std::size_t(v)].name); }
};

std::pair<int, int> key_of(Wire w) { return {w.vertex, w.output}; }
VertexSet only(const Graph& g, int v) {
  VertexSet set = none_of(g);
  set[std::size_t(v)] = true;
  return set;
}
VertexSet both(VertexSet a, const VertexSet& b) {
  for (std::size_t v = 0; v < a.size(); ++v) a[v] = a[v] && b[v];
  return a;
}
VertexSet either(VertexSet a, const VertexSet& b) {
  for (std::size_t v = 0; v < a.size(); ++v) a[v] = a[v] || b[v];
  return a;
}
bool empty(const VertexSet& set) { return std::find(set.begin(), set.end(), true) == set.end(); }
int count_inputs(const Graph& g) {
  return int(std::count_if(g.vertices.begin(), g.vertices.end(), [](auto& v) { return v.kind == Vertex::input; }));
}

class Renderer {
public:
  Renderer(const Graph& graph, const RenderJob& job) : whole_(graph), job_(job) {
    if (whole_.outputs.empty()) whole_.outputs.push_back(default_output(whole_));
  }
  RenderReport render();

private:
  void open_inputs();
  void name_outputs();
  void assign_rates();
  Program base_program() const;
  Program program_at(double rate_hz, const Program& base) const;

  using Sinks = std::vector<std::pair<Wire, Sink*>>;
  RunResults pass(const Program&, const VertexSet& need, const Sinks&, const std::string& stage, NodeStates* states,
                  const std::vector<std::string>& listening = {});
  using Tapes = std::vector<std::pair<Wire, std::shared_ptr<Tape>>>;
  static Tapes tapes_for(const Program&, const VertexSet& set);
  static void replace(Program&, const VertexSet& set, const Tapes&);
  void cut(Program&, VertexSet set, const std::string& stage);
  void hear(Program&, const VertexSet& need, const std::string& stage, bool keep_results);

  void solve_aims(Program&);
  Found solve_aim(const Program&, const Aim&, double start);
  void deliver(Program&, const std::vector<Wire>& crossing);
  void record(const RunResults&);
  void check_expectations();

  Graph whole_;
  const RenderJob& job_;
  RenderReport report_;
  std::vector<SoundFormat> formats_;              // by input
  std::vector<std::string> paths_;                // by output
  std::vector<std::unique_ptr<FileSink>> files_;  // by output
  std::vector<double> rates_;                     // by vertex
  double base_hz_ = 0;
  std::int64_t base_frames_ = 0;
  std::map<std::string, RunResults::Node> results_;
};

// ---- passes ---------------------------------------------------------------------------------------------------------

/// Runs what `need` and the sinks hear, once over the whole programme.
RunResults Renderer::pass(const Program& p, const VertexSet& need, const Sinks& sinks, const std::string& stage,
                          NodeStates* states, const std::vector<std::string>& listening) {
  VertexSet keep = need;
  std::vector<Wire> wires;
  for (const auto& [wire, sink] : sinks) keep[std::size_t(wire.vertex)] = true, wires.push_back(wire);
  keep = without(ancestors(p.graph, keep), p.done);
  const Part part = part_of(p.graph, keep, wires);

  std::vector<std::unique_ptr<Source>> sources;
  std::vector<Source*> inputs;
  for (const Wire& w : part.feeds) {
    sources.push_back(p.feeds.at(key_of(w))());
    inputs.push_back(sources.back().get());
  }
  Sinks ends;
  for (const auto& [wire, sink] : sinks) ends.emplace_back(part.wire(wire), sink);

  RunOptions o;
  o.rate_hz = p.rate_hz;
  o.frames = p.frames;
  o.block = job_.block;
  o.threads = job_.threads;
  o.cancel = job_.cancel;
  if (stage == "rendering") o.profile = job_.profile;
  const double whole = double(std::max<std::int64_t>(1, p.frames));
  if (job_.progress) o.progress = [&](std::int64_t done) { job_.progress(stage, double(done) / whole); };
  RunResults r = run(part.graph, inputs, ends, o, states, listening);
  report_.results.non_finite = std::max(report_.results.non_finite, r.non_finite);
  if (!r.profile.empty()) report_.results.profile = r.profile;
  return r;
}

Renderer::Tapes Renderer::tapes_for(const Program& p, const VertexSet& set) {
  Tapes tapes;
  for (const Wire& w : leaving(p.graph, set)) tapes.emplace_back(w, std::make_shared<Tape>());
  return tapes;
}

void Renderer::replace(Program& p, const VertexSet& set, const Tapes& tapes) {
  p.done = either(p.done, set);
  for (const auto& [wire, tape] : tapes) p.feeds[key_of(wire)] = [tape = tape] { return tape->play(); };
}

/// Runs `set` and all it hears to tapes.
void Renderer::cut(Program& p, VertexSet set, const std::string& stage) {
  set = both(ancestors(p.graph, set), p.here);
  hear(p, set, stage, true);
  set = without(set, p.done);
  if (empty(set)) return;
  const Tapes tapes = tapes_for(p, set);
  Sinks sinks;
  for (const auto& [wire, tape] : tapes) sinks.emplace_back(wire, tape.get());
  record(pass(p, set, sinks, stage, &p.heard));
  replace(p, set, tapes);
}

/// Lets every node that `need` hears, and that must hear the programme first, do so, in order.
void Renderer::hear(Program& p, const VertexSet& need, const std::string& stage, bool keep_results) {
  const VertexSet wanted = without(both(ancestors(p.graph, need), p.here), p.done);
  for (const int v : ordered(p.graph)) {
    const Vertex& node = p.graph.vertices[std::size_t(v)];
    if (!wanted[std::size_t(v)] || !node.type || !node.type->listen || p.has_heard(v)) continue;
    const VertexSet before = without(without(ancestors(p.graph, only(p.graph, v)), only(p.graph, v)), p.done);
    const Tapes tapes = tapes_for(p, before);
    Sinks sinks;
    for (const auto& [wire, tape] : tapes) sinks.emplace_back(wire, tape.get());
    const RunResults r = pass(p, only(p.graph, v), sinks, stage, &p.heard, {node.name});
    if (keep_results) record(r);
    replace(p, before, tapes);
  }
}

/// The final pass of a program: its files, and the wires that programs at other rates hear.
void Renderer::deliver(Program& p, const std::vector<Wire>& crossing) {
  hear(p, p.here, "measuring", true);
  Sinks sinks;
  for (std::size_t i = 0; i < whole_.outputs.size(); ++i)
    if (const Wire w = whole_.outputs[i].from; p.here[std::size_t(w.vertex)]) sinks.emplace_back(w, files_[i].get());
  Tapes tapes;
  for (const Wire& w : crossing)
    if (!p.feeds.contains(key_of(w))) {
      tapes.emplace_back(w, std::make_shared<Tape>());
      sinks.emplace_back(w, tapes.back().second.get());
    }
  record(pass(p, p.here, sinks, "rendering", &p.heard));
  replace(p, p.here, tapes);
}

void Renderer::record(const RunResults& r) {
  for (const RunResults::Node& n : r.nodes) results_[n.name] = n;
  report_.results.latency = std::max(report_.results.latency, r.latency);
}

// ---- solving --------------------------------------------------------------------------------------------------------

std::string name_of(const Graph& g, const Aim& a, bool result) {
  const Vertex& v = g.vertices[std::size_t(result ? a.until : a.vertex)];
  return v.name + "." +
         (result ? std::string(g.vertices[std::size_t(a.until)].type->results[a.result].name) : v.slot_name(a.slot));
}

/// Nodes behind `vertex` have listened to what it will not send again.
void forget(Program& p, int vertex) {
  const VertexSet changed = descendants(p.graph, only(p.graph, vertex));
  for (std::size_t v = 0; v < changed.size(); ++v)
    if (changed[v]) p.heard.erase(p.graph.vertices[v].name);
}

/// Passes over what lies between the parameter and the result, until it is what it should be.
Found Renderer::solve_aim(const Program& p, const Aim& aim, double start) {
  const lacquer_param& param = p.graph.vertices[std::size_t(aim.vertex)].param(aim.slot);
  const std::string_view unit = param.unit.symbol;
  const bool octaves = (unit == "Hz" || unit == "ms" || unit == ":1") && param.range.min > 0;
  const auto to_x = [&](double v) { return octaves ? std::log2(v) : v; };
  const auto to_value = [&](double x) {
    return std::clamp(float(octaves ? std::exp2(x) : x), param.range.min, param.range.max);
  };
  Search search{to_x(double(param.range.min)),
                to_x(double(param.range.max)),
                to_x(start),
                double(aim.is),
                double(aim.within),
                1,
                24};
  if (unit != "dB" && !unit.starts_with("dB") && !unit.starts_with("LU")) search.slope = 0;
  int tries = 0;
  Found found = solve(
      [&](double x) {
        Program trial = p;
        trial.graph.vertices[std::size_t(aim.vertex)].values[aim.slot] = to_value(x);
        forget(trial, aim.vertex);
        const std::string stage = "solving " + name_of(p.graph, aim, false) + ", pass " + std::to_string(++tries);
        const VertexSet until = only(p.graph, aim.until);
        hear(trial, until, stage, false);
        const RunResults r = pass(trial, until, {}, stage, &trial.heard);
        const Vertex& reporter = p.graph.vertices[std::size_t(aim.until)];
        return r.value(reporter.name, reporter.type->results[aim.result].name);
      },
      search);
  found.x = double(to_value(found.x));
  return found;
}

/// Solves every aim of this program, upstream ones first; again from the start when a later one moved an earlier
/// result.
void Renderer::solve_aims(Program& p) {
  std::vector<Aim> aims;
  for (const int v : ordered(p.graph))
    for (const Aim& a : whole_.aims)
      if (a.vertex == v && p.here[std::size_t(v)]) aims.push_back(a);
  if (aims.empty()) return;

  const auto moved_by = [&](std::size_t from) {  // what still changes while aims from..end are being solved
    VertexSet set = none_of(p.graph);
    for (std::size_t i = from; i < aims.size(); ++i) set[std::size_t(aims[i].vertex)] = true;
    return descendants(p.graph, set);
  };
  bool coupled = false;
  for (std::size_t i = 0; i < aims.size(); ++i) coupled = coupled || moved_by(i + 1)[std::size_t(aims[i].until)];

  std::vector<Found> found(aims.size());
  std::vector<double> start;
  for (const Aim& a : aims) start.push_back(double(p.graph.vertices[std::size_t(a.vertex)].values[a.slot]));
  cut(p, without(p.here, moved_by(0)), "preparing");
  std::vector<int> tries(aims.size());
  for (int round = 0; round < (coupled ? 6 : 1); ++round) {
    Program q = p;
    bool still = true;
    for (std::size_t i = 0; i < aims.size(); ++i) {
      if (i) cut(q, without(q.here, moved_by(coupled ? 0 : i)), "preparing");
      found[i] = solve_aim(q, aims[i], start[i]);
      tries[i] += found[i].tries;
      still = still && (found[i].tries == 1 || round == 0);
      start[i] = found[i].x;
      float& value = q.graph.vertices[std::size_t(aims[i].vertex)].values[aims[i].slot];
      if (float(found[i].x) != value) forget(q, aims[i].vertex);
      value = float(found[i].x);
    }
    if (round && still) {
      p = std::move(q);
      break;
    }
    if (!coupled) p = std::move(q);
    for (std::size_t i = 0; i < aims.size(); ++i)
      p.graph.vertices[std::size_t(aims[i].vertex)].values[aims[i].slot] = float(found[i].x);
  }
  for (std::size_t i = 0; i < aims.size(); ++i) {
    const Aim& a = aims[i];
    whole_.vertices[std::size_t(a.vertex)].values[a.slot] = float(found[i].x);
    report_.aims.push_back({name_of(whole_, a, false), name_of(whole_, a, true), float(found[i].x), double(a.is),
                            double(a.within), found[i].fx, found[i].reached, tries[i]});
  }
}

// ---- inputs, outputs, rates -----------------------------------------------------------------------------------------

void Renderer::open_inputs() {
  const int wanted = count_inputs(whole_);
  if (int(job_.inputs.size()) != wanted) {
    std::string names;
    for (const Vertex& v : whole_.vertices)
      if (v.kind == Vertex::input) names += (names.empty() ? "" : ", ") + v.name;
    throw Problems(
        {{{"the graph"},
          "it has " + std::to_string(wanted) + (wanted == 1 ? " input" : " inputs") + " (" + names + ") but " +
              std::to_string(job_.inputs.size()) + (job_.inputs.size() == 1 ? " file is" : " files are") + " given",
          "name one file for each, in this order"}});
  }
  std::vector<Problem> problems;
  std::size_t i = 0;
  for (const Vertex& v : whole_.vertices) {
    if (v.kind != Vertex::input) continue;
    const std::string& path = job_.inputs[i++];
    formats_.push_back(SoundReader(path).format());
    const SoundFormat& f = formats_.back();
    report_.inputs.emplace_back(path, f);
    if (v.channels && v.channels != f.channels)
      problems.push_back({{path},
                          "it has " + std::to_string(f.channels) + (f.channels == 1 ? " channel" : " channels") +
                              ", the graph's input '" + v.name + "' takes " + std::to_string(v.channels),
                          "give another file, or change 'in:' in the graph"});
    if (f.frames == 0) problems.push_back({{path}, "it holds no audio", "give a file with at least one frame"});
  }
  if (!problems.empty()) throw Problems(std::move(problems));
}

void Renderer::name_outputs() {
  const fs::path first = job_.inputs.front();
  const std::string name = first == "-" ? "stdin" : first.stem().string();
  const fs::path folder = !job_.folder.empty() ? fs::path(job_.folder)
                          : first == "-"       ? fs::path()
                                               : first.parent_path();
  if (!job_.file.empty() && whole_.outputs.size() > 1)
    throw Problems({{{"the graph"},
                     "it writes " + std::to_string(whole_.outputs.size()) + " files, but one name is given",
                     "name a folder instead: -o FOLDER/"}});
  std::vector<Problem> problems;
  std::set<std::string> seen;
  for (const Output& o : whole_.outputs) {
    std::string file = o.file;
    for (std::size_t at = 0; (at = file.find("$name", at)) != file.npos; at += name.size()) file.replace(at, 5, name);
    const std::string path = job_.file.empty() ? (folder / file).lexically_normal().string() : job_.file;
    paths_.push_back(path);
    if (path == "-") continue;
    if (!seen.insert(path).second) problems.push_back({o.where, "two outputs are called " + path, "rename one"});
    for (const std::string& input : job_.inputs)
      if (same_file(input, path))
        problems.push_back({{path}, "this is the input itself", "write elsewhere: an input is never replaced"});
    std::error_code error;
    if (fs::is_directory(path, error))
      problems.push_back({{path}, "this is a folder", "end it with '/' to write into it, or choose another name"});
    else if (!job_.force && fs::exists(path, error))
      problems.push_back({{path}, "it exists already", "choose another folder with -o, or replace it with --force"});
  }
  if (!problems.empty()) throw Problems(std::move(problems));
}

/// A vertex that is heard only by outputs of one rate runs at that rate, behind the conversion: so a limiter's ceiling
/// holds in the file. What several rates hear runs at the programme's own.
void Renderer::assign_rates() {
  const auto rate_of = [&](const Output& o) {
    return o.values[out_rate] > 0 ? double(o.values[out_rate]) : formats_[0].rate_hz;
  };
  base_hz_ = formats_[0].rate_hz;
  const double first = rate_of(whole_.outputs[0]);
  if (std::all_of(whole_.outputs.begin(), whole_.outputs.end(), [&](const Output& o) { return rate_of(o) == first; }))
    base_hz_ = first;
  for (const SoundFormat& f : formats_)
    base_frames_ = std::max(base_frames_, Resampler::length(f.frames, f.rate_hz, base_hz_));

  // 0: nobody has asked yet; going upstream from the outputs, a second rate makes it the programme's.
  rates_.assign(whole_.vertices.size(), 0.0);
  for (const Output& o : whole_.outputs) {
    const VertexSet heard = ancestors(whole_, only(whole_, o.from.vertex));
    for (std::size_t v = 0; v < heard.size(); ++v)
      if (heard[v]) rates_[v] = rates_[v] == 0 || rates_[v] == rate_of(o) ? rate_of(o) : base_hz_;
  }
  // What reaches no output (a meter on a branch) follows what it hears.
  for (const int v : ordered(whole_)) {
    double rate = 0;
    for (const Edge& e : whole_.edges)
      if (e.to == v && rates_[std::size_t(v)] == 0) {
        const double r = rates_[std::size_t(e.from)];
        rate = rate == 0 || rate == r ? r : base_hz_;
      }
    if (rates_[std::size_t(v)] == 0) rates_[std::size_t(v)] = rate == 0 ? base_hz_ : rate;
  }
  // A parameter and the result it is solved for run at one rate; and whoever the programme's rate hears runs at it.
  for (bool changed = true; changed;) {
    changed = false;
    VertexSet base = none_of(whole_);
    for (std::size_t v = 0; v < rates_.size(); ++v) base[v] = rates_[v] == base_hz_;
    for (const Aim& a : whole_.aims)
      if (base[std::size_t(a.vertex)]) base[std::size_t(a.until)] = true;
    base = ancestors(whole_, base);
    for (std::size_t v = 0; v < rates_.size(); ++v)
      if (base[v] && rates_[v] != base_hz_) rates_[v] = base_hz_, changed = true;
  }
}

Program Renderer::base_program() const {
  Program p{whole_, none_of(whole_), none_of(whole_), {}, {}, base_hz_, base_frames_};
  std::size_t i = 0;
  for (std::size_t v = 0; v < whole_.vertices.size(); ++v) {
    p.here[v] = rates_[v] == base_hz_;
    p.done[v] = whole_.vertices[v].kind == Vertex::input || !p.here[v];
    if (whole_.vertices[v].kind != Vertex::input) continue;
    const std::string path = job_.inputs[i];
    const SoundFormat f = formats_[i++];
    p.feeds[{int(v), 0}] = [path, f, to = base_hz_]() -> std::unique_ptr<Source> {
      auto file = std::make_unique<FileSource>(path);
      if (f.rate_hz == to) return file;
      return std::make_unique<Resampled>(std::move(file), f.rate_hz, to, f.frames);
    };
  }
  return p;
}

Program Renderer::program_at(double rate_hz, const Program& base) const {
  Program p{
      whole_, none_of(whole_), none_of(whole_), {}, {}, rate_hz, Resampler::length(base_frames_, base_hz_, rate_hz)};
  for (std::size_t v = 0; v < rates_.size(); ++v) {
    p.here[v] = rates_[v] == rate_hz;
    p.done[v] = !p.here[v] || whole_.vertices[v].kind == Vertex::input;
  }
  for (const auto& [wire, feed] : base.feeds)
    p.feeds[wire] = [feed = feed, from = base_hz_, to = rate_hz, frames = base_frames_]() -> std::unique_ptr<Source> {
      return std::make_unique<Resampled>(feed(), from, to, frames);
    };
  return p;
}

void Renderer::check_expectations() {
  for (const Expectation& e : whole_.expectations) {
    const Vertex& v = whole_.vertices[std::size_t(e.vertex)];
    const auto node = results_.find(v.name);
    const double got = node == results_.end() ? nan : node->second.last[e.result];
    report_.expectations.push_back({v.name + "." + v.type->results[e.result].name, double(e.min), double(e.max), got,
                                    got >= double(e.min) && got <= double(e.max)});
  }
}

RenderReport Renderer::render() {
  const auto begun = std::chrono::steady_clock::now();
  open_inputs();
  name_outputs();
  assign_rates();
  report_.programme_s = double(base_frames_) / base_hz_;
  for (std::size_t i = 0; i < whole_.outputs.size(); ++i) {
    const Output& o = whole_.outputs[i];
    const double runs_at = rates_[std::size_t(o.from.vertex)];
    SoundSpec spec;
    spec.rate_hz = o.values[out_rate] > 0 ? double(o.values[out_rate]) : formats_[0].rate_hz;
    const int bits[] = {16, 24, 32, 32};
    spec.bits = bits[int(o.values[out_bits])];
    spec.is_float = o.values[out_bits] == 3;
    spec.dither = o.values[out_dither] != 0;
    spec.shaped = o.values[out_dither] == 2;
    if (spec.shaped && !NoiseShaper::suits(spec.rate_hz))
      throw Problems({{o.where,
                       o.file + ": shaped dither is for 44.1 and 48 kHz, and this file has " +
                           format(float(spec.rate_hz), {"Hz", nullptr}),
                       "write dither: tpdf"}});
    spec.seed = std::uint32_t(i + 1);
    const std::int64_t all = Resampler::length(base_frames_, base_hz_, runs_at);
    const auto frame = [&](float at_ms) {
      return std::min<std::int64_t>(std::llround(double(at_ms) * 0.001 * runs_at), all);
    };
    const std::int64_t first = frame(o.values[out_start]), last = frame(o.values[out_end]);
    if (first >= last && all > 0)
      throw Problems({{o.where, o.file + ": nothing is left between start and end",
                       "the programme is " + format(float(report_.programme_s), {"s", nullptr}) + " long"}});
    spec.frames = Resampler::length(last - first, runs_at, spec.rate_hz);
    spec.tags = formats_[0].tags;
    files_.push_back(std::make_unique<FileSink>(paths_[i], spec, runs_at, first, last));
  }

  Program base = base_program();
  if (job_.dry_run) {
    base.frames = 0;
    pass(base, base.here, {}, "checking", nullptr);
    for (std::size_t i = 0; i < paths_.size(); ++i) report_.files.push_back({paths_[i], {}, 0});
    return std::move(report_);
  }
  std::vector<Wire> crossing;
  VertexSet at_base = base.here;
  for (const Wire& w : leaving(whole_, at_base))
    for (const Edge& e : whole_.edges)
      if (e.from == w.vertex && e.output == w.output && !at_base[std::size_t(e.to)] &&
          std::find(crossing.begin(), crossing.end(), w) == crossing.end())
        crossing.push_back(w);
  solve_aims(base);
  deliver(base, crossing);
  std::set<double> others(rates_.begin(), rates_.end());
  others.erase(base_hz_);
  for (const double rate : others) {
    Program p = program_at(rate, base);
    solve_aims(p);
    deliver(p, {});
  }
  for (const auto& f : files_) f->finish();
  for (const auto& f : files_) report_.files.push_back(f->commit());

  for (const Vertex& v : whole_.vertices)
    if (const auto r = results_.find(v.name); v.type && r != results_.end()) report_.results.nodes.push_back(r->second);
  check_expectations();
  report_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  return std::move(report_);
}

}  // namespace

Output default_output(const Graph& graph) {
  Output o{"$name.master.wav", graph.end, {}, {}};
  for (const lacquer_param& p : output_params()) o.values.push_back(p.init);
  return o;
}

bool RenderReport::good() const {
  return std::all_of(aims.begin(), aims.end(), [](const SolvedAim& a) { return a.reached; }) &&
         std::all_of(expectations.begin(), expectations.end(), [](const CheckedExpectation& e) { return e.met; });
}

RenderReport render(const Graph& graph, const RenderJob& job) { return Renderer(graph, job).render(); }

}  // namespace lacquer
