// tests/contract_test.cpp — what every node promises. A new node is in here from the day its file exists.

#include "core/units.hpp"
#include "nodes/builtin.hpp"
#include "tests/rig.hpp"

#include <catch2/catch.hpp>

#include <cmath>

using namespace lacquer;

namespace {
const std::vector<const lacquer_node_type*> all(builtin().types().begin(), builtin().types().end());
bool finite(const Signal& s) {
  for (const auto& c : s)
    for (float x : c)
      if (!std::isfinite(x)) return false;
  return true;
}
}  // namespace

TEST_CASE("every node") {
  const lacquer_node_type& type = *GENERATE(from_range(all));
  const double rate = GENERATE(44100.0, 192000.0);
  INFO(type.name << " at " << rate << " Hz");
  const Signal in = noise(-6, 0.25);
  Rig rig(type, 2, rate);
  REQUIRE(rig.ready());
  const Signal first = rig.run(in);

  SECTION("forgets everything on reset") {
    rig.reset();
    CHECK(same_bits(rig.run(in), first));
  }
  SECTION("does not care how the stream is cut into blocks") {
    for (int block : {1, 64, 1024, 0}) {
      Rig other(type, 2, rate);
      other.block = block;
      INFO("block " << block);
      CHECK(same_bits(other.run(in), first));
    }
  }
  SECTION("gives the same bits in place and into fresh memory") {
    Rig other(type, 2, rate);
    other.in_place = false;
    CHECK(same_bits(other.run(in), first));
  }
  SECTION("stays finite on silence, denormals and 24 dB too much") {
    for (float db : {-200.0f, -790.0f, 24.0f}) {
      INFO(db << " dB");
      CHECK(finite(rig.run(noise(db, 0.1))));
    }
  }
  SECTION("stays finite with every parameter at either end") {
    for (std::uint32_t p = 0; p < type.param_count; ++p)
      for (float end : {type.params[p].range.min, type.params[p].range.max})
        if (type.params[p].motion != LACQUER_FIXED) {
          rig.set(type.params[p].name, format(end, type.params[p].unit));
          CHECK(finite(rig.run(in)));
        }
  }
}

TEST_CASE("every parameter reads back what it prints") {
  for (const lacquer_node_type* t : all)
    for (std::uint32_t i = 0; i < t->param_count; ++i)
      for (float v : {t->params[i].init, t->params[i].range.min, t->params[i].range.max}) {
        INFO(t->name << "." << t->params[i].name << " = " << v);
        CHECK(parse(format(v, t->params[i].unit), t->params[i]) == Approx(v).epsilon(1e-5));
      }
}
