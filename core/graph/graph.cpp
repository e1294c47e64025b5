#include "core/graph/graph.hpp"

#include "core/node.hpp"
#include "core/units.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <tuple>

namespace lacquer {
namespace {

constexpr Param engine_params[] = {
    {"mix", percent, 100, {0, 100}, "Share of the processed signal; the rest is the node's input, aligned."},
    {"bypass", on_off, "off", "Passes the input by, aligned, without a click."},
};

constexpr Param file_params[] = {
    {"bits", one_of("16|24|32|float"), "24", "Sample format."},
    {"rate", Hz, 0, {0, 384000}, "Sample rate; the programme's own when left out."},
    {"dither", one_of("none|tpdf|shaped"), "tpdf",
     "Noise added before rounding to 16 or 24 bits; shaped: where the ear hears it least, for 44.1 and 48 kHz."},
    {"start", ms, 0, {0, 36000000}, "Trims the head: what comes before is left out."},
    {"end", ms, 36000000, {0, 36000000}, "Trims the tail: what comes after is left out."},
};

constexpr std::ptrdiff_t most_shown = 50;

/// Without what a terminal would take for a command, and not longer than a line should be.
std::string visible(std::string_view s) {
  std::string out;
  for (const char c : s.substr(0, 300)) out += (c >= 0 && c < ' ') || c == 0x7F ? '?' : c;
  while (s.size() > 300 && !out.empty() && (static_cast<unsigned char>(out.back()) & 0xC0) == 0x80) out.pop_back();
  return s.size() > 300 ? out + "..." : out;
}

/// The line a problem stands on and a caret under it; of a long line, the part around it.
std::string excerpt(const std::string& line, int column) {
  constexpr int width = 110;
  const int skip = column > width ? column - width / 2 : 1;
  std::string part;
  int at = 0;
  for (const char c : line) {
    at += (static_cast<unsigned char>(c) & 0xC0) != 0x80;  // a character, not a byte
    if (at >= skip && at < skip + width) part += c;
  }
  return "  " + visible(part) + "\n  " + std::string(std::size_t(std::max(0, column - skip)), ' ') + "^\n";
}

}  // namespace

std::span<const lacquer_param> output_params() {
  static const std::vector<lacquer_param> all(std::begin(file_params), std::end(file_params));
  return all;
}

Problems::Problems(std::vector<Problem> list) : list_(std::move(list)) {
  const auto key = [](const Problem& p) { return std::tie(p.where.file, p.where.line, p.where.column, p.message); };
  std::stable_sort(list_.begin(), list_.end(), [](const Problem& a, const Problem& b) {
    return std::tie(a.where.file, a.where.line, a.where.column) < std::tie(b.where.file, b.where.line, b.where.column);
  });
  // A graph included twice is wrong twice in the same place.
  list_.erase(
      std::unique(list_.begin(), list_.end(), [&](const Problem& a, const Problem& b) { return key(a) == key(b); }),
      list_.end());
  for (const Problem& p : list_) {
    if (&p - list_.data() == most_shown) {
      text_ += "and " + std::to_string(list_.size() - most_shown) + " more\n";
      break;
    }
    text_ += visible(p.where.file) +
             (p.where.line ? ":" + std::to_string(p.where.line) + ":" + std::to_string(p.where.column) : "") + ": " +
             visible(p.message) + (p.hint.empty() ? "" : "; " + visible(p.hint)) + "\n";
    if (!p.excerpt.empty() && p.where.line) text_ += excerpt(p.excerpt, p.where.column);
  }
}

const lacquer_param& Vertex::param(std::uint32_t slot) const {
  if (slot >= mix_slot()) return engine_params[slot - mix_slot()];
  if (slot < type->param_count) return type->params[slot];
  return type->row[(slot - type->param_count) % type->row_param_count];
}

int Vertex::slot(std::string_view path) const {
  std::uint32_t first = 0, last = slots();
  if (const auto dot = path.find('.'); dot != path.npos) {
    std::uint32_t row = 0;
    const auto [end, error] = std::from_chars(path.data(), path.data() + dot, row);
    if (error != std::errc{} || end != path.data() + dot || row < 1 || row > rows) return -1;
    first = type->param_count + (row - 1) * type->row_param_count;
    last = first + type->row_param_count;
    path.remove_prefix(dot + 1);
  }
  for (std::uint32_t s = first; s < last; ++s)
    if ((last != slots() || s < type->param_count || s >= mix_slot()) && param(s).name == path)
      return s >= mix_slot() && type->output_count > 1 ? -1 : int(s);  // a splitter's is that of its block
  return -1;
}

std::string Vertex::slot_name(std::uint32_t slot) const {
  const bool in_row = slot >= type->param_count && slot < mix_slot();
  return (in_row ? std::to_string((slot - type->param_count) / type->row_param_count + 1) + "." : "") +
         param(slot).name;
}

int Graph::find(std::string_view name) const {
  for (std::size_t i = 0; i < vertices.size(); ++i)
    if (vertices[i].name == name) return int(i);
  return -1;
}

namespace {
Wire append(Graph& g, Vertex v, const std::vector<Wire>& in) {
  if (g.find(v.name) >= 0) throw Complaint{"there is already a '" + v.name + "'", ""};
  const int id = int(g.vertices.size());
  for (std::size_t i = 0; i < in.size(); ++i)
    if (in[i].vertex >= 0) g.edges.push_back({in[i].vertex, in[i].output, id, v.kind == Vertex::sum ? 0 : int(i)});
  g.vertices.push_back(std::move(v));
  return {id, 0};
}
}  // namespace

Wire Graph::input(const std::string& name, int channels) {
  Vertex v;
  v.kind = Vertex::input;
  v.name = name;
  v.channels = channels;
  return append(*this, std::move(v), {});
}

Wire Graph::node(const lacquer_node_type& type, const std::string& name, const std::vector<Wire>& in,
                 std::uint32_t rows) {
  Vertex v;
  v.name = name;
  v.type = &type;
  v.rows = rows;
  for (std::uint32_t i = 0; i < type.param_count; ++i) v.values.push_back(type.params[i].init);
  for (std::uint32_t r = 0; r < rows; ++r)
    for (std::uint32_t i = 0; i < type.row_param_count; ++i) v.values.push_back(type.row[i].init);
  for (const Param& p : engine_params) v.values.push_back(p.init);
  return append(*this, std::move(v), in);
}

Wire Graph::sum(const std::string& name, const std::vector<Wire>& in) {
  Vertex v;
  v.kind = Vertex::sum;
  v.name = name;
  return append(*this, std::move(v), in);
}

void Graph::set(const std::string& path, const std::string& value) {
  for (Vertex& v : vertices)
    if (v.type && path.starts_with(v.name + "."))
      if (const int s = v.slot(std::string_view(path).substr(v.name.size() + 1)); s >= 0) {
        v.values[std::size_t(s)] = parse(value, v.param(std::uint32_t(s)));
        return;
      }
  throw Complaint{"there is no " + path, ""};
}

std::string list(const Graph& g) {
  std::vector<std::vector<const Edge*>> into(g.vertices.size());
  for (const Edge& e : g.edges) into[std::size_t(e.to)].push_back(&e);
  const auto wire = [&](int vertex, int output) {
    const Vertex& from = g.vertices[std::size_t(vertex)];
    return from.name +
           (from.type && from.type->output_count > 1 ? std::string(".") + from.type->outputs[output].name : "");
  };
  std::string out;
  for (std::size_t i = 0; i < g.vertices.size(); ++i) {
    const Vertex& v = g.vertices[i];
    out += v.name;
    if (v.kind == Vertex::input && v.channels)
      out += "  " + std::to_string(v.channels) + (v.channels == 1 ? " channel" : " channels");
    for (const Edge* e : into[i])
      out += (e->input && v.type ? std::string("  ") + v.type->inputs[e->input].name + " <- " : "  <- ") +
             wire(e->from, e->output);
    for (std::uint32_t s = 0; v.type && s < v.slots(); ++s)
      if (const auto moves = v.automation.find(s); moves != v.automation.end())
        out += s ? "  " + v.slot_name(s) + " automated" : "  automated";
      else if (const auto path = v.paths.find(s); path != v.paths.end())
        out += "  " + v.slot_name(s) + "=" + path->second;
      else if (v.values[s] != v.param(s).init)
        out += "  " + v.slot_name(s) + "=" + format(v.values[s], v.param(s).unit);
    out += "\n";
  }
  for (const Output& o : g.outputs) {
    out += o.file + "  <- " + wire(o.from.vertex, o.from.output);
    for (std::size_t p = 0; p < o.values.size(); ++p)
      if (const lacquer_param& param = output_params()[p]; p == 0 || o.values[p] != param.init)
        out += std::string("  ") + param.name + "=" + format(o.values[p], param.unit);
    out += "\n";
  }
  for (const Aim& a : g.aims) {
    const Vertex &v = g.vertices[std::size_t(a.vertex)], &meter = g.vertices[std::size_t(a.until)];
    const lacquer_result& r = meter.type->results[a.result];
    out += "aim " + v.name + "." + v.slot_name(a.slot) + "  until " + meter.name + "." + r.name + " is " +
           format(a.is, r.unit) + "  within " + format(a.within, difference(r.unit)) + "\n";
  }
  for (const Expectation& e : g.expectations) {
    const Vertex& meter = g.vertices[std::size_t(e.vertex)];
    const lacquer_result& r = meter.type->results[e.result];
    out += "expect " + meter.name + "." + r.name + (std::isfinite(e.min) ? "  " + format(e.min, r.unit) : " ") + " .." +
           (std::isfinite(e.max) ? " " + format(e.max, r.unit) : "") + "\n";
  }
  return out;
}

}  // namespace lacquer
