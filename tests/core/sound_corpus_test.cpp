#include "tests/core/sound_rig.hpp"
#include "tests/fuzz/read_sound.hpp"

// libsndfile 1.2 loses the Vorbis state of a stream whose headers are broken: 6 kB for each such file, not ours to
// free.
extern "C" const char* __lsan_default_suppressions() { return "leak:vorbis_info_init\n"; }

TEST_CASE("bad sound: the fuzzer's corpus is read or refused, never worse", "[sound]") {
  int files = 0, good = 0;
  for (const auto& file : fs::directory_iterator(fs::path(LACQUER_SOURCE) / "tests/fuzz/corpus/sound")) {
    const std::string bytes = bytes_of(file.path().string());
    INFO(file.path());
    CHECK(bytes.size() < 8192);
    for (std::size_t size = bytes.size();; size = size * 3 / 4) {
      good += read_sound(reinterpret_cast<const std::uint8_t*>(bytes.data()), size);
      if (size == 0) break;
    }
    ++files;
  }
  CHECK(files >= 15);
  CHECK(good >= files);
}
