// tests/nodes/split_bands_test.cpp

#include "tests/rig.hpp"

#include <catch2/catch.hpp>

#include <cmath>

using namespace lacquer;

TEST_CASE("split_bands: flat together, 6 dB down where they meet, 24 dB an octave beyond") {
  for (const double rate : {44100.0, 96000.0}) {
    Rig rig("split_bands: 500 Hz", 1, rate);
    Signal in(1, std::vector<float>(std::size_t(rate / 3)));
    in[0][0] = 1;
    const auto bands = rig.outputs(in);
    REQUIRE(bands.size() == 2);
    for (double f : {30.0, 250.0, 500.0, 2000.0, 18000.0})
      CHECK(std::abs(response(bands[0][0], f, rate) + response(bands[1][0], f, rate)) == Approx(1).margin(0.00005));
    CHECK(response_db(bands[0][0], 500, rate) == Approx(-6.02).margin(0.02));
    CHECK(response_db(bands[1][0], 500, rate) == Approx(-6.02).margin(0.02));
    CHECK(response_db(bands[0][0], 2000, rate) == Approx(-20 * std::log10(1 + 256)).margin(0.3));
    CHECK(response_db(bands[1][0], 125, rate) == Approx(-20 * std::log10(1 + 256)).margin(0.3));
  }
  CHECK(Rig("split_bands: 15 kHz", 2, 32000).refusal.find("half the sample rate") != std::string::npos);
}
