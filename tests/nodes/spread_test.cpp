// tests/nodes/spread_test.cpp

#include "tests/rig.hpp"

#include <catch2/catch.hpp>

#include <cmath>

using namespace lacquer;

namespace {
double correlation(const Signal& s, std::size_t from) {
  double ll = 0, rr = 0, lr = 0;
  for (std::size_t i = from; i < s[0].size(); ++i) {
    const double l = double(s[0][i]), r = double(s[1][i]);
    ll += l * l, rr += r * r, lr += l * r;
  }
  return lr / std::sqrt(ll * rr);
}
}  // namespace

TEST_CASE("spread: the mono sum is what it was, whatever is spread") {
  const Signal s = noise(-12, 0.5, 2, 4);
  Rig rig("spread: 100 %");
  const Signal out = rig.run(s);
  double worst = 0;
  for (std::size_t i = 0; i < s[0].size(); ++i)
    worst = std::max(worst, std::abs(double(out[0][i]) + double(out[1][i]) - double(s[0][i]) - double(s[1][i])));
  CHECK(worst < 1e-6);
}

TEST_CASE("spread: a mono source becomes wide above the corner, and stays in the middle below") {
  Signal mono = noise(-12, 2, 2, 4);
  mono[1] = mono[0];
  Rig none("spread"), half("spread: 50 %"), whole("spread: 100 %");
  CHECK(same_bits(none.run(mono), mono));
  CHECK(correlation(half.run(mono), 4800) == Approx((1 - 0.25) / (1 + 0.25)).margin(0.03));  // M^2 - S^2 over M^2 + S^2
  CHECK(correlation(whole.run(mono), 4800) == Approx(0).margin(0.04));
  Signal impulse(2, std::vector<float>(48000));
  impulse[0][0] = impulse[1][0] = 1;
  Rig rig("spread: {amount: 100 %, from: 300 Hz}");
  const Signal h = rig.run(impulse);
  std::vector<float> side(h[0].size());
  for (std::size_t i = 0; i < side.size(); ++i) side[i] = (h[0][i] - h[1][i]) / 2;
  const auto db = [&](double f) { return response_db(side, f); };
  CHECK(db(300) == Approx(-3.01).margin(0.05));  // Butterworth
  CHECK(db(75) == Approx(-24.1).margin(0.3));    // 12 dB an octave
  for (double f : {1200.0, 3000.0, 9000.0, 18000.0}) CHECK(db(f) == Approx(0).margin(0.05));
  // no echo: of the side's energy nearly all comes within 5 ms
  double early = 0, all = 0;
  for (std::size_t i = 0; i < side.size(); ++i) {
    all += double(side[i]) * double(side[i]);
    if (i < 240) early += double(side[i]) * double(side[i]);
  }
  CHECK(early / all > 0.99);
}

TEST_CASE("spread: begins without a click, and needs two channels") {
  Rig rig("spread");
  const Signal before = rig.run(sine(-6, 60, 0.5));
  rig.set("amount", "100 %");
  const Signal out = before + rig.run(sine(-6, 60, 1));
  CHECK(highest_beside(out[0], 60, 300) < -95);
  CHECK(!Rig("spread", 1).ready());
}
