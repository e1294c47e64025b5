#include "core/graph/check.hpp"

#include "core/graph/passes.hpp"
#include "core/units.hpp"

#include <unordered_set>

namespace lacquer {
namespace {

class Check {
public:
  explicit Check(const Graph& graph) : g_(graph) {}

  std::vector<Problem> run() {
    for (const Vertex& v : g_.vertices) vertex(v);
    std::vector<std::vector<bool>> fed;
    for (const Vertex& v : g_.vertices) fed.emplace_back(v.type ? v.type->input_count : 1);
    bool sound = true;
    for (const Edge& e : g_.edges) sound = edge(e, fed) && sound;
    if (sound) missing(fed);
    if (g_.end.vertex >= 0) wire(g_.end, "the end of the chain");
    for (const Output& o : g_.outputs) wire(o.from, o.file);
    for (const Expectation& e : g_.expectations) reports(e.vertex, e.result);
    for (const Aim& a : g_.aims) {
      reports(a.until, a.result);
      if (!exists(a.vertex) || !at(a.vertex).type || a.slot >= at(a.vertex).slots())
        complain("an aim solves a parameter that does not exist");
    }
    if (sound && problems_.empty()) try {
        ordered(g_);
      } catch (const Problems& circle) {
        problems_ = circle.list();
      }
    return std::move(problems_);
  }

private:
  const Vertex& at(int v) const { return g_.vertices[std::size_t(v)]; }
  bool exists(int v) const { return v >= 0 && std::size_t(v) < g_.vertices.size(); }
  bool exists(Wire w) const {
    if (!exists(w.vertex) || w.output < 0) return false;
    const Vertex& v = at(w.vertex);
    return w.output < (v.type ? int(v.type->output_count) : 1);
  }
  void complain(std::string message, std::string hint = "", Where where = {"the graph"}) {
    problems_.push_back(
        {where.file.empty() ? Where{"the graph"} : std::move(where), std::move(message), std::move(hint)});
  }

  void vertex(const Vertex& v) {
    if (!names_.insert(v.name).second) complain("there are two nodes called '" + v.name + "'", "rename one", v.where);
    if ((v.kind == Vertex::node) != (v.type != nullptr))
      return complain("'" + v.name + "' has no type, or has one it does not need", "", v.where);
    if (!v.type) return;
    const std::size_t wanted = v.type->param_count + std::size_t(v.rows) * v.type->row_param_count + 2;
    if (v.values.size() != wanted || v.rows > v.type->max_rows)
      return complain(
          "'" + v.name + "' has " + std::to_string(v.values.size()) + " values, not " + std::to_string(wanted),
          "make it with Graph::node()", v.where);
    for (std::uint32_t s = 0; s < v.slots(); ++s) {
      const lacquer_param& p = v.param(s);
      if (!(v.values[s] >= p.range.min && v.values[s] <= p.range.max))
        complain(v.name + "." + v.slot_name(s) + " is out of range", "it goes from " + format_range(p), v.where);
    }
  }

  bool edge(const Edge& e, std::vector<std::vector<bool>>& fed) {
    if (!exists(e.to) || at(e.to).kind == Vertex::input || e.input < 0 ||
        std::size_t(e.input) >= fed[std::size_t(e.to)].size()) {
      complain("an edge leads to an input that does not exist" + (exists(e.to) ? ": " + at(e.to).name : ""));
      return false;
    }
    if (!exists(Wire{e.from, e.output})) {
      complain("'" + at(e.to).name + "' hears an output that does not exist" +
                   (exists(e.from) ? ": " + at(e.from).name + ", number " + std::to_string(e.output) : ""),
               "", at(e.to).where);
      return false;
    }
    fed[std::size_t(e.to)][std::size_t(e.input)] = true;
    return true;
  }

  void missing(const std::vector<std::vector<bool>>& fed) {
    for (std::size_t v = 0; v < fed.size(); ++v) {
      const Vertex& to = g_.vertices[v];
      for (std::size_t i = 0; to.type && i < fed[v].size(); ++i)
        if (!fed[v][i] && to.type->inputs[i].kind != LACQUER_OR_MAIN)
          complain("'" + to.name + "' hears nothing at '" + to.type->inputs[i].name + "'", "connect something to it",
                   to.where);
    }
  }

  void wire(Wire w, const std::string& what) {
    if (!exists(w)) complain(what + " comes from an output that does not exist");
  }
  void reports(int v, std::uint32_t result) {
    if (!exists(v) || !at(v).type || result >= at(v).type->result_count)
      complain("an aim or expectation names a result that does not exist");
  }

  const Graph& g_;
  std::unordered_set<std::string> names_;
  std::vector<Problem> problems_;
};

}  // namespace

void check(const Graph& graph) {
  if (auto problems = Check(graph).run(); !problems.empty()) throw Problems(std::move(problems));
}

}  // namespace lacquer
