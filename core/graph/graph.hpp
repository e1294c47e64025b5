// core/graph/graph.hpp — a graph: nodes, what feeds them, what becomes of them. Written in YAML (load.hpp) or in code:
//
//   Graph g;
//   Wire w = g.input("in");
//   w = g.node(*catalog.find("gain"), "drive", {w});
//   g.set("drive.gain", "+3 dB");
//   g.end = w;
//
// Plain data, freely copied. [control]

#pragma once

#include "core/catalog.hpp"

#include <cstdint>
#include <exception>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace lacquer {

/// Where something was written.
struct Where {
  std::string file;          ///< or "--set glue.ratio"
  int line = 0, column = 0;  ///< from 1; 0 when unknown
};

struct Problem {
  Where where;
  std::string message, hint = {};
  std::string excerpt = {};  ///< the line it stands on
};

/// Thrown with everything found wrong, in file order, each once. what() reads like a compiler: file:line:col: message;
/// hint; and below it the line with a caret. It shows the first 50.
class Problems : public std::exception {
public:
  explicit Problems(std::vector<Problem> list);
  const char* what() const noexcept override { return text_.c_str(); }
  const std::vector<Problem>& list() const { return list_; }

private:
  std::vector<Problem> list_;
  std::string text_;
};

/// One output of one vertex.
struct Wire {
  int vertex = -1, output = 0;
  bool operator==(const Wire&) const = default;
};

using Timeline = std::vector<std::pair<double, float>>;  ///< seconds from the start of the programme, value; ascending

struct Vertex {
  enum Kind {
    node,   ///< runs `type`
    input,  ///< an input of the graph: `channels` wide, or as wide as what is connected when that is 0
    sum     ///< adds up its incoming edges, in edge order; a mono one goes to every channel
  };
  Kind kind = node;
  std::string name;  ///< unique in the graph: "glue", or "punch.glue" inside a sub-graph
  const lacquer_node_type* type = nullptr;
  int channels = 0;
  std::uint32_t rows = 0;
  std::vector<float> values;                     ///< by slot: params, rows x row params, mix, bypass; see slots()
  std::map<std::uint32_t, std::string> paths;    ///< files, by slot
  std::map<std::uint32_t, Timeline> automation;  ///< by slot
  Where where;

  /// The table line of a slot; the last two of every node are mix (0 .. 100 %) and bypass (off | on).
  const lacquer_param& param(std::uint32_t slot) const;
  std::uint32_t slots() const { return std::uint32_t(values.size()); }
  std::uint32_t mix_slot() const { return slots() - 2; }
  std::uint32_t bypass_slot() const { return slots() - 1; }
  /// "ratio", "3.gain" (third row), "mix": the slot, or -1.
  int slot(std::string_view name) const;
  std::string slot_name(std::uint32_t slot) const;
};

struct Edge {
  int from, output, to, input;
};

/// A file to be written.
struct Output {
  std::string file;  ///< "$name.master.wav": $name is the first input's name without its ending
  Wire from;
  std::vector<float> values;  ///< by output_params()
  Where where;
};
/// bits, rate, dither, start, end: what a file in `out:` takes beside `chain` and `from`.
std::span<const lacquer_param> output_params();
enum OutputParam : std::size_t { out_bits, out_rate, out_dither, out_start, out_end };  ///< their places

/// A result, and what it must be.
struct Expectation {
  int vertex;
  std::uint32_t result;
  float min, max;  ///< -inf / +inf when open
  Where where;
};

/// A parameter to be solved for a result.
struct Aim {
  int vertex;
  std::uint32_t slot;
  int until;             ///< the vertex that reports
  std::uint32_t result;  ///< which of its results
  float is, within;
  Where where;
};

struct Graph {
  std::string about;
  std::vector<Vertex> vertices;  ///< from YAML: in topological order
  std::vector<Edge> edges;       ///< their order is the order of summation
  std::vector<Output> outputs;
  std::vector<Expectation> expectations;
  std::vector<Aim> aims;
  Wire end;  ///< where the chain ends

  // Building in code. Each throws Complaint (units.hpp) when a name is taken or a value does not fit the table.
  Wire input(const std::string& name, int channels = 0);
  Wire node(const lacquer_node_type& type, const std::string& name, const std::vector<Wire>& in,
            std::uint32_t rows = 0);
  Wire sum(const std::string& name, const std::vector<Wire>& in);
  void set(const std::string& path, const std::string& value);  ///< "glue.ratio", "4:1"; "eq.2.gain"; "glue.mix"

  int find(std::string_view name) const;  ///< a vertex by name, or -1
};

/// One line per vertex: golden tests, `lacquer graph --list`.
std::string list(const Graph&);

}  // namespace lacquer
