// tests/nodes/eq_test.cpp — equaliser and cuts against their analogue prototypes, written out here from the textbook.

#include "core/dsp/filter_design.hpp"
#include "tests/rig.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <complex>
#include <functional>
#include <numbers>
#include <random>

using namespace lacquer;

namespace {
using Complex = std::complex<double>;

double dB_of(double x) { return 20 * std::log10(std::max(x, 1e-15)); }

/// What comes out of one channel when an impulse goes into all; long enough for what is asked at `rate`.
std::vector<float> impulse_response(const std::string& step, double rate, std::size_t frames, int channels = 1) {
  Rig rig(step, channels, rate);
  REQUIRE(rig.ready());
  const std::vector<float> silence(frames);
  Signal in(unsigned(channels), silence);
  for (auto& c : in) c[0] = 1;
  return rig.run(in)[0];
}
Complex transform(const std::vector<float>& h, double f, double rate) {
  Complex sum = 0, turn = std::polar(1.0, -2 * std::numbers::pi * f / rate), now = 1;
  for (float x : h) sum += double(x) * now, now *= turn;
  return sum;
}
double gain_at(const std::vector<float>& h, double f, double rate) { return dB_of(std::abs(transform(h, f, rate))); }

std::vector<double> from_20_to_20k(double rate) {
  std::vector<double> f;
  for (int i = 0; i <= 60; ++i) f.push_back(20 * std::pow(1000.0, i / 60.0));
  for (double x = 15250; x < 20000; x += 250) f.push_back(x);
  while (f.back() > 0.4536 * rate) f.pop_back();
  return f;
}

// Prototypes, s = j f / f0: R. Bristow-Johnson, Audio EQ Cookbook, with A = 10^(dB/40).
using Analog = std::function<Complex(Complex s)>;
Analog bell(double gain, double q) {
  const double a = std::pow(10, gain / 40);
  return [=](Complex s) { return (s * s + s * a / q + 1.0) / (s * s + s / (a * q) + 1.0); };
}
Analog low_shelf(double gain, double q) {
  const double a = std::pow(10, gain / 40), r = std::sqrt(a) / q;
  return [=](Complex s) { return a * (s * s + r * s + a) / (a * s * s + r * s + 1.0); };
}
Analog high_shelf(double gain, double q) {
  const double a = std::pow(10, gain / 40), r = std::sqrt(a) / q;
  return [=](Complex s) { return a * (a * s * s + r * s + 1.0) / (s * s + r * s + a); };
}
Analog tilt(double gain) {
  const double b = std::pow(10, gain / 20);
  return [=](Complex s) { return (1.0 + b * s) / (b + s); };
}
double worst_error(const std::string& step, const Analog& h, double f0, double rate, std::size_t frames = 16384) {
  const auto response = impulse_response(step, rate, frames);
  double worst = 0;
  for (double f : from_20_to_20k(rate)) {
    const double wanted = dB_of(std::abs(h(Complex(0, f / f0)))), error = gain_at(response, f, rate) - wanted;
    if (wanted > -60) worst = std::max(worst, std::abs(error));
  }
  return worst;
}
std::string row(const std::string& kind, double f, double gain, double q) {
  return "eq: [ " + kind + ": {freq: " + std::to_string(f) + " Hz, gain: " + std::to_string(gain) +
         " dB, q: " + std::to_string(q) + "} ]";
}

}  // namespace

TEST_CASE("eq: bells follow the analogue curve to 0.05 dB from 20 Hz to 20 kHz at 44.1 kHz") {
  for (double f : {100.0, 1000.0, 3000.0, 5000.0, 8000.0, 12000.0, 16000.0, 18000.0})
    for (double gain : {-12.0, 3.0, 12.0})
      for (double q : {0.707, 1.0, 4.0}) {
        INFO(f << " Hz, " << gain << " dB, q " << q);
        CHECK(worst_error(row("bell", f, gain, q), bell(gain, double(float(q))), f, 44100, 8192) < 0.05);
      }
}

TEST_CASE("eq: shelves follow the analogue curve to 0.05 dB") {
  for (double f : {80.0, 1000.0, 5000.0, 12000.0, 16000.0})
    for (double gain : {-12.0, 6.0})
      for (double q : {0.5, 0.707, 1.0}) {
        INFO(f << " Hz, " << gain << " dB, q " << q);
        CHECK(worst_error(row("low_shelf", f, gain, q), low_shelf(gain, q), f, 44100) < 0.05);
        CHECK(worst_error(row("high_shelf", f, gain, q), high_shelf(gain, q), f, 44100) < 0.05);
      }
}

TEST_CASE("eq: other rates are no worse") {
  for (double rate : {48000.0, 96000.0, 192000.0}) {
    INFO(rate);
    CHECK(worst_error(row("bell", 16000, 12, 1), bell(12, 1), 16000, rate) < 0.05);
    CHECK(worst_error(row("high_shelf", 12000, -12, 0.707), high_shelf(-12, 0.707), 12000, rate) < 0.05);
    CHECK(worst_error(row("bell", 60, 6, 2), bell(6, 2), 60, rate, 65536) < 0.01);
  }
}

TEST_CASE("eq: a tilt turns around its frequency") {
  for (double gain : {-6.0, 6.0}) {
    CHECK(worst_error(row("tilt", 1000, gain, 0.707), tilt(gain), 1000, 44100) < 0.05);
    const auto h = impulse_response(row("tilt", 1000, gain, 0.707), 44100, 16384);
    CHECK(gain_at(h, 1000, 44100) == Approx(0).margin(0.01));
    CHECK(gain_at(h, 10, 44100) == Approx(-gain).margin(0.02));
    CHECK(gain_at(h, 20000, 44100) == Approx(gain).margin(0.1));
  }
}

TEST_CASE("eq: notch and band pass") {
  for (double f : {50.0, 1000.0, 9000.0}) {
    const auto notch = impulse_response(row("notch", f, 0, 2), 44100, 32768);
    CHECK(gain_at(notch, f, 44100) < -100);
    const auto band = impulse_response(row("band_pass", f, 0, 2), 44100, 32768);
    CHECK(gain_at(band, f, 44100) == Approx(0).margin(0.03));
    for (double side : {0.5, 2.0}) {
      const Complex s(0, side);
      INFO(f * side);
      CHECK(gain_at(notch, f * side, 44100) ==
            Approx(dB_of(std::abs((s * s + 1.0) / (s * s + s / 2.0 + 1.0)))).margin(0.03));
      CHECK(gain_at(band, f * side, 44100) == Approx(dB_of(std::abs(s / 2.0 / (s * s + s / 2.0 + 1.0)))).margin(0.03));
    }
  }
}

TEST_CASE("cuts: the corner, and the fall of every slope and alignment") {
  const struct {
    const char* text;
    int order;
  } slopes[] = {{"6", 1}, {"12", 2}, {"18", 3}, {"24", 4}, {"36", 6}, {"48", 8}, {"72", 12}, {"96", 16}};
  const double rate = 48000, f0 = 1000;
  for (const auto& slope : slopes)
    for (const std::string kind : {"low_cut", "high_cut"}) {
      const bool low = kind == "low_cut";
      const auto response = [&](const std::string& alignment) {
        return impulse_response(kind + ": {freq: 1 kHz, slope: " + slope.text + ", alignment: " + alignment + "}", rate,
                                8192);
      };
      INFO(kind << " " << slope.text);
      const auto butterworth = response("butterworth");
      CHECK(gain_at(butterworth, f0, rate) == Approx(-3.0103).margin(0.01));
      for (double octave : {-1.0, -0.5, 0.5, 1.0}) {
        const double x = std::exp2(low ? -octave : octave), wanted = -10 * std::log10(1 + std::pow(x, 2 * slope.order));
        if (wanted > -80) CHECK(gain_at(butterworth, f0 * std::exp2(octave), rate) == Approx(wanted).margin(0.03));
      }
      if (slope.order % 2 == 0) {
        const auto riley = response("linkwitz_riley");
        CHECK(gain_at(riley, f0, rate) == Approx(-6.0206).margin(0.01));
        const double wanted = -20 * std::log10(1 + std::pow(2, slope.order));
        if (wanted > -80) CHECK(gain_at(riley, low ? 500 : 2000, rate) == Approx(wanted).margin(0.03));
      }
      CHECK(gain_at(response("bessel"), f0, rate) == Approx(-3.0103).margin(0.03));
    }
}

TEST_CASE("high_cut: up to Nyquist like its prototype") {
  for (double f : {2000.0, 8000.0, 16000.0, 20000.0}) {
    INFO(f);
    const auto h = impulse_response("high_cut: " + std::to_string(f) + " Hz", 44100, 8192);
    for (double x : from_20_to_20k(44100))
      CHECK(gain_at(h, x, 44100) == Approx(-10 * std::log10(1 + std::pow(x / f, 4))).margin(0.05));
  }
}

TEST_CASE("high_cut: a Bessel filter keeps its shape in time") {
  // its step response overshoots by less than 1 %, a Butterworth's of 48 dB per octave by 16 %
  const auto overshoot = [](const char* alignment) {
    Rig rig(std::string("high_cut: {freq: 1 kHz, slope: 48, alignment: ") + alignment + "}", 1);
    const Signal out = rig.run(steady(0, 0.05, 1));
    return double(*std::max_element(out[0].begin(), out[0].end())) - 1;
  };
  CHECK(overshoot("bessel") < 0.01);
  CHECK(overshoot("butterworth") == Approx(0.163).margin(0.01));
}

TEST_CASE("eq: low and high cut of Linkwitz and Riley add up to an all-pass") {
  const auto low = impulse_response("high_cut: {freq: 500 Hz, slope: 24, alignment: linkwitz_riley}", 48000, 16384);
  const auto high = impulse_response("low_cut: {freq: 500 Hz, slope: 24, alignment: linkwitz_riley}", 48000, 16384);
  for (double f : {60.0, 250.0, 500.0, 1000.0, 2000.0})
    CHECK(dB_of(std::abs(transform(low, f, 48000) + transform(high, f, 48000))) == Approx(0).margin(0.02));
}

TEST_CASE("eq: a cut undoes a boost") {
  const Signal in = noise(-6, 0.5);
  for (const char* rows : {"bell: {freq: 60 Hz, gain: +9 dB, q: 2} - bell: {freq: 60 Hz, gain: -9 dB, q: 2}",
                           "bell: {freq: 16 kHz, gain: +12 dB, q: 1} - bell: {freq: 16 kHz, gain: -12 dB, q: 1}",
                           "high_shelf: {freq: 12 kHz, gain: 12 dB} - high_shelf: {freq: 12 kHz, gain: -12 dB}",
                           "low_shelf: {freq: 120 Hz, gain: 6 dB} - low_shelf: {freq: 120 Hz, gain: -6 dB}",
                           "tilt: {freq: 900 Hz, gain: 4 dB} - tilt: {freq: 900 Hz, gain: -4 dB}"}) {
    std::string text = rows;
    text.replace(text.find("} - "), 4, "}, ");
    Rig rig("eq: [" + text + "]");
    const Signal out = rig.run(in);
    INFO(text);
    CHECK(dB_of(double(distance(out, in))) <= -140);  // below a bit of a float at full scale
  }
}

TEST_CASE("eq: bands at 0 dB pass the signal bit for bit") {
  const Signal in = noise(-3, 0.2);
  Rig rig("eq: [bell: 1 kHz, low_shelf: 100 Hz, high_shelf: 8 kHz, tilt: 1 kHz, bell: {freq: 3 kHz, channel: mid}]");
  CHECK(same_bits(rig.run(in), in));
  // and a band that comes back to 0 dB does so too, when it has rung out
  Rig moved("eq: [bell: {freq: 1 kHz, gain: 3 dB}]");
  moved.run(in);
  moved.set("1.gain", "0 dB");
  moved.run(in);
  CHECK(same_bits(moved.run(in), in));
}

TEST_CASE("eq: nothing of the cut shows, with rows of every kind, at rest and on the move") {
  const std::string step =
      "eq: [low_cut: {freq: 30 Hz, slope: 18}, bell: {freq: 80 Hz, gain: 2 dB}, bell: {freq: 300 Hz, gain: -3 dB, "
      "channel: mid}, bell: {freq: 16 kHz, gain: 6 dB, channel: left}, high_shelf: {freq: 8 kHz, gain: 3 dB, channel: "
      "side}, notch: {freq: 50 Hz, q: 8}, tilt: {freq: 1 kHz, gain: 1 dB}, band_pass: {freq: 500 Hz, q: 0.3}, "
      "high_cut: "
      "{freq: 19 kHz, slope: 48, alignment: bessel}]";
  const Signal in = noise(-6, 0.15);
  const auto run = [&](int block, bool in_place) {
    Rig rig(step);
    REQUIRE(rig.ready());
    rig.block = block;
    rig.in_place = in_place;
    Signal out = rig.run(in);
    rig.set("2.freq", "120 Hz");
    rig.set("5.gain", "0 dB");
    rig.set("1.slope", "36");
    rig.set("6.q", "1");
    out = out + rig.run(in);
    rig.set("5.gain", "-5 dB");
    rig.set("3.channel", "right");
    return out + rig.run(in);
  };
  const Signal first = run(256, true);
  for (int block : {1, 3, 64, 1024, 0}) {
    INFO(block);
    CHECK(same_bits(run(block, true), first));
  }
  CHECK(same_bits(run(256, false), first));
}

TEST_CASE("eq: errors lie below -155 dBFS, even 30 Hz at 192 kHz") {
  const double rate = 192000;
  Signal in = noise(-20, 0.5, 1);
  Rig rig("eq: [bell: {freq: 30 Hz, gain: 6 dB, q: 4}]", 1, rate);
  const Signal out = rig.run(in);
  const Design d = FilterDesigner(rate)({.freq = 30, .gain_db = 6, .q = 4});
  REQUIRE((d.count == 1 && !d.section[0].corrected));
  const Biquad& q = d.section[0].main;
  long double x1 = 0, x2 = 0, y1 = 0, y2 = 0, sum = 0;
  for (std::size_t i = 0; i < in[0].size(); ++i) {
    const long double x = in[0][i], y = q.b0 * x + q.b1 * x1 + q.b2 * x2 - q.a1 * y1 - q.a2 * y2;
    x2 = x1, x1 = x, y2 = y1, y1 = y;
    sum += (out[0][i] - y) * (out[0][i] - y);
  }
  CHECK(10 * std::log10(double(sum / (long double)(in[0].size()))) < -155);
}

TEST_CASE("eq: settings that never rest leave no trace beside the tone") {
  const struct {
    const char *step, *param, *here, *there;
    double tone;
  } moves[] = {
      {"eq: [bell: {freq: 1 kHz, gain: 0 dB, q: 1}]", "1.gain", "0 dB", "12 dB", 1000},
      {"eq: [bell: {freq: 16 kHz, gain: 12 dB, q: 1}]", "1.gain", "12 dB", "-12 dB", 1000},
      {"eq: [bell: {freq: 500 Hz, gain: 6 dB, q: 2}]", "1.freq", "500 Hz", "2 kHz", 1000},
      {"eq: [bell: {freq: 1 kHz, gain: 6 dB, q: 0.5}]", "1.q", "0.5", "4", 1000},
      {"eq: [low_shelf: {freq: 60 Hz, gain: 9 dB}]", "1.freq", "60 Hz", "300 Hz", 100},
      {"low_cut: {freq: 20 Hz, slope: 24}", "freq", "20 Hz", "100 Hz", 100},
      {"high_cut: {freq: 4 kHz, slope: 24}", "freq", "4 kHz", "1 kHz", 500},
  };
  const std::size_t piece = 1024, n = 8 * piece;  // a glide takes 960 frames
  std::vector<double> window;
  for (std::size_t i = 0; i < n; ++i)
    window.push_back(std::pow(std::sin(std::numbers::pi * (double(i) + 0.5) / double(n)), 4));
  for (const auto& m : moves) {
    INFO(m.step << " " << m.param << " to " << m.there);
    Rig rig(m.step, 1);
    const Signal tone = sine(-6, m.tone, 0.5, 1);
    std::vector<float> out;
    for (std::size_t k = 0; k < 16; ++k) {
      rig.set(m.param, k % 2 ? m.here : m.there);
      const auto from = tone[0].begin() + std::ptrdiff_t(k * piece);
      const Signal moved = rig.run({std::vector<float>(from, from + std::ptrdiff_t(piece))});
      out.insert(out.end(), moved[0].begin(), moved[0].end());
    }
    double worst = -300;
    for (double f = std::max(6 * m.tone, 2500.0); f < 22000; f *= 1.003) {
      Complex line = 0, now = 1;
      const Complex turn = std::polar(1.0, -2 * std::numbers::pi * f / 48000);
      for (std::size_t i = 0; i < n; ++i, now *= turn) line += double(out[n + i]) * window[i] * now;
      worst = std::max(worst, dB_of(std::abs(line) / (0.1875 * double(n))));
    }
    CHECK(worst < -90);
  }
}

TEST_CASE("eq: sides") {
  const Signal in = noise(-12, 0.2);
  const auto run = [&](const std::string& step) { return Rig(step).run(in); };
  const Signal stereo = run("eq: [bell: {freq: 1 kHz, gain: 6 dB}]");
  const Signal left = run("eq: [bell: {freq: 1 kHz, gain: 6 dB, channel: left}]");
  CHECK(distance({left[0]}, {stereo[0]}) == 0);
  CHECK(distance({left[1]}, {in[1]}) == 0);
  const Signal right = run("eq: [bell: {freq: 1 kHz, gain: 6 dB, channel: right}]");
  CHECK(distance({right[0]}, {in[0]}) == 0);
  CHECK(distance({right[1]}, {stereo[1]}) == 0);
  // the same on mid and side is the same on left and right; a mid band alone leaves the side as it is
  const Signal both =
      run("eq: [bell: {freq: 1 kHz, gain: 6 dB, channel: mid}, bell: {freq: 1 kHz, gain: 6 dB, channel: side}]");
  CHECK(distance(both, stereo) < 2e-7f);
  const Signal mid = run("eq: [bell: {freq: 1 kHz, gain: 6 dB, channel: mid}]");
  float side = 0, middle = 0;
  for (std::size_t i = 0; i < in[0].size(); ++i) {
    side = std::max(side, std::abs((mid[0][i] - mid[1][i]) - (in[0][i] - in[1][i])));
    middle = std::max(middle, std::abs((mid[0][i] + mid[1][i]) - (stereo[0][i] + stereo[1][i])));
  }
  CHECK(side < 3e-7f);
  CHECK(middle < 6e-7f);
}

TEST_CASE("eq and cuts: what cannot be is refused with a reason") {
  CHECK(Rig("eq: [bell: {channel: mid}]", 1).refusal.find("stereo") != std::string::npos);
  CHECK(Rig("low_cut: {slope: 18, alignment: linkwitz_riley}").refusal.find("linkwitz_riley") != std::string::npos);
  CHECK(Rig("eq: [high_cut: {slope: 6, alignment: linkwitz_riley}]").refusal.find("linkwitz_riley") !=
        std::string::npos);
  CHECK(Rig("eq: [low_cut: {slope: 24, alignment: linkwitz_riley}]", 16).ready());
}

TEST_CASE("eq: a band that changes its kind, slope or channel while it runs does not click") {
  const struct {
    const char *eq, *param, *to;
  } steps[] = {{"eq: [bell: {freq: 1 kHz, gain: 12 dB, q: 1}]", "1.channel", "left"},
               {"eq: [bell: {freq: 60 Hz, gain: 12 dB, q: 1}]", "1.channel", "side"},
               {"eq: [low_shelf: {freq: 200 Hz, gain: -9 dB, channel: left}]", "1.channel", "right"},
               {"eq: [low_shelf: {freq: 200 Hz, gain: -9 dB}]", "1.kind", "high_shelf"},
               {"eq: [low_cut: {freq: 50 Hz, slope: 24}, bell: 3 kHz]", "1.slope", "48"}};
  for (const auto& step : steps) {
    Rig rig(step.eq);
    const Signal tone = sine(-12, 60, 3);
    Signal before = tone, after = tone;
    for (auto& c : before) c.resize(48000 + 200);  // a quarter of a period past a zero: at a crest
    for (auto& c : after) c.erase(c.begin(), c.begin() + 48000 + 200);
    const Signal first = rig.run(before);
    rig.set(step.param, step.to);
    const Signal out = first + rig.run(after);
    INFO(step.eq << " to " << step.to);
    for (const auto& c : out)
      CHECK(highest_beside({c.begin() + 24000, c.end()}, 60, 300) < -95);  // nearer: the change of level
  }
  // a second change while the first fades waits for its turn, and the last one holds
  Rig rig("eq: [bell: {freq: 1 kHz, gain: 12 dB, q: 1}]");
  rig.run(sine(-24, 1000, 0.5));
  rig.set("1.channel", "left");
  rig.run(sine(-24, 1000, 0.02));
  rig.set("1.channel", "right");
  const Signal out = rig.run(sine(-24, 1000, 0.5));
  CHECK(level({out[0]}) == Approx(-24).margin(0.01));
  CHECK(level({out[1]}) == Approx(-12).margin(0.01));
}
