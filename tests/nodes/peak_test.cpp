// tests/nodes/peak_test.cpp

#include "tests/rig.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <cmath>

using namespace lacquer;

TEST_CASE("peak: the highest sample of any channel, and where it is") {
  Signal s = noise(-20, 1);
  s[1][30000] = -0.5f;
  Rig m("peak");
  CHECK(same_bits(m.run(s), s));
  CHECK(m.result("peak") == Approx(-6.0206).margin(0.001));
  const auto d = nlohmann::json::parse(m.details());
  CHECK(d["channels"][1]["at_s"].get<double>() == Approx(30000 / 48000.0));
  CHECK(d["channels"][0]["peak_dbfs"].get<double>() == Approx(-20).margin(0.01));
}

TEST_CASE("peak: silence has none, and what is not programme does not count") {
  Rig m("peak");
  m.length = 4800;
  m.run(steady(-200, 0.1) + steady(0, 0.1));
  CHECK(m.result("peak") < -190);
  Rig silent("peak");
  silent.run(Signal(2, std::vector<float>(4800)));
  CHECK(silent.result("peak") == -INFINITY);
}
