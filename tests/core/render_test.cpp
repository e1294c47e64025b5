#include "core/engine/render.hpp"
#include "core/graph/load.hpp"
#include "core/math.hpp"
#include "nodes/builtin.hpp"
#include "tests/rig.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <numbers>

using namespace lacquer;
namespace fs = std::filesystem;

namespace {

/// A folder that is gone with the test.
struct Folder {
  fs::path path;
  Folder() {
    std::string name = (fs::temp_directory_path() / "lacquer-render-XXXXXX").string();
    path = mkdtemp(name.data());
  }
  ~Folder() { fs::remove_all(path); }
  std::string operator/(const std::string& name) const { return (path / name).string(); }
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& f : fs::directory_iterator(path)) all.push_back(f.path().filename().string());
    std::sort(all.begin(), all.end());
    return all;
  }
};

void save(const std::string& path, const Signal& s, double rate = 48000, int bits = 32, bool is_float = true) {
  SoundSpec spec;
  spec.rate_hz = rate;
  spec.channels = int(s.size());
  spec.bits = bits;
  spec.is_float = is_float;
  spec.dither = false;
  SoundWriter w(path, spec);
  std::vector<const float*> p;
  for (const auto& c : s) p.push_back(c.data());
  w.write(p.data(), int(s[0].size()));
  w.commit();
}
Signal open(const std::string& path) {
  SoundReader r(path);
  Signal s(std::size_t(r.format().channels), std::vector<float>(std::size_t(r.format().frames)));
  std::vector<float*> p;
  for (auto& c : s) p.push_back(c.data());
  REQUIRE(r.read(p.data(), int(r.format().frames)) == int(r.format().frames));
  return s;
}
Graph graph(const std::string& yaml) { return load_text(yaml, "(test)", builtin()); }
RenderJob job(const Folder& f, std::vector<std::string> inputs) {
  RenderJob j;
  for (const auto& i : inputs) j.inputs.push_back(f / i);
  j.folder = f / "out";
  return j;
}
// On the 16-bit grid, so that a 16-bit file holds it exactly.
Signal on_grid(Signal s) {
  for (auto& c : s)
    for (float& x : c) x = std::round(x * 32768) / 32768;
  return s;
}

}  // namespace

TEST_CASE("render: a neutral graph changes not one bit, whatever lies before and behind it", "[render]") {
  Folder f;
  const Signal in = on_grid(noise(-6, 0.7));
  save(f / "mix.wav", in, 48000, 16, false);
  const Graph g = graph("chain:\n  - gain: 0 dB\n  - parallel: {a: [gain: 0 dB]}\nout:\n  $name.out.wav: {bits: 16}\n");
  const RenderReport r = render(g, job(f, {"mix.wav"}));
  REQUIRE(r.files.size() == 1);
  CHECK(r.files[0].path == f / "out/mix.out.wav");
  CHECK(same_bits(open(r.files[0].path), in));
  CHECK(r.good());
}

TEST_CASE("render: without out: the chain's end becomes a 24-bit master", "[render]") {
  Folder f;
  save(f / "mix.wav", noise(-6, 0.2));
  const RenderReport r = render(graph("chain:\n  - gain: -6 dB\n"), job(f, {"mix.wav"}));
  CHECK(f.names() == std::vector<std::string>{"mix.wav", "out"});
  CHECK(r.files.at(0).format.bits == 24);
  CHECK(r.files.at(0).format.frames == 9600);
}

TEST_CASE("render: threads and blocks change nothing", "[render]") {
  Folder f;
  save(f / "mix.wav", noise(-6, 1));
  const Graph g = graph(
      "chain:\n  - gain: {0:00: 0 dB, 0:00.5: -12 dB}\n"
      "  - parallel: {a: [], b: [gain: -3 dB, low_cut: 100 Hz]}\nout:\n  x.wav: {bits: float}\n");
  Signal first;
  for (int threads : {1, 2, 5})
    for (int block : {1, 64, 480, 4096}) {
      RenderJob j = job(f, {"mix.wav"});
      j.threads = threads, j.block = block, j.force = true;
      render(g, j);
      const Signal out = open(f / "out/x.wav");
      if (first.empty()) first = out;
      INFO(threads << " threads, blocks of " << block);
      CHECK(same_bits(out, first));
    }
}

TEST_CASE("render: aim solves a parameter, and the file shows it", "[render]") {
  Folder f;
  save(f / "mix.wav", sine(-20, 997, 4));
  const Graph g = graph(
      "chain:\n  - gain drive\n  - loudness after\naim:\n"
      "  drive.gain: {until: after.integrated, is: -14 LUFS, within: 0.01 LU}\nexpect:\n  after.integrated: -14.02 .. "
      "-13.98 LUFS\n"
      "out:\n  x.wav: {bits: float}\n");
  const RenderReport r = render(g, job(f, {"mix.wav"}));
  REQUIRE(r.aims.size() == 1);
  CHECK(r.aims[0].reached);
  CHECK(r.aims[0].got == Approx(-14).margin(0.01));
  CHECK(r.aims[0].value == Approx(6).margin(0.02));  // -20 dBFS in two channels is -20 LUFS
  CHECK(r.aims[0].passes <= 3);
  CHECK(r.good());
  CHECK(level(open(f / "out/x.wav"), 1) == Approx(-14).margin(0.03));
}

TEST_CASE("render: an aim that cannot be reached says what came closest, and is not good", "[render]") {
  Folder f;
  save(f / "mix.wav", sine(-60, 997, 2));
  const Graph g = graph(
      "chain:\n  - gain drive\n  - loudness after\naim:\n"
      "  drive.gain: {until: after.integrated, is: -10 LUFS, within: 0.1 LU}\n");
  const RenderReport r = render(g, job(f, {"mix.wav"}));
  CHECK_FALSE(r.good());
  CHECK_FALSE(r.aims.at(0).reached);
  CHECK(r.aims[0].value == 24);
  CHECK(r.aims[0].got == Approx(-36).margin(0.1));
  CHECK(r.files.size() == 1);
}

TEST_CASE("render: two aims that pull at each other both end where they should", "[render]") {
  Folder f;
  save(f / "mix.wav", sine(-20, 997, 3));
  const Graph g = graph(
      "chain:\n  - gain a\n  - loudness one\n  - gain b\n  - loudness two\naim:\n"
      "  a.gain: {until: two.integrated, is: -14 LUFS, within: 0.01 LU}\n"
      "  b.gain: {until: two.momentary_max, is: -14 LUFS, within: 0.05 LU}\n");
  const RenderReport r = render(g, job(f, {"mix.wav"}));
  REQUIRE(r.aims.size() == 2);
  for (const SolvedAim& a : r.aims) CHECK(std::abs(a.got - a.wanted) <= a.within + 1e-6);
}

TEST_CASE("render: a node that must hear the programme first does so", "[render]") {
  Folder f;
  save(f / "mix.wav", sine(-30, 997, 3));
  const Graph g = graph(
      "chain:\n  - gain: 3 dB\n  - normalize: -16 LUFS\n  - gain: -2 dB\n  - normalize: -20 LUFS\n  - loudness "
      "after\n");
  const RenderReport r = render(g, job(f, {"mix.wav"}));
  for (const auto& n : r.results.nodes)
    if (n.name == "after") CHECK(n.last[0] == Approx(-20).margin(0.01));
}

TEST_CASE("render: a file of another rate has the right length and no delay", "[render]") {
  Folder f;
  save(f / "mix.wav", sine(-6, 1000, 1.0, 2, 96000), 96000);
  const Graph g = graph(
      "chain:\n  - gain: 0 dB\nout:\n  a.wav: {bits: float}\n  b.wav: {rate: 44.1 kHz, bits: float, chain: [gain: -6 "
      "dB]}\n");
  const RenderReport r = render(g, job(f, {"mix.wav"}));
  CHECK(r.files.at(0).format.frames == 96000);
  CHECK(r.files.at(1).format.frames == 44100);
  CHECK(r.files.at(1).format.rate_hz == 44100);
  const Signal b = open(f / "out/b.wav"), ideal = sine(-12, 1000, 1.0, 2, 44100);
  float worst = 0;
  for (std::size_t i = 4000; i < 40000; ++i) worst = std::max(worst, std::abs(b[0][i] - ideal[0][i]));
  CHECK(worst < 1e-4f);
}

TEST_CASE("render: what is heard by one rate only runs at that rate", "[render]") {
  Folder f;
  save(f / "mix.wav", noise(-6, 0.5, 2), 96000);
  const Graph g =
      graph("chain:\n  - limiter: -1 dBTP\n  - true_peak last\nout:\n  a.wav: {rate: 44.1 kHz, bits: float}\n");
  const RenderReport r = render(g, job(f, {"mix.wav"}));
  CHECK(r.programme_s == Approx(0.25));
  for (const auto& n : r.results.nodes)
    if (n.name == "last") CHECK(n.last[0] <= -0.97);  // measured behind the conversion
}

TEST_CASE("render: nothing is lost, overwritten or half-written", "[render]") {
  Folder f;
  save(f / "mix.wav", noise(-6, 0.1));
  const Graph g = graph("chain:\n  - gain: 0 dB\nout:\n  $name.wav: {bits: 16}\n");
  RenderJob j = job(f, {"mix.wav"});
  SECTION("the input is not an output, not even by force") {
    j.folder = f.path.string();
    j.force = true;
    CHECK_THROWS_WITH(render(g, j), Catch::Contains("this is the input itself"));
  }
  SECTION("what exists stays") {
    fs::create_directory(f / "out");
    std::ofstream(f / "out/mix.wav") << "precious";
    CHECK_THROWS_WITH(render(g, j), Catch::Contains("it exists already"));
    CHECK(fs::file_size(f / "out/mix.wav") == 8);
    j.force = true;
    CHECK_NOTHROW(render(g, j));
  }
  SECTION("a missing file, a wrong count, a wrong width: nothing is written") {
    j.inputs = {f / "nothing.wav"};
    CHECK_THROWS_WITH(render(g, j), Catch::Contains("nothing.wav"));
    j.inputs = {f / "mix.wav", f / "mix.wav"};
    CHECK_THROWS_WITH(render(g, j), Catch::Contains("1 input (in) but 2 files are given"));
    j.inputs = {f / "mix.wav"};
    CHECK_THROWS_WITH(render(graph("in: {in: mono}\nchain:\n  - gain: 0 dB\n"), j),
                      Catch::Contains("it has 2 channels"));
    CHECK(f.names() == std::vector<std::string>{"mix.wav"});
  }
  SECTION("a dry run checks and writes nothing") {
    j.dry_run = true;
    CHECK(render(g, j).files.at(0).path == f / "out/mix.wav");
    CHECK(f.names() == std::vector<std::string>{"mix.wav"});
  }
  SECTION("cancelling leaves nothing behind") {
    std::atomic<bool> cancel{true};
    j.cancel = &cancel;
    CHECK_THROWS_AS(render(g, j), Cancelled);
    CHECK(!fs::exists(f / "out/mix.wav"));
  }
}

TEST_CASE("render: stems, each with its own rate, meet in time", "[render]") {
  Folder f;
  save(f / "a.wav", sine(-12, 500, 0.5, 2, 48000), 48000);
  save(f / "b.wav", sine(-12, 500, 0.5, 2, 96000), 96000);
  const Graph g = graph(
      "in: {a: stereo, b: stereo}\nchain:\n  - from: a\n  - gain left\n  - sum: [left, b]\nout:\n  x.wav: {bits: "
      "float}\n");
  render(g, job(f, {"a.wav", "b.wav"}));
  const Signal x = open(f / "out/x.wav"), ideal = sine(-6, 500, 0.5);
  float worst = 0;
  for (std::size_t i = 2000; i < 22000; ++i)
    worst = std::max(worst, std::abs(x[0][i] - ideal[0][i] * float(2 * db_to_gain(-6.0))));
  CHECK(worst < 1e-4f);
}

TEST_CASE("render: NaN in a file is stopped and counted; the report is JSON without NaN", "[render]") {
  Folder f;
  Signal s = noise(-6, 0.1);
  s[0][100] = std::nanf(""), s[1][200] = INFINITY;
  save(f / "mix.wav", s);
  const Graph g = graph("chain:\n  - low_cut: 30 Hz\n  - loudness\n");
  const RenderReport r = render(g, job(f, {"mix.wav"}));
  CHECK(r.results.non_finite == 2);
  const auto j = nlohmann::json::parse(to_json(r, g));
  CHECK(j["non_finite_samples"] == 2);
  CHECK(j["files"][0]["clipped_samples"] == 0);
  CHECK(j["results"]["loudness"].contains("integrated"));
}

TEST_CASE("render: start and end trim a file, to the frame, whatever lies in the way", "[render]") {
  Folder f;
  const Signal in = on_grid(noise(-6, 1));
  save(f / "mix.wav", in, 48000, 16, false);
  const Graph g = graph(
      "chain:\n  - limiter: 0 dBTP\n"
      "out:\n  part.wav: {bits: 16, start: 250 ms, end: 0.75 s}\n  rest.wav: {bits: 16, start: 0.9 s}\n"
      "  cd.wav: {bits: 16, rate: 44.1 kHz, start: 250 ms, end: 0.75 s}\n");
  render(g, job(f, {"mix.wav"}));
  const Signal part = open(f / "out/part.wav"), rest = open(f / "out/rest.wav");
  for (std::size_t c = 0; c < 2; ++c) {
    CHECK(part[c] == std::vector<float>(in[c].begin() + 12000, in[c].begin() + 36000));
    CHECK(rest[c] == std::vector<float>(in[c].begin() + 43200, in[c].end()));
  }
  CHECK(open(f / "out/cd.wav")[0].size() == 22050);
  for (const char* nothing : {"start: 1 s", "end: 0 ms", "start: 700 ms, end: 600 ms"}) {
    const Graph empty = graph(std::string("chain:\n  - gain: 0 dB\nout:\n  e.wav: {") + nothing + "}\n");
    CHECK_THROWS_WITH(render(empty, job(f, {"mix.wav"})), Catch::Contains("e.wav: nothing is left"));
  }
}

TEST_CASE("render: shaped dither is for rates it was made for", "[render]") {
  Folder f;
  save(f / "mix.wav", noise(-6, 0.2), 48000);
  const std::string chain = "chain:\n  - gain: -1 dB\nout:\n  a.wav: {bits: 16, dither: shaped";
  CHECK_THROWS_WITH(render(graph(chain + ", rate: 96 kHz}\n"), job(f, {"mix.wav"})),
                    Catch::Contains("a.wav: shaped dither is for 44.1 and 48 kHz"));
  CHECK(f.names() == std::vector<std::string>{"mix.wav"});
  render(graph(chain + ", rate: 44.1 kHz}\n"), job(f, {"mix.wav"}));
  CHECK(SoundReader(f / "out/a.wav").format().rate_hz == 44100);
}
