// tests/nodes/channels_test.cpp — channels and silence: who is heard where, and when.

#include "tests/rig.hpp"

#include <catch2/catch.hpp>

#include <cmath>

using namespace lacquer;

TEST_CASE("channels: each arrangement says what it does", "[channels]") {
  const Signal in{{0.25f, -0.5f, 1.0f}, {0.5f, 0.125f, -1.0f}};
  const auto as = [&](const char* how) { return Rig(std::string("channels: {as: ") + how + "}").run(in); };
  CHECK(as("they_are") == in);
  CHECK(as("swapped") == Signal{in[1], in[0]});
  CHECK(as("left") == Signal{in[0], in[0]});
  CHECK(as("right") == Signal{in[1], in[1]});
  const std::vector<float> half{0.375f, -0.1875f, 0.0f};
  CHECK(as("mono") == Signal{half, half});
  CHECK_FALSE(Rig("channels: {as: mono}", 1).ready());
  CHECK(Rig("channels", 6).ready());
}

TEST_CASE("silence: a passage is silent, its edges are half a cosine, all else is untouched", "[silence]") {
  Rig silence("silence: {from: 100 ms, to: 200 ms, fade: 10 ms}");
  const Signal in = noise(-6, 0.4);
  const Signal out = silence.run(in);
  for (std::size_t i = 0; i < in[0].size(); ++i) {
    const double t = (double(i) + 0.5) / 48;  // ms
    double gain = 1;
    if (t > 90 && t < 100) gain = 0.5 - 0.5 * std::cos((100 - t) / 10 * 3.14159265358979);
    if (t > 100 && t < 200) gain = 0;
    if (t > 200 && t < 210) gain = 0.5 - 0.5 * std::cos((t - 200) / 10 * 3.14159265358979);
    if (gain == 1)
      REQUIRE(out[0][i] == in[0][i]);
    else
      REQUIRE(double(out[0][i]) == Approx(double(in[0][i]) * gain).margin(1e-6));
  }
}

TEST_CASE("silence: alone it silences everything", "[silence]") {
  Rig silence("silence");
  const Signal out = silence.run(noise(0, 0.2));
  for (const auto& c : out)
    for (const float x : c) REQUIRE(x == 0);
}
