// tests/nodes/stereo_test.cpp

#include "tests/rig.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <cmath>

using namespace lacquer;

namespace {
struct Measured {
  Rig rig{"stereo"};
  explicit Measured(const Signal& s, int block = 256) {
    rig.block = block;
    rig.run(s);
    rig.finish();
  }
  double operator[](const char* r) const { return rig.result(r); }
};
// left and right from two independent noises
Signal mix(double l1, double l2, double r1, double r2, double seconds = 2) {
  const Signal a = noise(-12, seconds, 2, 5);
  Signal s = a;
  for (std::size_t i = 0; i < a[0].size(); ++i) {
    s[0][i] = float(l1 * double(a[0][i]) + l2 * double(a[1][i]));
    s[1][i] = float(r1 * double(a[0][i]) + r2 * double(a[1][i]));
  }
  return s;
}
}  // namespace

TEST_CASE("stereo: the same in both channels, nothing in common, opposite") {
  const Measured same(mix(1, 0, 1, 0)), apart(mix(1, 0, 0, 1)), opposite(mix(1, 0, -1, 0));
  CHECK(same["correlation"] == Approx(1));
  CHECK(same["mono_loss"] == Approx(0).margin(0.001));
  CHECK(same["dual_mono"] == 1);
  CHECK(same["side_mid"] == -INFINITY);
  CHECK(apart["correlation"] == Approx(0).margin(0.02));
  CHECK(apart["mono_loss"] == Approx(-3.01).margin(0.1));
  CHECK(apart["side_mid"] == Approx(0).margin(0.1));
  CHECK(apart["dual_mono"] == 0);
  CHECK(apart["inverted"] == 0);
  CHECK(std::isnan(apart["delay"]));
  CHECK(opposite["correlation"] == Approx(-1));
  CHECK(opposite["mono_loss"] == -INFINITY);
  CHECK(opposite["inverted"] == 1);
}

TEST_CASE("stereo: balance, and the same signal at two levels") {
  const Measured m(mix(1, 0, 0.5, 0));
  CHECK(m["balance"] == Approx(6.02).margin(0.01));
  CHECK(m["false_stereo"] == 1);
  CHECK(m["dual_mono"] == 0);
  CHECK(m["side_mid"] == Approx(20 * std::log10(0.25 / 0.75)).margin(0.01));
  const auto bands = nlohmann::json::parse(m.rig.details())["bands"];
  CHECK(bands.size() == 5);
  for (const auto& band : bands)  // left over right, there, too
    CHECK(band["balance_db"].get<double>() == Approx(6.02).margin(0.01));
  const Measured left(mix(1, 0, 0, 0));
  CHECK(std::isnan(left["correlation"]));
  CHECK(left["balance"] == INFINITY);
}

TEST_CASE("stereo: the lowest correlation of 400 ms, where it is") {
  const Measured m(mix(1, 0, 1, 0.2, 2) + mix(1, 0, -0.9, 0.3, 1) + mix(1, 0, 1, 0.2, 2));
  CHECK(m["correlation_min"] == Approx(-0.9 / std::sqrt(0.9)).margin(0.03));
  const auto d = nlohmann::json::parse(m.rig.details());
  CHECK(d["correlation_min_at_s"].get<double>() >= 1.99);
  CHECK(d["correlation_min_at_s"].get<double>() <= 2.61);
}

TEST_CASE("stereo: a late channel is found, to the frame") {
  for (int late : {-200, 0, 7, 480}) {
    Signal s = noise(-12, 2, 2, 8);
    for (std::size_t i = 0; i < s[0].size(); ++i) {
      const std::ptrdiff_t j = std::ptrdiff_t(i) - late;
      s[1][i] = j >= 0 && j < std::ptrdiff_t(s[0].size()) ? s[0][std::size_t(j)] : 0;
    }
    CHECK(Measured(s)["delay"] == Approx(late / 48.0).margin(1e-6));
  }
}

TEST_CASE("stereo: by band") {
  // bass the same in both, treble opposite
  Signal s = sine(-20, 60, 2) + Signal(2);
  const Signal high = sine(-20, 5000, 2);
  for (std::size_t i = 0; i < s[0].size(); ++i) s[0][i] += high[0][i], s[1][i] -= high[0][i];
  const Measured m(s);
  CHECK(m["correlation"] == Approx(0).margin(0.01));
  const auto bands = nlohmann::json::parse(m.rig.details())["bands"];
  CHECK(bands.front()["correlation"].get<double>() == Approx(1).margin(0.001));
  for (const auto& b : bands)
    if (b["from_hz"] == 2000) CHECK(b["correlation"].get<double>() == Approx(-1).margin(0.001));
}

TEST_CASE("stereo: two channels, whatever the cuts, and silence") {
  Rig mono("stereo", 1);
  mono.run(noise(-6, 1, 1));  // nothing to say, and no reason to stop a run
  mono.finish();
  for (const char* r : {"correlation", "balance", "dual_mono"}) CHECK(std::isnan(mono.result(r)));
  const Signal s = mix(1, 0.3, 0.2, 1, 1.3);
  const Measured whole(s, 1000);
  for (int block : {1, 64, 0}) {
    const Measured m(s, block);
    for (const char* r : {"correlation", "correlation_min", "mono_loss", "balance", "side_mid"})
      CHECK(m[r] == whole[r]);
    CHECK(m.rig.details() == whole.rig.details());
  }
  const Measured silent(Signal(2, std::vector<float>(48000)));
  for (const char* r : {"correlation", "correlation_min", "mono_loss", "balance", "delay"})
    CHECK(std::isnan(silent[r]));
  CHECK_NOTHROW(nlohmann::json::parse(silent.rig.details()));
}
