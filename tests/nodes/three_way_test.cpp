#include "core/math.hpp"
#include "tests/rig.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <complex>
#include <numbers>

using namespace lacquer;

namespace {
double dB_of(std::complex<double> x) { return 20 * std::log10(std::max(std::abs(x), 1e-12)); }

std::vector<Signal> impulse(Rig& rig, std::size_t frames) {
  Signal in(1, std::vector<float>(frames));
  in[0][0] = 1;
  return rig.outputs(in);
}
}  // namespace

TEST_CASE("three_way: the bands add up flat") {
  for (const char* splits : {"{low_split: 150 Hz, high_split: 2.5 kHz}", "{low_split: 800 Hz, high_split: 900 Hz}"})
    for (double rate : {44100.0, 192000.0}) {
      Rig rig(std::string("three_way: ") + splits, 1, rate);
      const auto bands = impulse(rig, std::size_t(rate / 3));
      for (double f : {30.0, 75.0, 150.0, 300.0, 850.0, 2500.0, 6000.0, 18000.0}) {
        INFO(splits << " at " << rate << " Hz: " << f);
        const auto sum =
            response(bands[0][0], f, rate) + response(bands[1][0], f, rate) + response(bands[2][0], f, rate);
        CHECK(dB_of(sum) == Approx(0).margin(0.0005));
      }
    }
}

TEST_CASE("three_way: every band is 6 dB down at its split and falls by 24 dB an octave") {
  Rig rig("three_way: {low_split: 200 Hz, high_split: 3.2 kHz}", 1, 48000);
  const auto bands = impulse(rig, 24000);
  const auto at = [&](std::size_t band, double f) { return dB_of(response(bands[band][0], f, 48000)); };
  CHECK(at(0, 200) == Approx(-6.02).margin(0.02));
  CHECK(at(1, 200) == Approx(-6.02).margin(0.02));
  CHECK(at(1, 3200) == Approx(-6.02).margin(0.02));
  CHECK(at(2, 3200) == Approx(-6.02).margin(0.02));
  // |LR4| = 1 / (1 + (f/f0)^4), on the bilinear transform's frequency scale
  const auto fall = [](double f, double f0) {
    const auto scale = [](double x) { return std::tan(std::numbers::pi * x / 48000); };
    return -20 * std::log10(1 + std::pow(scale(f) / scale(f0), 4));
  };
  CHECK(at(0, 800) == Approx(fall(800, 200)).margin(0.02));
  CHECK(at(2, 400) == Approx(fall(3200, 400) + fall(200, 400)).margin(0.02));
  CHECK(at(1, 800) == Approx(0).margin(0.1));
}

TEST_CASE("three_way: splits on the move leave the sum an all-pass of steady level") {
  Rig rig("three_way: {low_split: 100 Hz}", 1);
  rig.outputs(sine(-6, 1000, 0.1, 1));
  rig.set("low_split", "1 kHz");
  const auto bands = rig.outputs(sine(-6, 1000, 0.5, 1));
  Signal sum = bands[0];
  for (std::size_t i = 0; i < sum[0].size(); ++i) sum[0][i] += bands[1][0][i] + bands[2][0][i];
  CHECK(level(sum) == Approx(-6).margin(0.01));
  float step = 0;
  for (std::size_t i = 1; i < sum[0].size(); ++i) step = std::max(step, std::abs(sum[0][i] - sum[0][i - 1]));
  CHECK(step < 0.5f * 0.1309f * 1.3f);  // the tone's own steepest step, a little more while its phase turns
}

TEST_CASE("three_way: refuses a split above the programme") {
  CHECK(Rig("three_way: {high_split: 16 kHz}", 2, 32000).refusal.find("half the sample rate") != std::string::npos);
  CHECK(Rig("three_way", 2, 8000).ready());
}
