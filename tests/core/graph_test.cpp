// tests/core/graph_test.cpp — the graphs that come with Lacquer, what they mean, and graphs built in code.

#include "core/graph/check.hpp"
#include "core/graph/draw.hpp"
#include "core/graph/load.hpp"
#include "core/manual.hpp"
#include "core/units.hpp"
#include "nodes/builtin.hpp"
#include "tests/golden.hpp"

#include <filesystem>

using namespace lacquer;

namespace {
const std::string source = LACQUER_SOURCE;

// Names in messages are relative to the sources.
std::string outcome(const std::string& file) {
  std::string text;
  try {
    text = list(load(source + "/" + file, builtin()));
  } catch (const Problems& p) {
    text = p.what();
  }
  for (std::size_t at; (at = text.find(source + "/")) != text.npos;) text.erase(at, source.size() + 1);
  return text;
}
std::string refusal(const Graph& g) {
  try {
    check(g);
    return "";
  } catch (const Problems& p) {
    return p.what();
  }
}
const lacquer_node_type& type(const char* name) { return *builtin().find(name); }

struct Small {
  Graph g;
  Wire in = g.input("in"), a, b;
  Small() {
    a = g.node(type("gain"), "a", {in});
    b = g.node(type("gain"), "b", {a});
    g.end = b;
  }
};
}  // namespace

TEST_CASE("graphs: every one that comes with Lacquer loads, and means what it meant", "[graph]") {
  int count = 0;
  for (const auto& f : std::filesystem::directory_iterator(source + "/graphs"))
    if (f.path().extension() == ".yaml") {
      golden(outcome("graphs/" + f.path().filename().string()), "tests/golden/" + f.path().stem().string() + ".txt");
      ++count;
    }
  CHECK(count >= 7);
}

TEST_CASE("graphs: the listing says all that was set", "[graph]") {
  CHECK(list(load_text(R"(
in: {music: stereo, voice: mono}
chain:
  - gain first: {gain: {0:00: 0 dB, 0:10: -3 dB}, mix: {0:00: 0 %, 0:05: 100 %}}
  - blend: {wet: voice, mix: 25 %}
  - true_peak meter
out:
  $name.flac: {bits: 16}
aim:
  blend.mix: {until: meter.true_peak, is: -3 dBTP, within: 0.1 dB}
expect:
  meter.true_peak: .. -1 dBTP
)",
                       "(text)", builtin())) ==
        "music  2 channels\n"
        "voice  1 channel\n"
        "first  <- music  automated  mix automated\n"
        "blend  <- first  wet <- voice  mix=25 %\n"
        "meter  <- blend\n"
        "$name.flac  <- meter  bits=16\n"
        "aim blend.mix  until meter.true_peak is -3 dBTP  within 0.1 dB\n"
        "expect meter.true_peak  .. -1 dBTP\n");
}

TEST_CASE("check: a sound graph passes, also with several edges into one input", "[graph]") {
  Small s;
  CHECK(refusal(s.g) == "");
  s.g.edges.push_back({s.in.vertex, 0, s.b.vertex, 0});
  CHECK(refusal(s.g) == "");
}

TEST_CASE("check: a circle is named by its path", "[graph]") {
  Small s;
  s.g.edges.push_back({s.b.vertex, 0, s.a.vertex, 0});
  CHECK(refusal(s.g) ==
        "the graph: it runs in a circle: a -> b -> a; break it: no signal may come back to where it was\n");
  Small self;
  self.g.edges.push_back({self.a.vertex, 0, self.a.vertex, 0});
  CHECK(refusal(self.g) ==
        "the graph: it runs in a circle: a -> a; break it: no signal may come back to where it was\n");
}

TEST_CASE("check: wires, inputs, names and values that are not there", "[graph]") {
  const auto says = [](const Graph& g, const std::string& what) {
    const std::string text = refusal(g);
    INFO(text);
    CHECK(text.find(what) != text.npos);
  };
  Small s;
  s.g.node(type("gain"), "lost", {});
  says(s.g, "'lost' hears nothing at 'in'");
  s = Small();
  s.g.edges.push_back({s.a.vertex, 7, s.b.vertex, 0});
  says(s.g, "'b' hears an output that does not exist: a, number 7");
  s = Small();
  s.g.edges.push_back({99, 0, s.b.vertex, 0});
  says(s.g, "'b' hears an output that does not exist");
  s = Small();
  s.g.edges.push_back({s.a.vertex, 0, s.b.vertex, 3});
  says(s.g, "an edge leads to an input that does not exist: b");
  s = Small();
  s.g.edges.push_back({s.a.vertex, 0, -1, 0});
  says(s.g, "an edge leads to an input that does not exist");
  s = Small();
  s.g.edges.push_back({s.a.vertex, 0, s.in.vertex, 0});
  says(s.g, "an edge leads to an input that does not exist: in");
  s = Small();
  s.g.vertices[2].name = "a";
  says(s.g, "there are two nodes called 'a'");
  s = Small();
  s.g.vertices[1].values[0] = std::numeric_limits<float>::quiet_NaN();
  says(s.g, "a.gain is out of range; it goes from -80 dB to 24 dB");
  s = Small();
  s.g.vertices[1].values.pop_back();
  says(s.g, "'a' has 2 values, not 3");
  s = Small();
  s.g.end = {5, 0};
  says(s.g, "the end of the chain comes from an output that does not exist");
  s = Small();
  s.g.expectations.push_back({s.a.vertex, 0, 0, 1, {}});
  says(s.g, "an aim or expectation names a result that does not exist");
  s = Small();
  CHECK_THROWS_AS(s.g.node(type("gain"), "a", {s.in}), Complaint);
  CHECK_THROWS_AS(s.g.set("a.gain", "90 dB"), Complaint);
  CHECK_THROWS_AS(s.g.set("c.gain", "1 dB"), Complaint);
}

TEST_CASE("draw: every node, port and setting is in the picture", "[graph]") {
  const Graph g = load(source + "/graphs/wide.yaml", builtin());
  for (const std::string& text : {dot(g), svg(g)})
    for (const char* what : {"music", "low_comp", "three_way", "crush", "ratio 3:1", "gain automated", "side", "key",
                             "limiter", "ceiling -0.5 dBTP"}) {
      INFO(what << " in " << text);
      CHECK(text.find(what) != text.npos);
    }
  const auto count = [](const std::string& text, const std::string& what) {
    int n = 0;
    for (std::size_t at = 0; (at = text.find(what, at)) != text.npos; at += what.size()) ++n;
    return n;
  };
  CHECK(count(dot(g), " -> ") == int(g.edges.size()) + 1);  // and one to what it writes
  CHECK(count(svg(g), "marker-end") == int(g.edges.size()) + 1);
  CHECK(count(svg(g), "<rect x=") == int(g.vertices.size()) + 1);
}

TEST_CASE("draw: boxes do not overlap", "[graph]") {
  const std::string text = svg(load(source + "/graphs/wide.yaml", builtin()));
  struct Rect {
    double x, y, w, h;
  };
  std::vector<Rect> all;
  for (std::size_t at = 0; (at = text.find("<rect x=", at)) != text.npos; ++at) {
    Rect r{};
    REQUIRE(std::sscanf(text.c_str() + at, "<rect x=\"%lf\" y=\"%lf\" width=\"%lf\" height=\"%lf\"", &r.x, &r.y, &r.w,
                        &r.h) == 4);
    all.push_back(r);
  }
  for (std::size_t i = 0; i < all.size(); ++i)
    for (std::size_t k = 0; k < i; ++k) {
      const Rect &a = all[i], &b = all[k];
      CHECK((a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y));
    }
}

TEST_CASE("draw: text cannot break out of the picture", "[graph]") {
  Graph g;
  g.about = "a < b & \"c\"";
  g.end = g.input("in");
  g.outputs.push_back({"<script>\"\\.wav", g.end, {2, 0, 1}, {}});
  g.outputs[0].values.resize(output_params().size());
  CHECK(svg(g).find("<script>") == std::string::npos);
  CHECK(svg(g).find("&lt;script&gt;") != std::string::npos);
  CHECK(dot(g).find("<script>\\\"\\\\.wav") != std::string::npos);
}

TEST_CASE("nodes/README.md is what the tables say", "[graph]") { golden(markdown(builtin()), "nodes/README.md"); }

TEST_CASE("graphs/README.md: every graph in it loads", "[graph]") {
  const std::string text = slurp(source + "/graphs/README.md");
  int count = 0;
  for (std::size_t at = 0; (at = text.find("```yaml\n", at)) != text.npos;) {
    at += 8;
    const std::string yaml = text.substr(at, text.find("```", at) - at);
    INFO(yaml);
    CHECK_NOTHROW(load_text(yaml, source + "/graphs/README.yaml", builtin()));
    ++count;
  }
  CHECK(count >= 10);
}
