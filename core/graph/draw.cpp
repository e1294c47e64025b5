#include "core/graph/draw.hpp"

#include "core/graph/cut.hpp"
#include "core/graph/passes.hpp"
#include "core/units.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace lacquer {
namespace {

/// What is drawn: the graph's vertices, then one for every file.
struct Box {
  std::string title, below;        ///< "glue", "compressor" when that is not the title
  std::vector<std::string> lines;  ///< settings
  enum { signal, node, file } look = node;
  int layer = 0;
  double row = 0, x = 0, y = 0, width = 0, height = 0;
  bool drawn = true;  ///< false: a bend in a line that passes this layer
};
struct Line {
  int from, to;
  std::string label;
  bool key = false;  ///< feeds something else than the main input
};
struct Picture {
  std::vector<Box> boxes;
  std::vector<Line> lines;
};

Picture picture(const Graph& g) {
  Picture p;
  for (const Vertex& v : g.vertices) {
    Box b;
    b.title = v.name;
    b.look = v.kind == Vertex::input ? Box::signal : Box::node;
    if (v.kind == Vertex::sum && v.name != "sum") b.below = "sum";
    if (v.type && v.name != v.type->name) b.below = v.type->name;
    for (std::uint32_t s = 0; v.type && s < v.slots(); ++s) {
      const std::string name = v.slot_name(s);
      if (const auto moves = v.automation.find(s); moves != v.automation.end())
        b.lines.push_back(name + " automated");
      else if (const auto path = v.paths.find(s); path != v.paths.end())
        b.lines.push_back(name + " " + path->second);
      else if (v.values[s] != v.param(s).init)
        b.lines.push_back(name + " " + format(v.values[s], v.param(s).unit));
    }
    p.boxes.push_back(std::move(b));
  }
  for (const Aim& a : g.aims) {
    const Vertex& meter = g.vertices[std::size_t(a.until)];
    const lacquer_result& r = meter.type->results[a.result];
    p.boxes[std::size_t(a.vertex)].lines.push_back(g.vertices[std::size_t(a.vertex)].slot_name(a.slot) +
                                                   " solved for " + meter.name + "." + r.name + " " +
                                                   format(a.is, r.unit));
  }
  const auto output_name = [&](int vertex, int output) -> std::string {
    const Vertex& v = g.vertices[std::size_t(vertex)];
    return v.type && v.type->output_count > 1 ? v.type->outputs[output].name : "";
  };
  for (const Edge& e : g.edges) {
    const Vertex& to = g.vertices[std::size_t(e.to)];
    std::string label = output_name(e.from, e.output);
    if (to.type && to.type->input_count > 1 && (e.input || to.type->inputs[0].kind == LACQUER_MONO)) {
      const std::string port = to.type->inputs[e.input].name;
      if (port != label) label += (label.empty() ? "" : " to ") + port;
    }
    p.lines.push_back({e.from, e.to, label, to.type && to.type->inputs[e.input].kind == LACQUER_OR_MAIN});
  }
  const auto file = [&](const std::string& name, Wire from, std::vector<std::string> lines) {
    Box b;
    b.title = name;
    b.lines = std::move(lines);
    b.look = Box::file;
    if (from.vertex >= 0) p.lines.push_back({from.vertex, int(p.boxes.size()), output_name(from.vertex, from.output)});
    p.boxes.push_back(std::move(b));
  };
  for (const Output& o : g.outputs) {
    std::vector<std::string> lines;
    for (std::size_t i = 0; i < o.values.size(); ++i)
      if (const lacquer_param& param = output_params()[i]; i == 0 || o.values[i] != param.init)
        lines.push_back(std::string(param.name) + " " + format(o.values[i], param.unit));
    file(o.file, o.from, std::move(lines));
  }
  if (g.outputs.empty() && g.end.vertex >= 0) file("out", g.end, {});
  return p;
}

std::string escape(std::string_view s, bool for_dot) {
  std::string out;
  for (const char c : s) {
    if (for_dot)
      out += c == '"' || c == '\\' ? std::string{'\\', c} : std::string{c};
    else
      out += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : c == '"' ? "&quot;" : std::string{c};
  }
  return out;
}

// ---- the layout: layers by longest path, bends where a line passes a layer, order by the middle of the neighbours
// -----

constexpr double title_size = 13, text_size = 11, line_height = 15, gap_x = 56, gap_y = 18, pad = 10;

double wide(std::string_view s, double size) {  // an upper estimate for a sans-serif face
  std::size_t characters = 0;
  for (const char c : s) characters += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return 0.58 * size * double(characters);
}

class Layout {
public:
  Layout(const Graph& g, Picture& p) : p_(p), ends_(p.lines.size()) {
    layer(g);
    bend();
    for (Box& b : p_.boxes) measure(b);
    order();
    place();
  }
  double width = 0, height = 0;
  const std::vector<std::vector<int>>& ways() const { return ends_; }  ///< boxes each line passes, ends included

private:
  void layer(const Graph& g) {
    std::vector<int> sequence = ordered(g);
    for (std::size_t b = g.vertices.size(); b < p_.boxes.size(); ++b) sequence.push_back(int(b));
    std::vector<std::vector<int>> out(p_.boxes.size());
    for (const Line& l : p_.lines) out[std::size_t(l.from)].push_back(l.to);
    for (const int v : sequence)
      for (const int n : out[std::size_t(v)])
        p_.boxes[std::size_t(n)].layer = std::max(p_.boxes[std::size_t(n)].layer, p_.boxes[std::size_t(v)].layer + 1);
    // An input stands just before what first hears it.
    for (std::size_t v = 0; v < g.vertices.size(); ++v) {
      if (g.vertices[v].kind != Vertex::input || out[v].empty()) continue;
      int first = p_.boxes[std::size_t(out[v][0])].layer;
      for (const int n : out[v]) first = std::min(first, p_.boxes[std::size_t(n)].layer);
      p_.boxes[v].layer = first - 1;
    }
  }
  void bend() {
    for (std::size_t l = 0; l < p_.lines.size(); ++l) {
      const Line& line = p_.lines[l];
      ends_[l].push_back(line.from);
      for (int at = p_.boxes[std::size_t(line.from)].layer + 1; at < p_.boxes[std::size_t(line.to)].layer; ++at) {
        Box b;
        b.layer = at;
        b.drawn = false;
        ends_[l].push_back(int(p_.boxes.size()));
        p_.boxes.push_back(b);
      }
      ends_[l].push_back(line.to);
    }
  }
  static void measure(Box& b) {
    if (!b.drawn) {
      b.height = 6;
      return;
    }
    b.width = std::max(1.1 * wide(b.title, title_size), wide(b.below, text_size));
    for (const std::string& s : b.lines) b.width = std::max(b.width, wide(s, text_size));
    b.width += 2 * pad;
    b.height = line_height * double(1 + !b.below.empty() + b.lines.size()) + pad;
  }
  void order() {
    int layers = 0;
    for (const Box& b : p_.boxes) layers = std::max(layers, b.layer + 1);
    layers_.resize(std::size_t(layers));
    for (std::size_t b = 0; b < p_.boxes.size(); ++b) layers_[std::size_t(p_.boxes[b].layer)].push_back(int(b));
    std::vector<std::vector<int>> before(p_.boxes.size()), after(p_.boxes.size());
    for (const auto& way : ends_)
      for (std::size_t i = 1; i < way.size(); ++i) {
        before[std::size_t(way[i])].push_back(way[i - 1]);
        after[std::size_t(way[i - 1])].push_back(way[i]);
      }
    const auto number = [&](const std::vector<int>& boxes) {
      for (std::size_t i = 0; i < boxes.size(); ++i) p_.boxes[std::size_t(boxes[i])].row = double(i);
    };
    for (auto& l : layers_) number(l);
    for (int sweep = 0; sweep < 8; ++sweep) {
      const bool down = sweep % 2 == 0;
      for (std::size_t i = 0; i < layers_.size(); ++i) {
        auto& boxes = layers_[down ? i : layers_.size() - 1 - i];
        std::vector<std::pair<double, int>> by;
        for (const int b : boxes) {
          const auto& near = (down ? before : after)[std::size_t(b)];
          double middle = 0;
          for (const int n : near) middle += p_.boxes[std::size_t(n)].row / double(near.size());
          by.emplace_back(near.empty() ? p_.boxes[std::size_t(b)].row : middle, b);
        }
        std::stable_sort(by.begin(), by.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
        for (std::size_t k = 0; k < by.size(); ++k) boxes[k] = by[k].second;
        number(boxes);
      }
    }
    before_ = std::move(before);
    after_ = std::move(after);
  }
  void place() {
    double x = 20;
    for (auto& boxes : layers_) {
      double widest = 0, y = 0;
      for (const int b : boxes) {
        Box& box = p_.boxes[std::size_t(b)];
        widest = std::max(widest, box.width);
        box.y = y;
        y += box.height + gap_y;
      }
      for (const int b : boxes) {
        Box& box = p_.boxes[std::size_t(b)];
        box.x = x;
        if (box.drawn) box.width = widest;
        box.row = widest;  // from here on: the width of its layer
      }
      x += widest + gap_x;
    }
    width = x - gap_x + 20;
    // Pull every box towards the middle of its neighbours, keeping the order and the gaps.
    for (int sweep = 0; sweep < 24; ++sweep)
      for (std::size_t i = 0; i < layers_.size(); ++i) {
        auto& boxes = layers_[sweep % 2 ? layers_.size() - 1 - i : i];
        for (const int b : boxes) {
          Box& box = p_.boxes[std::size_t(b)];
          double sum = 0;
          int count = 0;
          for (const auto* near : {&before_[std::size_t(b)], &after_[std::size_t(b)]})
            for (const int n : *near) {
              sum += p_.boxes[std::size_t(n)].y + p_.boxes[std::size_t(n)].height / 2;
              ++count;
            }
          if (count) box.y = sum / count - box.height / 2;
        }
        spread(boxes);
      }
    double top = 1e9, bottom = 0;
    for (const Box& b : p_.boxes) top = std::min(top, b.y);
    for (Box& b : p_.boxes) {
      b.y += 20 - top;
      bottom = std::max(bottom, b.y + b.height);
    }
    height = bottom + 20;
  }
  /// Moves boxes of a layer apart until none overlap: groups that touch move as one, around their middle.
  void spread(const std::vector<int>& boxes) {
    struct Group {
      double wish, height;  // of its top; the sum of its boxes and gaps
      std::size_t count;
    };
    std::vector<Group> groups;
    for (const int b : boxes) {
      const Box& box = p_.boxes[std::size_t(b)];
      groups.push_back({box.y, box.height + gap_y, 1});
      while (groups.size() > 1) {
        Group &upper = groups[groups.size() - 2], &lower = groups.back();
        if (upper.wish + upper.height <= lower.wish) break;
        const double n = double(upper.count), m = double(lower.count);
        upper.wish = (upper.wish * n + (lower.wish - upper.height) * m) / (n + m);
        upper.height += lower.height;
        upper.count += lower.count;
        groups.pop_back();
      }
    }
    std::size_t at = 0;
    for (const Group& group : groups) {
      double y = group.wish;
      for (std::size_t i = 0; i < group.count; ++i, ++at) {
        Box& box = p_.boxes[std::size_t(boxes[at])];
        box.y = y;
        y += box.height + gap_y;
      }
    }
  }

  Picture& p_;
  std::vector<std::vector<int>> ends_, layers_, before_, after_;
};

}  // namespace

std::string dot(const Graph& g) {
  const Picture p = picture(g);
  std::string out =
      "digraph lacquer {\n  rankdir=LR;\n  node [shape=box, style=rounded, fontname=\"sans-serif\", fontsize=11];\n"
      "  edge [fontname=\"sans-serif\", fontsize=9];\n";
  for (std::size_t b = 0; b < p.boxes.size(); ++b) {
    const Box& box = p.boxes[b];
    std::string label = escape(box.title, true);
    if (!box.below.empty()) label += "\\n" + escape(box.below, true);
    for (const std::string& s : box.lines) label += "\\n" + escape(s, true);
    out += fmt::format("  n{} [label=\"{}\"{}];\n", b, label,
                       box.look == Box::signal ? ", shape=ellipse"
                       : box.look == Box::file ? ", shape=note, style=solid"
                                               : "");
  }
  for (const Line& l : p.lines)
    out += fmt::format("  n{} -> n{}{}{};\n", l.from, l.to,
                       l.label.empty() ? "" : fmt::format(" [label=\"{}\"]", escape(l.label, true)),
                       l.key ? " [style=dashed]" : "");
  return out + "}\n";
}

std::string svg(const Graph& g) {
  Picture p = picture(g);
  const Layout layout(g, p);
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" height=\"{1:.0f}\" viewBox=\"0 0 {0:.0f} {1:.0f}\" "
      "font-family=\"sans-serif\">\n"
      "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
      "<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" "
      "orient=\"auto\"><path d=\"M0 0.5 L7 4 L0 7.5 z\" fill=\"#567\"/></marker></defs>\n",
      layout.width, layout.height);
  if (!g.about.empty()) out += "<title>" + escape(g.about, false) + "</title>\n";

  for (std::size_t l = 0; l < p.lines.size(); ++l) {
    const Line& line = p.lines[l];
    const auto& way = layout.ways()[l];
    std::string path;
    double x = 0, y = 0;
    for (std::size_t i = 0; i < way.size(); ++i) {
      const Box& b = p.boxes[std::size_t(way[i])];
      const double middle = b.y + b.height / 2;
      if (i == 0) {
        x = b.x + b.width, y = middle;
        path = fmt::format("M{:.1f} {:.1f}", x, y);
        continue;
      }
      const double half = (b.x - x) / 2;
      path += fmt::format(" C{:.1f} {:.1f} {:.1f} {:.1f} {:.1f} {:.1f}", x + half, y, b.x - half, middle, b.x, middle);
      x = b.x, y = middle;
      if (!b.drawn) {  // straight through the layer
        x = b.x + b.row;
        path += fmt::format(" L{:.1f} {:.1f}", x, y);
      }
    }
    out +=
        fmt::format("<path d=\"{}\" fill=\"none\" stroke=\"#567\" stroke-width=\"1.3\"{} marker-end=\"url(#tip)\"/>\n",
                    path, line.key ? " stroke-dasharray=\"4 3\"" : "");
    if (!line.label.empty()) {
      const Box &from = p.boxes[std::size_t(way[0])], &next = p.boxes[std::size_t(way[1])];
      const double share = 0.5;
      const double at = (from.y + from.height / 2) * (1 - share) + (next.y + next.height / 2) * share;
      out += fmt::format(
          "<text x=\"{:.1f}\" y=\"{:.1f}\" font-size=\"10\" fill=\"#456\" text-anchor=\"middle\" stroke=\"#fff\" "
          "stroke-width=\"3\" paint-order=\"stroke\">{}</text>\n",
          (from.x + from.width + next.x) / 2, at - 3, escape(line.label, false));
    }
  }
  for (const Box& b : p.boxes) {
    if (!b.drawn) continue;
    const char* fill = b.look == Box::signal ? "#e6f2ea" : b.look == Box::file ? "#f6efdc" : "#eef2f8";
    out += fmt::format(
        "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" rx=\"{}\" fill=\"{}\" stroke=\"#567\"/>\n",
        b.x, b.y, b.width, b.height,
        b.look == Box::signal ? 12
        : b.look == Box::file ? 0
                              : 5,
        fill);
    double y = b.y + 17;
    const auto text = [&](const std::string& s, double size, const char* more) {
      out += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" font-size=\"{}\" {}>{}</text>\n", b.x + pad, y, size, more,
                         escape(s, false));
      y += line_height;
    };
    text(b.title, title_size, "font-weight=\"600\" fill=\"#123\"");
    if (!b.below.empty()) text(b.below, text_size, "font-style=\"italic\" fill=\"#456\"");
    for (const std::string& s : b.lines) text(s, text_size, "fill=\"#234\"");
  }
  return out + "</svg>\n";
}

}  // namespace lacquer
