// tests/nodes/loudness_test.cpp — what the node makes of core/dsp/loudness and true_peak. The standards' own signals
// are in tests/conformance_test.cpp.

#include "core/dsp/loudness.hpp"
#include "tests/rig.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>

using namespace lacquer;
using nlohmann::json;

namespace {
// Programme with a life of its own: noise whose level wanders over some 20 dB.
Signal wandering(double seconds, double rate, unsigned seed) {
  Signal s = noise(-10, seconds * rate / 48000, 2, seed);
  for (std::size_t i = 0; i < s[0].size(); ++i) {
    const double t = double(i) / rate;
    const double db = -10 + 6 * std::sin(t * 0.9 + seed) + 5 * std::sin(t * 0.23) + 3 * std::sin(t * 3.1);
    for (auto& c : s) c[i] *= float(std::pow(10, db / 20));
  }
  return s;
}

// Tech 3342, annex: 3 s windows every 100 ms over the programme and 1.5 s of silence, sorted, counted.
double range_by_the_book(Signal s, double rate) {
  for (auto& c : s) c.resize(c.size() + std::size_t(1.5 * rate));
  const KWeighting k = k_weighting(rate);
  std::vector<double> sum(s[0].size() + 1);
  for (auto& c : s) {
    double z[4] = {}, total = 0;
    for (std::size_t i = 0; i < c.size(); ++i) {
      const double x = double(c[i]), u = k.shelf.b0 * x + z[0];
      z[0] = k.shelf.b1 * x - k.shelf.a1 * u + z[1];
      z[1] = k.shelf.b2 * x - k.shelf.a2 * u;
      const double v = k.high_pass.b0 * u + z[2];
      z[2] = k.high_pass.b1 * u - k.high_pass.a1 * v + z[3];
      z[3] = k.high_pass.b2 * u - k.high_pass.a2 * v;
      sum[i + 1] += total += v * v;
    }
  }
  const std::size_t length = std::size_t(3 * rate), hop = std::size_t(rate / 10);
  std::vector<double> windows, loud, kept;
  for (std::size_t end = length; end < sum.size(); end += hop)
    windows.push_back((sum[end] - sum[end - length]) / double(length));
  double mean = 0;
  for (double p : windows)
    if (lufs(p) >= -70) loud.push_back(p), mean += p;
  mean /= double(loud.size());
  for (double p : loud)
    if (p >= mean / 100) kept.push_back(p);
  std::sort(kept.begin(), kept.end());
  const auto at = [&](double percent) {
    return lufs(kept[std::size_t(std::lround(double(kept.size() - 1) * percent / 100))]);
  };
  return at(95) - at(10);
}
}  // namespace

TEST_CASE("loudness: a sine says what the standard says") {
  Rig m("loudness");
  m.run(sine(-23, 1000, 5));
  m.finish();
  for (const char* r : {"integrated", "momentary", "short_term", "momentary_max", "short_term_max"})
    CHECK(m.result(r) == Approx(-23).margin(0.01));
  CHECK(m.result("true_peak") == Approx(-23).margin(0.01));
  CHECK(m.result("plr") == Approx(0).margin(0.02));
  CHECK(m.result("psr_min") == Approx(0).margin(0.02));
}

TEST_CASE("loudness: the range of short programmes is that of the text") {
  const double seconds = GENERATE(7.0, 15.0, 33.3), rate = 8000;
  const Signal s = wandering(seconds, rate, unsigned(seconds));
  Rig m("loudness", 2, rate);
  m.run(s);
  m.finish();
  INFO(seconds << " s");
  CHECK(m.result("range") == Approx(range_by_the_book(s, rate)).margin(0.01));
  CHECK(m.result("range") == Approx(m.result("range_high") - m.result("range_low")));
  CHECK(json::parse(m.details())["range_settled"] == false);
}

TEST_CASE("loudness: results appear when their windows are full, and not before") {
  Rig m("loudness");
  m.run(sine(-20, 1000, 0.35));
  CHECK(std::isnan(m.result("integrated")));
  CHECK(std::isnan(m.result("momentary")));
  m.run(sine(-20, 1000, 0.15));
  CHECK(m.result("momentary") == Approx(-20).margin(0.3));
  CHECK(m.result("integrated") == Approx(-20).margin(0.3));
  CHECK(std::isnan(m.result("short_term")));
  m.run(sine(-20, 1000, 3));
  CHECK(m.result("short_term") == Approx(-20).margin(0.1));
}

TEST_CASE("loudness: psr is the true peak over the loudness of the same 3 s") {
  // a click at 10 s lifts the peak of its 3 s only, so the smallest ratio is elsewhere
  Signal s = sine(-12, 1000, 20);
  for (auto& c : s) c[480100] = 1;
  Rig m("loudness");
  m.run(s);
  m.finish();
  CHECK(m.result("psr_min") == Approx(0).margin(0.05));
  CHECK(m.result("plr") > 10);
  const json psr = json::parse(m.details())["series"]["psr"];
  REQUIRE(psr.size() == 200);
  CHECK(psr[28].is_null());
  CHECK(psr[99].get<double>() == Approx(0).margin(0.05));
  for (int i = 100; i < 130; ++i) CHECK(psr[std::size_t(i)].get<double>() == Approx(12).margin(0.1));
  CHECK(psr[130].get<double>() == Approx(0).margin(0.05));
}

TEST_CASE("loudness: psr knows the crests between the samples") {
  // tones whose samples all miss the crest; the loudness of a tone is known from the K curve
  for (const double freq : {1000.0, 6001.0, 9600.0, 12000.0, 14001.0, 17000.0, 19997.0}) {
    Rig m("loudness");
    Signal s(2, std::vector<float>(48000 * 4));
    for (auto& c : s)
      for (std::size_t i = 0; i < c.size(); ++i)
        c[i] = float(0.25 * std::cos(2 * std::numbers::pi * (freq * double(i) / 48000 + 0.125)));
    m.run(s);
    m.finish();
    INFO(freq << " Hz");
    CHECK(m.result("psr_min") == Approx(-12.04 - m.result("integrated")).margin(0.05));
  }
}

TEST_CASE("loudness: psr ends with the programme, wherever that is") {
  // the silence that the loudness range wants behind the end is no programme
  const double rate = GENERATE(8000.0, 22050.0, 44100.0, 48000.0, 96000.0), seconds = GENERATE(4.0, 4.05, 4.07, 4.0999);
  Signal s = sine(-12, 1000, seconds, 2, rate);
  for (auto& c : s)  // to the end without an edge, whose overshoot would count
    for (std::size_t i = 0; i < std::size_t(rate / 100); ++i) c[c.size() - 1 - i] *= float(i) / float(rate / 100);
  Rig m("loudness", 2, rate);
  m.run(s);
  m.finish();
  INFO(seconds << " s at " << rate << " Hz");
  CHECK(m.result("psr_min") == Approx(0).margin(0.1));
  CHECK(m.result("psr") == Approx(0).margin(0.1));
  const json series = json::parse(m.details())["series"];
  CHECK(series["psr"].size() == 40);
  CHECK(series["momentary"].size() == 40);
}

TEST_CASE("loudness: counts stretches over full scale") {
  Signal s = sine(-6, 1000, 1);
  for (const std::size_t at : {4800u, 14400u, 14500u, 40000u}) s[0][at] = 1.4f;
  s[1][30000] = -1.2f;
  Rig m("loudness");
  m.run(s);
  m.finish();
  CHECK(m.result("overs") == 4);  // two of them are less than 10 ms apart
  Rig without("loudness: {peaks: off}");
  without.run(s);
  without.finish();
  for (const char* r : {"overs", "true_peak", "psr", "psr_min", "plr"}) CHECK(std::isnan(without.result(r)));
}

TEST_CASE("loudness: a mono file can count for two speakers") {
  for (const auto& [settings, wanted] : {std::pair{"loudness", -23 - 3.01}, {"loudness: {dual_mono: on}", -23.0}}) {
    Rig m(settings, 1);
    m.run(sine(-23, 1000, 1, 1));
    m.finish();
    CHECK(m.result("integrated") == Approx(wanted).margin(0.01));
  }
}

TEST_CASE("loudness: counts the programme only, not the latency around it") {
  const Signal tone = sine(-18, 1000, 4);
  Rig plain("loudness"), late("loudness");
  plain.run(tone);
  plain.finish();
  late.length = 4 * 48000;
  late.run(tone + sine(0, 500, 1));  // what lies behind the end is not programme
  late.finish();
  for (const char* r : {"integrated", "momentary_max", "true_peak", "range"}) CHECK(late.result(r) == plain.result(r));
}

TEST_CASE("loudness: details hold the maxima's places and the curves to plot") {
  Rig m("loudness");
  m.run(steady(-200, 2) + sine(-20, 1000, 1) + sine(-40, 1000, 3));
  m.finish();
  const json d = json::parse(m.details());
  CHECK(d["momentary_max"]["lufs"].get<double>() == Approx(-20).margin(0.02));
  CHECK(d["momentary_max"]["from_s"].get<double>() >= 1.99);
  CHECK(d["momentary_max"]["to_s"].get<double>() <= 3.01);
  CHECK(d["series"]["every_s"].get<double>() == Approx(0.1));
  REQUIRE(d["series"]["momentary"].size() == 60);
  CHECK(d["series"]["momentary"][10].is_null());  // silence
  CHECK(d["series"]["momentary"][29].get<double>() == Approx(-20).margin(0.05));
  CHECK(d["series"]["short_term"][20].is_null());
  CHECK(d["true_peak"].size() == 2);
  LoudnessHistogram h;
  h.prepare();
  for (const auto& b : d["blocks"]) h.add(b[0], b[1], b[2]);
  CHECK(h.integrated().loudness == Approx(m.result("integrated")).margin(1e-9));
}

TEST_CASE("loudness: every number is the same however the stream is cut") {
  const Signal s = wandering(4.3, 48000, 9);
  const auto all = [&](int block) {
    Rig m("loudness");
    m.block = block;
    m.run(s);
    std::vector<double> v;
    for (std::uint32_t i = 0; i < m.type.result_count; ++i) v.push_back(m.result(m.type.results[i].name));
    m.finish();
    for (std::uint32_t i = 0; i < m.type.result_count; ++i) v.push_back(m.result(m.type.results[i].name));
    return v;
  };
  const auto whole = all(1000);
  for (int block : {7, 64, 0}) CHECK(all(block) == whole);
}

TEST_CASE("loudness: silence, denormals, one sample and 40 dB too much have answers") {
  Rig silent("loudness");
  silent.run(Signal(2, std::vector<float>(48000 * 4)));
  silent.finish();
  CHECK(silent.result("integrated") == -INFINITY);
  CHECK(silent.result("true_peak") == -INFINITY);
  CHECK(std::isnan(silent.result("range")));
  CHECK(std::isnan(silent.result("plr")));
  CHECK_NOTHROW(json::parse(silent.details()));
  Rig single("loudness");
  single.run({{1.0f}, {1.0f}});
  single.finish();
  CHECK(std::isnan(single.result("integrated")));
  CHECK(single.result("true_peak") == Approx(0).margin(0.001));
  Rig loud("loudness");
  loud.run(sine(40, 1000, 1));
  loud.finish();
  CHECK(loud.result("integrated") == Approx(40).margin(0.02));
  Rig many("loudness", 24);
  many.run(sine(-30, 1000, 1, 24));
  CHECK(many.ready());
  CHECK(many.result("momentary") == Approx(-30 - 3.01 + 13.80).margin(0.02));
  Rig denormal("loudness");
  denormal.run(Signal(2, std::vector<float>(48000, 1e-40f)));
  denormal.finish();
  CHECK(denormal.result("true_peak") == -INFINITY);
  CHECK(denormal.result("integrated") == -INFINITY);
  Rig short_one("loudness");
  short_one.run(wandering(2.9, 48000, 3));
  short_one.finish();
  for (const char* r : {"range", "range_low", "range_high"}) CHECK(std::isnan(short_one.result(r)));
}
