// tests/core/load_test.cpp — the graph language: what each form means, and what is said about each mistake.

#include "core/graph/load.hpp"
#include "core/units.hpp"
#include "nodes/builtin.hpp"
#include "tests/golden.hpp"

#include <unistd.h>
#include <chrono>
#include <filesystem>
#include <random>

using namespace lacquer;
namespace fs = std::filesystem;

namespace {
const std::string source = LACQUER_SOURCE;

Graph load_here(const std::string& yaml, const Settings& settings = {}) {
  return load_text(yaml, "g.yaml", builtin(), settings);
}
/// What it means without the first line, which is the input.
std::string means(const std::string& yaml, const Settings& settings = {}) {
  const std::string text = list(load_here(yaml, settings));
  return text.substr(text.find('\n') + 1);
}
std::string problems(const std::string& yaml, const Settings& settings = {}) {
  try {
    load_here(yaml, settings);
    return "";
  } catch (const Problems& p) {
    return p.what();
  }
}
/// The message of the one problem there is.
std::string problem(const std::string& yaml, const Settings& settings = {}) {
  try {
    return "fine: " + list(load_here(yaml, settings));
  } catch (const Problems& p) {
    if (p.list().size() != 1) return p.what();
    const Problem& one = p.list()[0];
    return (one.where.line ? std::to_string(one.where.line) + ":" + std::to_string(one.where.column) + ": "
                           : one.where.file + ": ") +
           one.message + (one.hint.empty() ? "" : "; " + one.hint);
  }
}

/// A folder of graphs that goes away again.
struct Folder {
  fs::path path = fs::temp_directory_path() / ("lacquer-load-" + std::to_string(::getpid()));
  Folder() { fs::create_directories(path / "top/below"); }
  ~Folder() { fs::remove_all(path); }
  void write(const std::string& name, const std::string& text) const { std::ofstream(path / name) << text; }
  std::string load(const std::string& name) const {
    std::string text;
    try {
      text = list(lacquer::load((path / name).string(), builtin()));
    } catch (const Problems& p) {
      text = p.what();
    }
    for (std::size_t at; (at = text.find(path.string() + "/")) != text.npos;) text.erase(at, path.string().size() + 1);
    return text;
  }
};
}  // namespace

// ---- what the forms mean --------------------------------------------------------------------------------------------

TEST_CASE("load: steps in the order written, lone values, names, rows", "[load]") {
  CHECK(means("chain:\n  - gain\n  - gain: 3 dB\n  - gain drive: {gain: -1 dB, mix: 50 %, bypass: on}\n") ==
        "gain  <- in\n"
        "gain_2  <- gain  gain=3 dB\n"
        "drive  <- gain_2  gain=-1 dB  mix=50 %  bypass=on\n");
}

TEST_CASE("load: splitters hold a chain per output and join again", "[load]") {
  CHECK(means("chain:\n  - mid_side: {side: [gain: -3 dB]}\n  - gain\n") ==
        "mid_side  <- in\n"
        "gain  <- mid_side.side  gain=-3 dB\n"
        "mid_side_join  <- mid_side.mid  side <- gain\n"
        "gain_2  <- mid_side_join\n");
  CHECK(means("chain:\n  - three_way x: {low_split: 100 Hz, mid: [], high: [gain, gain]}\n") ==
        "x  <- in  low_split=100 Hz\n"
        "gain  <- x.high\n"
        "gain_2  <- gain\n"
        "x_join  <- x.low  <- x.mid  <- gain_2\n");
}

TEST_CASE("load: parallel branches are summed, and can be named from outside", "[load]") {
  CHECK(means("chain:\n  - parallel p: {dry: [], wet: [gain]}\n  - from: p.wet\n  - gain\n") ==
        "gain  <- in\n"
        "p  <- in  <- gain\n"
        "gain_2  <- gain\n");
}

TEST_CASE("load: any graph can be written with from, in and sum", "[load]") {
  CHECK(means("chain:\n"
              "  - gain a\n"
              "  - mid_side ms\n"
              "  - from: ms.side\n"
              "  - gain s\n"
              "  - gain m: {in: ms.mid}\n"
              "  - join_mid_side again: {in: {mid: m, side: s}}\n"
              "  - join_mid_side short: {mid: m, side: s}\n"
              "  - sum both: [again, short, a]\n"
              "  - gain: {in: {sum: [a, both]}}\n"
              "  - from: {sum: [a, in]}\n"
              "  - compressor: {key: a, in: both}\n") ==
        "a  <- in\n"
        "ms  <- a\n"
        "ms_join  <- ms.mid  side <- ms.side\n"
        "s  <- ms.side\n"
        "m  <- ms.mid\n"
        "again  <- m  side <- s\n"
        "short  <- m  side <- s\n"
        "both  <- again  <- short  <- a\n"
        "sum  <- a  <- both\n"
        "gain  <- sum\n"
        "sum_2  <- a  <- in\n"
        "compressor  <- both  key <- a\n");
}

TEST_CASE("load: a side-chain is a name, or steps that start from what the node itself hears", "[load]") {
  CHECK(means("in: {music: stereo, voice: mono}\n"
              "chain:\n  - compressor: {key: voice}\n  - compressor: {key: [gain: 1 dB], in: music}\n") ==
        "voice  1 channel\n"
        "compressor  <- music  key <- voice\n"
        "gain  <- music  gain=1 dB\n"
        "compressor_2  <- music  key <- gain\n");
}

TEST_CASE("load: mix and bypass of a block of nodes", "[load]") {
  CHECK(means("chain:\n  - mid_side ms: {mix: 30 %, side: [gain]}\n  - parallel: {bypass: on, a: [gain]}\n  - gain: "
              "{in: ms}\n") ==
        "ms  <- in\n"
        "gain  <- ms.side\n"
        "ms_join  <- ms.mid  side <- gain\n"
        "ms_mix  <- in  wet <- ms_join  mix=30 %\n"
        "gain_2  <- ms_mix\n"
        "parallel  <- gain_2\n"
        "parallel_mix  <- ms_mix  wet <- parallel  bypass=on\n"
        "gain_3  <- ms_mix\n");
  CHECK(means("chain:\n  - mid_side ms: {side: [gain]}\n", {{"ms.mix", "10 %"}}) ==
        "ms  <- in\n"
        "gain  <- ms.side\n"
        "ms_join  <- ms.mid  side <- gain\n"
        "ms_mix  <- in  wet <- ms_join  mix=10 %\n");
}

TEST_CASE("load: automation of any moving parameter, also in rows, mix and bypass", "[load]") {
  const Graph g = load_here(
      "chain:\n"
      "  - gain a: {0:00: 0 dB, 1:02: +1.5 dB, 90 s: 0 dB}\n"
      "  - gain b: {gain: 1 dB, mix: {0:00: 0 %, 0:10: 100 %}, bypass: {0:00: off, 2:00: on}}\n");
  const Vertex &a = g.vertices[1], &b = g.vertices[2];
  CHECK(a.automation.at(0) == Timeline{{0, 0}, {62, 1.5f}, {90, 0}});
  CHECK(a.values[0] == 0);
  CHECK(b.automation.at(b.mix_slot()) == Timeline{{0, 0}, {10, 100}});
  CHECK(b.automation.at(b.bypass_slot()) == Timeline{{0, 0}, {120, 1}});
  CHECK(b.values[0] == 1);
}

TEST_CASE("load: $params anywhere a value stands, with --set before the default", "[load]") {
  const std::string yaml =
      "params:\n  up: 2 dB\n  also: $up\n  steps: [gain: 5 dB]\n  line: {0:00: 0 dB, 0:10: $up}\n"
      "chain:\n  - gain: $up\n  - gain: {gain: $also, mix: 50 %}\n  - gain: {0:00: $up, 0:01: 0 dB}\n"
      "  - parallel: {a: $steps}\n  - gain: $line\n";
  CHECK(means(yaml) ==
        "gain  <- in  gain=2 dB\n"
        "gain_2  <- gain  gain=2 dB  mix=50 %\n"
        "gain_3  <- gain_2  automated\n"
        "gain_4  <- gain_3  gain=5 dB\n"
        "parallel  <- gain_4\n"
        "gain_5  <- parallel  automated\n");
  CHECK(means(yaml, {{"up", "4 dB"}}).starts_with("gain  <- in  gain=4 dB\ngain_2  <- gain  gain=4 dB"));
  CHECK(problem("params: {up: 2 dB}\nchain: [gain: $op]\n") ==
        "2:15: this file has no parameter $op; did you mean '$up'?");
  // a wrong value is wrong where it stands
  CHECK(problem("params: {up: 200 dB}\nchain: [gain: $up]\n") ==
        "1:14: gain '200 dB' is out of range; it goes from -80 dB to 24 dB");
}

TEST_CASE("load: --set reaches everything", "[load]") {
  const std::string yaml = "chain:\n  - gain drive: 1 dB\n  - compressor glue: {ratio: 3:1}\n";
  CHECK(means(yaml, {{"drive.gain", "2 dB"}, {"glue.ratio", "4:1"}, {"glue.mix", "20 %"}, {"drive.bypass", "on"}}) ==
        "drive  <- in  gain=2 dB  bypass=on\n"
        "glue  <- drive  ratio=4:1  mix=20 %\n");
  CHECK(means(yaml, {{"drive.gain", "{0:00: 0 dB, 0:10: 3 dB}"}}).starts_with("drive  <- in  automated\n"));
  CHECK(means("chain: [gain a: {0:00: 1 dB, 0:10: 3 dB}]\n", {{"a.gain", "2 dB"}}) == "a  <- in  gain=2 dB\n");
  CHECK(problem(yaml, {{"glue.ration", "3:1"}}) ==
        "--set glue.ration: there is no glue.ration; did you mean 'glue.ratio'?");
  CHECK(problem(yaml, {{"glue.ratio", "3 dB"}}) == "--set glue.ratio: ratio cannot be in 'dB'; write 3:1");
  CHECK(problem(yaml, {{"drive.gain", "{0:00: 0 dB"}}).starts_with("1:"));
  CHECK(problem("chain: [gain a, true_peak m]\naim: {a.gain: {until: m.true_peak, is: -1 dBTP, within: 1 dB}}\n",
                {{"a.gain", "3 dB"}}) == "2:7: a.gain is solved, and set by --set, too; do one or the other");
}

TEST_CASE("load: another graph is a node with its params, inputs, aims and expectations", "[load]") {
  const Folder f;
  f.write("top/part.yaml",
          "params: {up: 1 dB, mix_in: 50 %}\nin: {main: any, key: any}\n"
          "chain:\n  - gain a: {gain: $up, mix: $mix_in}\n  - compressor c: {key: key}\n  - true_peak m\n"
          "aim: {a.gain: {until: m.true_peak, is: -3 dBTP, within: 0.1 dB}}\nexpect: {m.true_peak: .. -1 dBTP}\n");
  f.write("top/below/inner.yaml", "chain: [gain]\n");
  f.write("top/below/outer.yaml", "chain: [./inner, gain]\n");
  f.write("top/main.yaml",
          "chain:\n  - gain first\n  - ./part p: {up: 2 dB, key: in}\n  - ./below/outer\n"
          "  - gain: {in: p.a}\n  - ./part q: {in: first, key: [gain: 9 dB], mix: 25 %}\n");
  CHECK(f.load("top/main.yaml") ==
        "in\n"
        "first  <- in\n"
        "p.a  <- first  gain=2 dB  mix=50 %\n"
        "p.c  <- p.a  key <- in\n"
        "p.m  <- p.c\n"
        "outer.inner.gain  <- p.m\n"
        "outer.gain  <- outer.inner.gain\n"
        "gain  <- p.a\n"
        "gain_2  <- first  gain=9 dB\n"
        "q.a  <- first  gain=1 dB  mix=50 %\n"
        "q.c  <- q.a  key <- gain_2\n"
        "q.m  <- q.c\n"
        "q_mix  <- first  wet <- q.m  mix=25 %\n"
        "aim p.a.gain  until p.m.true_peak is -3 dBTP  within 0.1 dB\n"
        "aim q.a.gain  until q.m.true_peak is -3 dBTP  within 0.1 dB\n"
        "expect p.m.true_peak  .. -1 dBTP\n"
        "expect q.m.true_peak  .. -1 dBTP\n");
  const Graph g =
      load((f.path / "top/main.yaml").string(), builtin(), {{"p.up", "4 dB"}, {"q.c.ratio", "9:1"}, {"q.mix", "5 %"}});
  const std::string text = list(g);
  CHECK(text.find("p.a  <- first  gain=4 dB") != text.npos);
  CHECK(text.find("q.c  <- q.a  key <- gain_2  ratio=9:1") != text.npos);
  CHECK(text.find("q_mix  <- first  wet <- q.m  mix=5 %") != text.npos);
}

TEST_CASE("load: what an include may not do", "[load]") {
  const Folder f;
  f.write("outside.yaml", "chain: [gain]\n");
  f.write("top/self.yaml", "chain: [./self]\n");
  f.write("top/ping.yaml", "chain: [./pong]\n");
  f.write("top/pong.yaml", "chain: [gain, ./below/../ping]\n");
  f.write("top/escape.yaml", "chain: [../outside]\n");
  f.write("top/absolute.yaml", "chain: [/etc/hostname]\n");
  f.write("top/missing.yaml", "chain: [./nowhere]\n");
  f.write("top/writes.yaml", "chain: [gain]\nout: {a.wav: }\n");
  f.write("top/calls.yaml", "chain: [./writes]\n");
  f.write("top/back.yaml", "chain: [./below/up]\n");
  f.write("top/below/up.yaml", "chain: [../harmless]\n");
  f.write("top/harmless.yaml", "chain: [gain]\n");
  f.write("top/folder.yaml", "chain: [./dir]\n");
  fs::create_directories(f.path / "top/dir.yaml");
  fs::create_symlink(f.path / "outside.yaml", f.path / "top/link.yaml");
  f.write("top/linked.yaml", "chain: [./link]\n");
  const auto says = [&](const std::string& file, const std::string& what) {
    const std::string text = f.load(file);
    INFO(text);
    CHECK(text.starts_with(what));
  };
  says("top/self.yaml", "top/self.yaml:1:9: top/self.yaml includes itself; a graph cannot be a part of itself\n");
  says("top/ping.yaml", "top/pong.yaml:1:15: top/ping.yaml includes itself");
  says("top/escape.yaml", "top/escape.yaml:1:9: '../outside' leaves the folder of the graph; ");
  says("top/linked.yaml", "top/linked.yaml:1:9: './link' leaves the folder of the graph; ");
  says("top/absolute.yaml", "top/absolute.yaml:1:9: a graph is included by a relative path");
  says("top/missing.yaml", "top/missing.yaml:1:9: cannot open top/nowhere.yaml; No such file");
  says("top/folder.yaml", "top/folder.yaml:1:9: cannot open top/dir.yaml; it is a folder");
  says("top/calls.yaml", "top/calls.yaml:1:9: ./writes writes files of its own");
  says("top/back.yaml", "in\nup.harmless.gain  <- in\n");
  says("top/none.yaml", "top/none.yaml: cannot open this file; No such file");
  says("top", "top: cannot open this file; it is a folder");
}

TEST_CASE("load: graphs that multiply are stopped", "[load]") {
  const Folder f;
  const std::string tenfold = "[./%, ./%, ./%, ./%, ./%, ./%, ./%, ./%, ./%, ./%]\n";
  for (char c = 'a'; c < 'k'; ++c) {
    std::string body = tenfold;
    for (std::size_t at; (at = body.find('%')) != body.npos;) body[at] = char(c + 1);
    f.write(std::string("top/") + c + ".yaml", "chain: " + body);
  }
  f.write("top/k.yaml", "chain: []\n");
  const std::string text = f.load("top/a.yaml");
  CHECK(text.find("there are too many graphs inside graphs") != text.npos);
}

TEST_CASE("load: outputs of one render", "[load]") {
  CHECK(means("params: {kind: loud}\nchain:\n  - gain a\n  - gain b\n"
              "out:\n  $name.wav:\n  $name.$kind.flac: {bits: 16, from: a, chain: [gain c, gain]}\n"
              "expect:\n") ==
        "a  <- in\n"
        "b  <- a\n"
        "c  <- a\n"
        "gain  <- c\n"
        "$name.wav  <- b  bits=24\n"
        "$name.loud.flac  <- gain  bits=16\n");
}

TEST_CASE("load: aims and expectations reach into outputs' chains", "[load]") {
  CHECK(means("params: {to: -9 LUFS}\nchain: [gain drive]\nout: {a.wav: {chain: [gain g, loudness l]}}\n"
              "aim: {drive.gain: {until: l.integrated, is: $to, within: 0.1 dB}}\nexpect: {l.integrated: -10 .. -8 "
              "LUFS, l.range: 2 LU ..}\n") ==
        "drive  <- in\n"
        "g  <- drive\n"
        "l  <- g\n"
        "a.wav  <- l  bits=24\n"
        "aim drive.gain  until l.integrated is -9 LUFS  within 0.1 LU\n"
        "expect l.integrated  -10 LUFS .. -8 LUFS\n"
        "expect l.range  2 LU ..\n");
}

TEST_CASE("load: layouts of inputs", "[load]") {
  const Graph g = load_here("in: {a: mono, b: stereo, c: any, d: 5.1, e: 7.1.4}\nchain: [gain]\n");
  std::vector<int> channels;
  for (int i = 0; i < 5; ++i) channels.push_back(g.vertices[std::size_t(i)].channels);
  CHECK(channels == std::vector{1, 2, 0, 6, 12});
}

// ---- YAML -----------------------------------------------------------------------------------------------------------

TEST_CASE("load: anchors and merges are resolved, with what stands nearer first", "[load]") {
  CHECK(means("chain:\n"
              "  - compressor a: &loud {threshold: -30 dB, ratio: 4:1}\n"
              "  - compressor b: {<<: *loud, ratio: 3:1}\n"
              "  - compressor c: {ratio: 5:1, <<: [{knee: 1 dB, threshold: -20 dB}, *loud]}\n"
              "  - compressor d: *loud\n") ==
        "a  <- in  threshold=-30 dB  ratio=4:1\n"
        "b  <- a  threshold=-30 dB  ratio=3:1\n"
        "c  <- b  threshold=-20 dB  ratio=5:1  knee=1 dB\n"
        "d  <- c  threshold=-30 dB  ratio=4:1\n");
  // a mistake stands where it was written
  CHECK(problem("chain:\n  - compressor: &a {ratio: 400:1}\n  - compressor: {<<: *a}\n") ==
        "2:28: ratio '400:1' is out of range; it goes from 1:1 to 100:1");
  CHECK(problem("chain:\n  - gain: {<<: 3 dB}\n").starts_with("2:12: '<<' merges a map of settings"));
}

TEST_CASE("load: byte order marks and Windows line ends make no difference, nor do other characters", "[load]") {
  CHECK(means("\xEF\xBB\xBF"
              "chain:\r\n  - gain: 3 dB\r\n") == "gain  <- in  gain=3 dB\n");
  CHECK(problem("\xEF\xBB\xBF"
                "chain:\r\n  - gain: 3 dC\r\n") == "2:11: gain cannot be in 'dC'; write 3 dB");
  CHECK(problems("about: \xC3\xBC\xC3\xBC\nchain: [\"gain \xC3\xA4\", gian]\n") ==
        "g.yaml:2:9: 'ä' is not a name; use a to z, 0 to 9 and _, a letter first\n"
        "  chain: [\"gain ä\", gian]\n"
        "          ^\n"
        "g.yaml:2:19: there is no node 'gian'; did you mean 'gain'?\n"
        "  chain: [\"gain ä\", gian]\n"
        "                    ^\n");
}

TEST_CASE("load: what a graph may not contain", "[load]") {
  CHECK(problem("chain:\n\t- gain\n") == "2:1: there is a tab; indent with spaces, not tabs");
  CHECK(problem("chain: [gain]\t# and a\ttab\n") == "1:14: there is a tab; write spaces, not tabs");
  CHECK(problem("chain: [gain] # a\ttab\n").starts_with("fine"));
  CHECK(problem("chain: [gain]\nchain: [gain]\n") == "2:1: 'chain' is set twice");
  CHECK(problem("chain: [gain]\n---\nchain: [gain]\n")
            .ends_with("a second document starts here; keep one graph in a file; remove '---'"));
  CHECK(problem("---\nchain: [gain]\n...\n").starts_with("fine"));
  CHECK(problem("chain: [gain]\x01\n") == "1:14: there is a control character; remove it; is this a text file?");
  CHECK(problem(std::string("chain: [gain]\0\n", 15)).starts_with("1:14: there is a control character"));
  CHECK(problem("about: \xFF\xFE\nchain: [gain]\n") == "1:8: this is not UTF-8; save the file as UTF-8");
  CHECK(problem("about: \xC0\x80\nchain: [gain]\n").starts_with("1:8: this is not UTF-8"));
  CHECK(problem("about: \xED\xA0\x80\nchain: [gain]\n").starts_with("1:8: this is not UTF-8"));
  CHECK(problem("chain: [gain]\rabout: x\n").starts_with("1:14: there is a lone carriage return"));
  CHECK(problem("chain: [gain: !!float 3 dB]\n").ends_with("a graph has no tags; remove 'tag:yaml.org,2002:float'"));
  CHECK(problem("") == "1:1: there is no chain; add 'chain:' and, below it, one '- node' per line");
  CHECK(problem("gain") == "1:1: this is not a graph; add 'chain:' and, below it, one '- node' per line");
  CHECK(problem("about: x") == "1:1: there is no chain; add 'chain:' and, below it, one '- node' per line");
  CHECK(problem("chain: [gain\n").find("this is not YAML") != std::string::npos);
  CHECK(problem("chain:\n  - gain: &a [*a]\n")
            .ends_with("this alias stands inside what it stands for; a value cannot contain itself"));
  CHECK(problem("chain:\n  - gain: *b\n").find("this is not YAML") != std::string::npos);
  CHECK(problem(std::string(5 << 20, ' ')).starts_with("g.yaml: this is longer than 4 MiB"));
}

TEST_CASE("load: YAML's own traps are translated", "[load]") {
  const auto hint = [](const std::string& yaml) {
    const std::string text = problem(yaml);
    return text.substr(text.rfind("; ") + 2);
  };
  CHECK(hint("chain:\n  - gain\n  -limiter: -1 dBTP\n") == "put a space after '-'");
  CHECK(hint("chain:\n  - gain: gain: 3 dB\n") == "put settings in braces: {name: value}");
  CHECK(hint("chain: [loudness l]\nexpect:\n  l.integrated: >= -9 LUFS\n") == "write a range as '-9 LUFS ..'");
  CHECK(hint("chain:\n  - limiter:\n    ceiling: -1 dBTP\n") == "indent it further, or write limiter: {ceiling: ...}");
}

TEST_CASE("load: nests of brackets end before the stack does", "[load]") {
  for (const char* open : {"[", "{a: ", "- ", "? ", "[{a: ", "!x [", "&a [", "{? [", "{", "{["}) {
    std::string deep = "chain: ";
    if (open[0] == '-' || open[0] == '?') deep = "";
    for (int i = 0; i < 20'000; ++i) deep += open;
    INFO(open);
    CHECK(problems(deep) != "");
  }
  std::string deep;
  for (int i = 0; i < 5'000; ++i) deep += std::string(std::size_t(i % 300), ' ') + "a:\n";
  CHECK(problems(deep) != "");
}

TEST_CASE("load: an alias bomb is defused", "[load]") {
  std::string bomb = "params:\n  a: &a [x, x, x, x, x, x, x, x, x, x]\n";
  for (char c = 'b'; c < 'l'; ++c) {
    bomb += std::string("  ") + c + ": &" + c + " [";
    for (int i = 0; i < 10; ++i) bomb += (i ? ", *" : "*") + std::string(1, char(c - 1));
    bomb += "]\n";
  }
  CHECK(problem(bomb + "chain: [gain]\n")
            .ends_with("this expands to more than 500000 values; aliases of aliases multiply: write less"));
}

TEST_CASE("load: a hundred thousand nodes are refused, ten thousand load, both soon", "[load][slow]") {
  const auto nodes = [](int n) {
    std::string yaml = "chain:\n";
    for (int i = 0; i < n; ++i) yaml += "  - gain: 1 dB\n";
    return yaml;
  };
  const auto begun = std::chrono::steady_clock::now();
  CHECK(problem(nodes(100'000)) == "10001:5: the graph has more than 10000 nodes; split it into several runs");
  CHECK(load_here(nodes(9'999)).vertices.size() == 10'000);
  std::string wrong = "chain:\n";
  for (int i = 0; i < 9'000; ++i) wrong += "  - gain n" + std::to_string(i) + ": {in: m" + std::to_string(i) + "}\n";
  CHECK(problems(wrong).find("and 150 more\n") != std::string::npos);
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(20));  // a loaded machine with sanitizers
}

// ---- mistakes -------------------------------------------------------------------------------------------------------

TEST_CASE("load: mistakes are explained, all at once", "[load]") {
  for (const char* name : {"wrong", "wrong_yaml", "wrong_sections"}) {
    std::string text;
    try {
      text = list(load(source + "/tests/graphs/" + name + ".yaml", builtin()));
    } catch (const Problems& p) {
      text = p.what();
    }
    for (std::size_t at; (at = text.find(source + "/")) != text.npos;) text.erase(at, source.size() + 1);
    golden(text, std::string("tests/golden/") + name + ".txt");
  }
}

TEST_CASE("load: many mistakes are counted, and what is printed cannot command a terminal", "[load]") {
  std::string yaml = "chain:\n";
  for (int i = 0; i < 80; ++i) yaml += "  - gian\n";
  const std::string text = problems(yaml);
  CHECK(text.ends_with("and 30 more\n"));
  const std::string odd = problems("chain:\n  - \"\\x1b[31m" + std::string(1000, 'x') + "\"\n");
  CHECK(odd.find('\x1b') == odd.npos);
  CHECK(odd.size() < 1500);
}
