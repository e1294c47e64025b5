#include "core/engine/tape.hpp"

#include <catch2/catch.hpp>

#include <vector>

using namespace lacquer;

namespace {
float sample(int c, std::int64_t t) { return float((t * 7 + c * 13) % 8191) / 8192; }

void record_and_play(int channels, std::int64_t frames, int block_in, int block_out) {
  Tape tape;
  tape.open(channels);
  std::vector<std::vector<float>> space(std::size_t(channels),
                                        std::vector<float>(std::size_t(std::max(block_in, block_out))));
  std::vector<float*> p;
  for (auto& s : space) p.push_back(s.data());
  for (std::int64_t t = 0; t < frames;) {
    const int n = int(std::min<std::int64_t>(block_in, frames - t));
    for (int c = 0; c < channels; ++c)
      for (int i = 0; i < n; ++i) p[std::size_t(c)][i] = sample(c, t + i);
    tape.write(p.data(), n);
    t += n;
  }
  REQUIRE(tape.frames() == frames);
  for (int twice = 0; twice < 2; ++twice) {
    const auto source = tape.play();
    std::int64_t wrong = 0;
    for (std::int64_t t = 0; t < frames + 3 * block_out; t += block_out) {
      source->read(p.data(), block_out);
      for (int c = 0; c < channels; ++c)
        for (int i = 0; i < block_out; ++i) wrong += p[std::size_t(c)][i] != (t + i < frames ? sample(c, t + i) : 0);
    }
    CHECK(wrong == 0);
  }
}
}  // namespace

TEST_CASE("tape: plays what it recorded, then silence, as often as asked", "[tape]") {
  record_and_play(2, 100000, 480, 1000);
  record_and_play(1, 1, 64, 64);
  record_and_play(3, 4096, 4096, 4096);
  record_and_play(2, 0, 64, 64);
}
TEST_CASE("tape: past its share of memory it moves to a scratch file", "[tape]") {
  record_and_play(2, (40 << 20) / 8, 65536, 30000);
}
TEST_CASE("tape: a scratch file that cannot be made is an error that says what to do", "[tape]") {
  setenv("TMPDIR", "/nowhere", 1);
  CHECK_THROWS_WITH(record_and_play(2, (40 << 20) / 8, 65536, 30000), Catch::Contains("TMPDIR"));
  unsetenv("TMPDIR");
}
