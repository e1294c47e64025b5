// tests/contract_test.cpp — what every node promises. A new node is in here from the day its file exists.

#include "core/math.hpp"
#include "core/units.hpp"
#include "nodes/builtin.hpp"
#include "tests/rig.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>

using namespace lacquer;

namespace {

const std::vector<const lacquer_node_type*> all(builtin().types().begin(), builtin().types().end());

bool finite(const std::vector<Signal>& outputs) {
  for (const Signal& s : outputs)
    for (const auto& c : s)
      for (float x : c)
        if (!std::isfinite(x)) return false;
  return true;
}
bool same_bits(const std::vector<Signal>& a, const std::vector<Signal>& b) {
  bool same = a.size() == b.size();
  for (std::size_t o = 0; same && o < a.size(); ++o) same = lacquer::same_bits(a[o], b[o]);
  return same;
}
// A programme with something in it for every node: quiet, loud, apart in left and right, with a length.
Signal programme(int channels = 2) {
  Signal s = noise(-30, 0.1, channels) + noise(-3, 0.1, channels, 2) + noise(-60, 0.05, channels, 3);
  return s;
}
// Ready to process: a node that listens has heard the programme.
void hear(Rig& rig, const Signal& in) {
  rig.length = std::int64_t(in[0].size());
  if (rig.type.listen) rig.listen(in), rig.reset();
}

}  // namespace

TEST_CASE("nodes set to other ways of working do not care either how the stream is cut", "[contract]") {
  const std::string step = GENERATE(
      "saturate: {drive: 12 dB, kind: tape, head_bump: 3 dB}", "saturate: {drive: 12 dB, kind: tape, oversampling: 1}",
      "saturate: {drive: 12 dB, antialias: on, bias: 20 %}", "saturate: {drive: 12 dB, antialias: on, oversampling: 1}",
      "saturate: {drive: 12 dB, kind: transformer, tone: 6 dB, oversampling: 4}",
      "width: [20 Hz: {width: 30 %}, 200 Hz: {width: 150 %}, 4 kHz: {}]",
      "multiband: [band: {to: 120 Hz, ratio: 2:1}, band: {to: 1 kHz, ratio: 3:1}, band: {to: 6 kHz}, band: {gain: 2 "
      "dB}]",
      "multiband: {phase: linear, rows: [band: {to: 400 Hz, ratio: 2:1}, band: {ratio: 3:1}]}",
      "linear_eq: [bell: {freq: 1 kHz, gain: 6 dB}, high_shelf: {freq: 8 kHz, gain: -3 dB}]",
      "compressor: {detector: rms, threshold: -30 dB, link: 50 %}",
      "compressor: {detector: loudness, threshold: -30 dB}", "dither: {bits: 16, noise: shaped}",
      "eq: [bell: {freq: 1 kHz, gain: 6 dB}, low_cut: {freq: 40 Hz, slope: 96}]");
  INFO(step);
  const Signal in = programme();
  Signal whole;
  for (int block : {256, 1, 64, 1024, 0}) {
    for (const bool in_place : {true, false}) {
      Rig rig(step);
      REQUIRE(rig.ready());
      rig.block = block;
      rig.in_place = in_place;
      const Signal out = rig.run(in);
      if (whole.empty()) whole = out;
      INFO("block " << block << (in_place ? ", in place" : ""));
      CHECK(lacquer::same_bits(out, whole));
    }
  }
}

TEST_CASE("every node keeps the contract", "[contract]") {
  const lacquer_node_type& type = *GENERATE(from_range(all));
  const double rate = GENERATE(44100.0, 192000.0);
  INFO(type.name << " at " << rate << " Hz");
  const Signal in = programme();
  Rig rig(type, 2, rate);
  REQUIRE(rig.ready());
  hear(rig, in);
  const auto first = rig.outputs(in);

  SECTION("forgets everything on reset") {
    rig.reset();
    CHECK(same_bits(rig.outputs(in), first));
  }
  SECTION("may be prepared again, for another width") {
    Rig other(type, 6, rate);
    other.again(1);
    other.again(2);
    REQUIRE(other.ready());
    hear(other, in);
    CHECK(same_bits(other.outputs(in), first));
  }
  SECTION("does not care how the stream is cut into blocks") {
    for (int block : {1, 64, 1024, 0}) {
      Rig other(type, 2, rate);
      other.block = block;
      INFO("block " << block);
      hear(other, in);
      CHECK(same_bits(other.outputs(in), first));
      other.finish();
      if (block == 1) {
        rig.finish();
        for (std::uint32_t r = 0; r < type.result_count; ++r) {
          const double a = rig.result(type.results[r].name), b = other.result(type.results[r].name);
          INFO(type.results[r].name << ": " << a << ", " << b);
          CHECK((a == b || (std::isnan(a) && std::isnan(b))));
        }
      }
    }
  }
  SECTION("gives the same bits in place and into fresh memory") {
    Rig other(type, 2, rate);
    other.in_place = false;
    hear(other, in);
    CHECK(same_bits(other.outputs(in), first));
  }
  SECTION("may start before the programme, behind the latency of other nodes") {
    const int late = 137;
    const Signal padded = Signal(2, std::vector<float>(late, 0.0f)) + in;
    std::vector<std::vector<Signal>> runs;
    for (int block : {256, 1, 0}) {
      Rig other(type, 2, rate);
      other.block = block;
      other.late = late;
      other.reset();
      other.length = std::int64_t(in[0].size());
      if (type.listen) other.listen(padded), other.reset();
      runs.push_back(other.outputs(padded));
      CHECK(finite(runs.back()));
      CHECK(same_bits(runs.back(), runs.front()));
      other.finish();
      if (std::string_view(type.doc).find("passes unchanged") == std::string_view::npos) continue;
      if (block == 256) rig.finish();
      for (std::uint32_t r = 0; r < type.result_count; ++r) {  // a meter hears the programme, not what comes before
        const double a = rig.result(type.results[r].name), b = other.result(type.results[r].name);
        INFO(type.results[r].name << ": " << a << ", " << b);
        CHECK((a == b || (std::isnan(a) && std::isnan(b))));
      }
    }
  }
  SECTION("stays finite on silence, denormals and 24 dB too much") {
    for (float db : {-200.0f, -790.0f, 24.0f}) {
      INFO(db << " dB");
      CHECK(finite(rig.outputs(noise(db, 0.1))));
    }
    CHECK(finite(rig.outputs(Signal(2, std::vector<float>(2000, 0.0f)))));
  }
  SECTION("stays finite with every parameter at either end, and on its way there, however that is cut") {
    for (std::uint32_t p = 0; p < type.param_count; ++p)
      for (float end : {type.params[p].range.min, type.params[p].range.max})
        if (type.params[p].motion != LACQUER_FIXED) {
          INFO(type.params[p].name << " = " << end);
          const std::string value = format(end, type.params[p].unit);
          Rig whole(type, 2, rate), cut(type, 2, rate);
          cut.block = 0;
          for (Rig* r : {&whole, &cut}) {
            hear(*r, in);
            r->outputs(in);
            r->set(type.params[p].name, value);
          }
          const auto moved = whole.outputs(in);
          CHECK(finite(moved));
          CHECK(same_bits(cut.outputs(in), moved));
        }
  }
}

TEST_CASE("every node works at any rate and width, or says why not", "[contract]") {
  const lacquer_node_type& type = *GENERATE(from_range(all));
  for (double rate : {8000.0, 48000.0, 384000.0})
    for (int channels : {1, 2, 3, 6, 16}) {
      INFO(type.name << ", " << channels << " channels at " << rate << " Hz");
      Rig rig(type, channels, rate);
      if (!rig.ready()) {
        CHECK(rig.refusal.find(type.name) != std::string::npos);
        continue;
      }
      const Signal in = programme(channels);
      hear(rig, in);
      CHECK(finite(rig.outputs(in)));
    }
}

TEST_CASE("every node is as late as it says", "[contract]") {
  const lacquer_node_type& type = *GENERATE(from_range(all));
  if (type.output_count > 1) return;
  Rig rig(type);
  REQUIRE(rig.ready());
  const Signal in = noise(-20, 0.5);
  hear(rig, in);
  const Signal out = rig.run(in);
  Rig unheard(type);
  hear(unheard, in);
  if (same_bits(unheard.run(Signal(2, std::vector<float>(in[0].size()))), out)) return;  // puts its own in its place
  const int most = rig.latency() + 64;
  double best = -1;
  int late = 0;
  for (int lag = std::max(0, rig.latency() - 64); lag <= most; ++lag) {
    double sum = 0;
    for (std::size_t i = std::size_t(most); i < out[0].size(); ++i)
      sum += double(out[0][i]) * double(in[0][i - std::size_t(lag)]);
    if (std::abs(sum) > best) best = std::abs(sum), late = lag;
  }
  INFO(type.name);
  if (late == rig.latency()) return;
  // Where all-passes turn much of the spectrum white noise may agree best a frame off. What begins there is there.
  Rig struck(type);
  hear(struck, in);
  Signal impulse(2, std::vector<float>(std::size_t(most) + 200));
  for (auto& c : impulse) c[100] = 0.25f;
  const std::vector<float> response = struck.run(impulse)[0];
  const auto begin = std::find_if(response.begin(), response.end(), [](float x) { return std::abs(x) > 1e-3f; });
  INFO("white noise agrees best at " << late);
  CHECK(begin - response.begin() - 100 == rig.latency());
}

TEST_CASE("every parameter reads back what it prints", "[contract]") {
  for (const lacquer_node_type* t : all) {
    const auto check = [&](const lacquer_param& p) {
      if (std::string_view(p.unit.symbol) == "path") return;
      for (float v : {p.init, p.range.min, p.range.max}) {
        INFO(t->name << "." << p.name << " = " << v);
        CHECK(parse(format(v, p.unit), p) == v);
      }
    };
    std::for_each(t->params, t->params + t->param_count, check);
    std::for_each(t->row, t->row + t->row_param_count, check);
  }
}

TEST_CASE("every meter passes the signal unchanged", "[contract]") {
  const lacquer_node_type& type = *GENERATE(from_range(all));
  if (std::string_view(type.doc).find("passes unchanged") == std::string_view::npos) return;
  INFO(type.name);
  Rig rig(type);
  const Signal in = programme();
  CHECK(lacquer::same_bits(rig.run(in), in));
}
