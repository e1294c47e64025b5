#include "core/dsp/loudness.hpp"
#include "core/math.hpp"
#include "tests/rig.hpp"

#include <catch2/catch.hpp>

#include <cmath>

using namespace lacquer;

namespace {
double loudness_of(const Signal& s, double rate = 48000) {
  LoudnessMeter meter;
  meter.prepare({.rate = rate, .channels = int(s.size()), .integrated_only = true});
  std::vector<const float*> in;
  for (const auto& c : s) in.push_back(c.data());
  meter.add(in.data(), 0, int(s[0].size()));
  meter.finish();
  return meter.integrated();
}
}  // namespace

TEST_CASE("normalize: reaches the loudness with one gain") {
  const Signal in = noise(-30, 1) + noise(-12, 2, 2, 5) + noise(-20, 1, 2, 9);
  for (const char* to : {"-14 LUFS", "-23 LUFS"}) {
    Rig rig(std::string("normalize: ") + to);
    rig.length = std::int64_t(in[0].size());
    rig.listen(in);
    const Signal out = rig.run(in);
    CHECK(loudness_of(out) == Approx(std::stod(to)).margin(0.005));
    CHECK(rig.result("heard") == Approx(loudness_of(in)).margin(1e-6));
    const double gain = db_to_gain(rig.result("gain"));
    for (std::size_t i = 0; i < in[0].size(); i += 97)
      CHECK(double(out[0][i]) == Approx(gain * double(in[0][i])).epsilon(2e-6));
  }
}

TEST_CASE("normalize: a sine at 997 Hz reads its level, by BS.1770") {
  // 0 dBFS in one channel is -3.01 LKFS; in both, 0.0
  const Signal in = sine(-20, 997, 2);
  Rig rig("normalize: -20 LUFS");
  rig.length = std::int64_t(in[0].size());
  rig.listen(in);
  CHECK(level(rig.run(in)) == Approx(-20).margin(0.01));
}

TEST_CASE("normalize: reset keeps what it has heard, listening again hears anew") {
  const Signal loud = noise(-6, 1), quiet = noise(-26, 1);
  Rig rig("normalize: -14 LUFS");
  rig.length = std::int64_t(loud[0].size());
  rig.listen(loud);
  const Signal first = rig.run(loud);
  rig.reset();
  CHECK(same_bits(rig.run(loud), first));
  rig.reset();
  rig.listen(quiet);
  rig.run(quiet);
  CHECK(rig.result("gain") == Approx(-14 - loudness_of(quiet)).margin(1e-4));
}

TEST_CASE("normalize: what has no loudness stays as it is") {
  const Signal silence = steady(-790, 1), brief = noise(-20, 0.3);
  for (const Signal& in : {silence, brief}) {
    Rig rig("normalize: -14 LUFS");
    rig.length = std::int64_t(in[0].size());
    rig.listen(in);
    CHECK(same_bits(rig.run(in), in));
    CHECK(rig.result("gain") == 0);
    CHECK_FALSE(std::isfinite(rig.result("heard")));
  }
}
