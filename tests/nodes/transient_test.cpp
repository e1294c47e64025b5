// tests/nodes/transient_test.cpp — steps of a tone: a rise of so many decibels is so much attack.

#include "tests/rig.hpp"

#include <catch2/catch.hpp>

#include <cmath>

using namespace lacquer;

TEST_CASE("transient: at nought not one bit changes", "[transient]") {
  Rig t("transient");
  const Signal s = noise(-40, 0.3) + noise(-3, 0.3);
  CHECK(same_bits(t.run(s), s));
}

TEST_CASE("transient: a steady tone is left alone", "[transient]") {
  const double freq = GENERATE(100.0, 1000.0);
  Rig t("transient: {attack: 100 %, sustain: 100 %}");
  t.run(sine(-20, freq, 4));
  CHECK(std::abs(t.result("change")) < 0.05);
}

TEST_CASE("transient: a rise is raised by the share asked for, and forgotten in the time that is said", "[transient]") {
  struct Case {
    double attack, ms;
  };
  const Case c = GENERATE(Case{50, 30}, Case{-50, 30}, Case{25, 100});
  Rig t("transient: {range: 24 dB, attack: " + std::to_string(int(c.attack)) +
        " %, attack_time: " + std::to_string(int(c.ms)) + " ms}");
  t.run(sine(-40, 1000, 1));
  const auto db = trace(t, sine(-20, 1000, 0.6), "change");
  std::size_t top = 0;
  for (std::size_t i = 0; i < db.size(); ++i)
    if (std::abs(db[i]) > std::abs(db[top])) top = i;
  const double most = c.attack / 100 * 20;
  CHECK(db[top] / most > 0.9);
  CHECK(db[top] / most < 1.001);
  CHECK(double(top) / 4 < 5);
  std::size_t end = top;
  while (end < db.size() && std::abs(db[end]) > std::abs(most) / std::exp(1.0)) ++end;
  CHECK(double(end) / 4 == Approx(c.ms).epsilon(0.1));
}

TEST_CASE("transient: quiet or loud, the shape is the same", "[transient]") {
  Rig quiet("transient: {attack: 60 %, sustain: -40 %}"), loud("transient: {attack: 60 %, sustain: -40 %}");
  const Signal rise = sine(-20, 500, 0.3) + sine(0, 500, 0.2) + sine(-25, 500, 0.3);
  Signal less = rise;
  for (auto& channel : less)
    for (float& x : channel) x *= 0.03125f;
  const auto a = trace(loud, rise, "change"), b = trace(quiet, less, "change");
  for (std::size_t i = 1000; i < a.size(); ++i) REQUIRE(a[i] == Approx(b[i]).margin(0.01));
}

TEST_CASE("transient: what follows a fall is raised or shortened, and no further than the range", "[transient]") {
  const int share = GENERATE(50, -50);
  Rig t("transient: {range: 24 dB, sustain_time: 300 ms, sustain: " + std::to_string(share) + " %}");
  t.run(sine(-10, 1000, 1));
  const auto db = trace(t, sine(-40, 1000, 3), "change");
  double most = 0;
  for (const double x : db)
    if (std::abs(x) > std::abs(most)) most = x;
  CHECK(most * share > 0);
  CHECK(std::abs(most) > 0.5 * 30 * 0.7);
  CHECK(std::abs(most) < 0.5 * 30);
  CHECK(std::abs(db.back()) < 0.1);
  Rig tight("transient: {range: 3 dB, sustain: 100 %, attack: 100 %}");
  tight.run(sine(-60, 1000, 0.2) + sine(0, 1000, 0.2) + sine(-60, 1000, 0.2));
  CHECK(tight.result("furthest") == Approx(3).margin(1e-6));
}
