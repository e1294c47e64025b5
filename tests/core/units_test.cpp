// tests/core/units_test.cpp — what users write, as numbers, and back.

#include "core/units.hpp"
#include "core/node.hpp"

#include <catch2/catch.hpp>

#include <bit>
#include <clocale>
#include <random>

using namespace lacquer;

namespace {
constexpr Param level{"threshold", dBFS, -18, {-60, 0}, "A level."};
constexpr Param freq{"freq", Hz, 1000, {10, 40000}, "A frequency."};
constexpr Param attack{"attack", ms, 10, {0.1f, 2000}, "A time."};
constexpr Param ratio{"ratio", to_one, 2, {1, 20}, "A ratio."};
constexpr Param q{"q", plain, 0.7f, {0.1f, 20}, "A number."};
constexpr Param knee{"detector", one_of("peak|rms"), "peak", "A choice."};
constexpr Param target{"to", LUFS, -14, {-60, 0}, "A loudness."};

std::string refusal(const char* text, const lacquer_param& p) {
  try {
    return "accepted as " + format(parse(text, p), p.unit);
  } catch (const Complaint& c) {
    return c.message + (c.hint.empty() ? "" : "; " + c.hint);
  }
}
std::string time_refusal(const char* text) {
  try {
    return "accepted as " + std::to_string(parse_time(text));
  } catch (const Complaint& c) {
    return c.message + "; " + c.hint;
  }
}
}  // namespace

TEST_CASE("units: every spelling of a value", "[units]") {
  CHECK(parse("-18 dB", level) == -18);
  CHECK(parse("-18dBFS", level) == -18);
  CHECK(parse("  -18.5   dB ", level) == -18.5f);
  CHECK(parse("1.2 kHz", freq) == 1200);
  CHECK(parse("0.03 kHz", freq) == 30);
  CHECK(parse("+440 Hz", freq) == 440);
  CHECK(parse("0.2 s", attack) == 200);
  CHECK(parse("250 us", attack) == 0.25f);
  CHECK(parse("0.1 ms", attack) == 0.1f);  // the very end of the range
  CHECK(parse("4:1", ratio) == 4);
  CHECK(parse("1.5 :1", ratio) == 1.5f);
  CHECK(parse("4", ratio) == 4);
  CHECK(parse(".7", q) == 0.7f);
  CHECK(parse("7e-1", q) == 0.7f);
  CHECK(parse("-14 LKFS", target) == -14);
  CHECK(parse("rms", knee) == 1);
}

TEST_CASE("units: what is refused, and what to write instead", "[units]") {
  CHECK(refusal("30", freq) == "freq has no unit; write 30 Hz");
  CHECK(refusal("10 dB", attack) == "attack cannot be in 'dB'; write 10 ms");
  CHECK(refusal("30:1", ratio) == "ratio '30:1' is out of range; it goes from 1:1 to 20:1");
  CHECK(refusal("loud", level) == "threshold needs a number, not 'loud'; for example -18 dB");
  CHECK(refusal("on", level) == "threshold needs a number, not 'on'; for example -18 dB");
  CHECK(refusal("", level) == "threshold needs a number, not ''; for example -18 dB");
  CHECK(refusal("rma", knee) == "detector cannot be 'rma'; did you mean 'rms'?");
  CHECK(refusal("yes", knee) == "detector cannot be 'yes'; choose peak | rms");
  CHECK(refusal("010 Hz", freq) == "'010 Hz' starts with a zero, which some readers take for octal; write 10 Hz");
  CHECK(refusal("-00.5 dB", level) ==
        "'-00.5 dB' starts with a zero, which some readers take for octal; write -0.5 dB");
  CHECK(refusal("0x10 Hz", freq) == "'0x10 Hz' is not a decimal number; write it with the digits 0 to 9");
  CHECK(refusal("1e400 Hz", freq) == "'1e400 Hz' is no number that can be used; it is too large or too small");
  CHECK(refusal("1,5 kHz", freq) == "'1,5 kHz' has a comma; write a point: 1.5 kHz");
  CHECK(refusal("10_000 Hz", freq) == "'10_000 Hz' has a mark between its digits; write digits only");
  CHECK(refusal("\u221218 dB", level) == "'\u221218 dB' has a minus that is not one; write -18 dB");
  for (const char* odd :
       {".nan", "nan", "NaN dB", ".inf", "-.inf", "inf dB", "Infinity", "--3 dB", "+-3 dB", "- 3 dB"}) {
    INFO(odd);
    CHECK(refusal(odd, level).starts_with("threshold needs a number, not '"));
  }
  CHECK(refusal("1e38 kHz", freq) == "freq '1e38 kHz' is out of range; it goes from 10 Hz to 40 kHz");
}

TEST_CASE("units: every float prints as the fewest digits that read back as itself", "[units]") {
  std::mt19937 random(3);
  for (const Unit unit : {dB, dBFS, Hz, ms, to_one, percent, plain, LUFS}) {
    const lacquer_param any{"x", unit, 0, {-1e38f, 1e38f}, "", LACQUER_GLIDE};
    for (int i = 0; i < 5000; ++i) {
      float x = std::bit_cast<float>(std::uint32_t(random()));
      if (i % 2) x = float(int(random() % 40000)) / float(1 + random() % 1000);
      if (!(std::abs(x) < 1e30f)) continue;
      INFO(format(x, unit));
      REQUIRE(parse(format(x, unit), any) == x);
    }
  }
  CHECK(format(16000, Hz) == "16 kHz");
  CHECK(format(44100, Hz) == "44.1 kHz");
  CHECK(format(1500, Hz) == "1500 Hz");
  CHECK(format(-14.1f, LUFS) == "-14.1 LUFS");
  CHECK(format(0.1f, ms) == "0.1 ms");
  CHECK(format(2, to_one) == "2:1");
  CHECK(format(1, knee.unit) == "rms");
  CHECK(format(-0.0f, dB) == "0 dB");
  CHECK(format(std::numeric_limits<float>::quiet_NaN(), dB) == "none");
}

TEST_CASE("units: times", "[units]") {
  CHECK(parse_time("0:00") == 0);
  CHECK(parse_time("1:02.5") == 62.5);
  CHECK(parse_time("1:02:03") == 3723);
  CHECK(parse_time("90 s") == 90);
  CHECK(parse_time("250ms") == 0.25);
  CHECK(parse_time("2 min") == 120);
  CHECK(time_refusal("soon") == "'soon' is not a time; write 1:02.5 or 62.5 s");
  CHECK(time_refusal("1:75") == "'1:75' is not a time; minutes and seconds end at 59");
  CHECK(time_refusal("1e9 s") == "'1e9 s' is later than any programme ends; write 1:02.5 or 62.5 s");
  for (const char* odd :
       {"", ":", "1:", ":30", "1:2", "-0:10", "0:-1", "1:0.5:2", "1:02:03:04", "62.5", "-3 s", "nan s"}) {
    INFO(odd);
    CHECK(time_refusal(odd).starts_with("'" + std::string(odd) + "' is not a time"));
  }
}

TEST_CASE("units: the locale makes no difference", "[units]") {
  const std::string before = std::setlocale(LC_ALL, nullptr);
  for (const char* name : {"de_DE.UTF-8", "de_DE.utf8", "C.UTF-8"})
    if (std::setlocale(LC_ALL, name)) break;
  CHECK(parse("1.5 kHz", freq) == 1500);
  CHECK(format(0.5f, plain) == "0.5");
  std::setlocale(LC_ALL, before.c_str());
}

TEST_CASE("units: near enough to be what was meant", "[units]") {
  CHECK(nearest("compresor", {"gain", "compressor"}) == "compressor");
  CHECK(nearest("bel", {"bell", "tilt"}) == "bell");
  CHECK(nearest("xyzzy", {"gain", "compressor"}) == "");
  CHECK(nearest(std::string(100000, 'a'), {"gain"}) == "");
}
