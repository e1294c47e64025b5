// tests/nodes/phase_align_test.cpp

#include "tests/rig.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <numbers>

using namespace lacquer;

namespace {
// the same programme in both channels, the right `late` frames behind
Signal apart(double late, double seconds = 2) {
  Signal s(2, std::vector<float>(std::size_t(seconds * 48000)));
  const double tones[] = {97, 311, 733, 1571, 3203, 5077, 8111, 11003};
  for (std::size_t i = 0; i < s[0].size(); ++i)
    for (const double f : tones) {
      const double t = double(i) / 48000, d = late / 48000;
      const auto at = [&](double x) { return std::sin(2 * std::numbers::pi * f * x + f) * std::sin(x * f / 17); };
      s[0][i] += float(0.08 * at(t));
      s[1][i] += float(0.08 * at(t - d));
    }
  return s;
}
double difference(const Signal& s, std::size_t skip) {
  double d = 0, all = 0;
  for (std::size_t i = skip; i < s[0].size(); ++i) {
    d += std::pow(double(s[0][i]) - double(s[1][i]), 2);
    all += std::pow(double(s[0][i]), 2);
  }
  return 10 * std::log10(d / all);
}
}  // namespace

TEST_CASE("phase_align: moves the right channel by whole frames and by parts of one, earlier and later") {
  for (const double late : {12.0, -7.0, 0.5, 20.25, -33.3}) {
    Rig rig("phase_align: {shift: " + std::to_string(-late / 48) + " ms}");
    const Signal out = rig.run(apart(late));
    INFO(late << " frames");
    CHECK(difference(out, 4800) < -80);
    CHECK(rig.latency() >= std::abs(late));
    CHECK(rig.result("shifted") == Approx(-late / 48).margin(1e-6));
    // the left channel is only delayed by the latency
    const Signal in = apart(late);
    bool same = true;
    for (std::size_t i = 0; i + std::size_t(rig.latency()) < in[0].size(); ++i)
      same = same && out[0][i + std::size_t(rig.latency())] == in[0][i];
    CHECK(same);
  }
}

TEST_CASE("phase_align: finds the shift by listening") {
  for (const double late : {31.0, -18.4, 250.0}) {
    Rig rig("phase_align: {auto: on}");
    const Signal s = apart(late, 4);
    rig.listen(s);
    const Signal out = rig.run(s);
    INFO(late << " frames");
    CHECK(rig.result("shifted") * 48 == Approx(-late).margin(0.1));
    CHECK(difference(out, 9600) < -35);
  }
  Rig unrelated("phase_align: {auto: on}");
  const Signal s = noise(-12, 1, 2, 3);
  unrelated.listen(s);
  unrelated.run(s);
  CHECK(unrelated.result("shifted") == 0);
}

TEST_CASE("phase_align: nothing to do is nothing done; it needs two channels") {
  const Signal s = noise(-12, 0.1);
  Rig rig("phase_align");
  CHECK(rig.latency() == 0);
  CHECK(same_bits(rig.run(s), s));
  CHECK(!Rig("phase_align", 1).ready());
}
