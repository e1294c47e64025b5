#include "tests/core/sound_rig.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <csignal>
#include <limits>

using Catch::Contains;
using Catch::StartsWith;

TEST_CASE("bad sound: every kind of it gives one line that names the file, the fault and the way out", "[sound]") {
  Folder dir;
  const std::string path = dir / "x.wav";
  const std::string audio(400, 1);
  const auto error_for = [&](const std::string& bytes) {
    put(path, bytes);
    const std::string e = error_of(path);
    CHECK_THAT(e, StartsWith(path + ": "));
    CHECK(e.find('\n') == e.npos);
    return e;
  };
  CHECK_THAT(error_of(dir / "none.wav"), Contains("none.wav: there is no such file"));
  CHECK_THAT(error_of(dir / "none/x.wav"), Contains("there is no such file"));
  CHECK_THAT(error_of(dir / ""), Contains("this is a folder"));
  CHECK_THAT(error_of("/dev/zero"), Contains("not an ordinary file"));
  CHECK_THAT(error_for(""), Contains("it is empty"));
  CHECK_THAT(error_for("I am not a song,\nI am a text.\n"), Contains("this is a text, whatever its name says"));
  std::string long_text(1000, 'a');
  CHECK_THAT(error_for(long_text += '\1'), Contains("this is a text"));
  CHECK_THAT(error_for(std::string("\x7f"
                                   "ELF\x02\x01\x01\0\0\0\0\0\0\0",
                                   14)),
             Contains("no sound file"));
  const std::string good = wav(2, 44100, 16, audio, 400);
  for (const std::size_t cut : {4u, 8u, 12u, 20u, 30u, 35u}) {
    INFO(cut);
    CHECK_THAT(error_for(good.substr(0, cut)), Contains("breaks off; get a whole copy"));
  }
  CHECK_THAT(error_for(good.substr(0, 40)), Contains("holds no audio"));
  CHECK_THAT(error_for(wav(0, 44100, 16, audio, 400)), Contains("0 channels"));
  CHECK_THAT(error_for(wav(33, 44100, 16, audio, 400)), Contains("33 channels; 32 is the most"));
  CHECK_THAT(error_for(wav(2, 0, 16, audio, 400)), Contains("its rate is 0 Hz"));
  CHECK_THAT(error_for(wav(2, 4000000000u, 16, audio, 400)),
             Contains("its rate is 4000000000 Hz; rates from 8 to 384"));
  CHECK_THAT(error_for(wav(2, 44100, 16, audio, 400, 85)), Contains("x.wav: "));  // an MP3 inside
  CHECK_THAT(error_for("RIFF" + u32(4) + "AVI LIST" + std::string(200, 0)), Contains("no sound file"));
  CHECK_THAT(error_for("fLaC" + std::string(100, 0)), Contains("FLAC header makes no sense"));
  CHECK_THAT(error_for("OggS" + std::string(100, 0)), Contains("OGG header makes no sense"));

  ::mkfifo((dir / "fifo.wav").c_str(), 0600);
  CHECK_THAT(error_of(dir / "fifo.wav"), Contains("not an ordinary file"));
  if (::geteuid() != 0) {
    put(path, good);
    ::chmod(path.c_str(), 0);
    CHECK_THAT(error_of(path), Contains("permission denied"));
  }
}

TEST_CASE("bad sound: a recording that broke off is read as far as it goes, and says so", "[sound]") {
  Folder dir;
  const Planar x = grid(2, 48000, 24);
  for (const char* name : {"x.wav", "x.rf64", "x.w64", "x.aiff", "x.caf"}) {
    INFO(name);
    write(dir / name, {}, x);
    const std::string bytes = bytes_of(dir / name);
    put(dir / name, bytes.substr(0, bytes.size() - 24000 * 6 - 2));
    SoundReader in(dir / name);
    CHECK_THAT(in.format().warning, Contains("breaks off after 0:00.5 of the 0:01.0"));
    const std::int64_t frames = in.format().frames;
    CHECK(std::abs(frames - 23999) <= 4);  // what follows the samples in some containers is cut first
    const Planar y = read(in);
    for (std::size_t c = 0; c < 2; ++c) CHECK(std::equal(y[c].begin(), y[c].end(), x[c].begin()));
  }
  write(dir / "x.flac", {}, x);
  const std::string bytes = bytes_of(dir / "x.flac");
  put(dir / "x.flac", bytes.substr(0, bytes.size() / 2));
  CHECK_THAT(error_of(dir / "x.flac"), Contains("get a whole copy of it"));
  std::string damaged = bytes;
  for (std::size_t i = 0; i < 2000; ++i) damaged[bytes.size() / 2 + i] = char(i * 7);
  put(dir / "x.flac", damaged);
  CHECK_THAT(error_of(dir / "x.flac"), Contains("get a whole copy of it"));
}

TEST_CASE("odd sound: streams without a length, one frame, none, 8 bits, NaN, BW64", "[sound]") {
  Folder dir;
  const std::string path = dir / "x.wav";
  const std::string audio(400, 1);
  for (const std::uint64_t claims : {0xffffffffu, 0x7fffffffu, 0x7ffff000u}) {
    put(path, wav(2, 44100, 16, audio, claims));
    SoundReader in(path);
    CHECK(in.format().frames == 100);
    CHECK(in.format().warning == "");
    CHECK(read(in)[1][99] == 257 * 0x1p-15f);
  }
  put(path, wav(2, 44100, 16, audio.substr(0, 4), 4));
  CHECK(read(path) == Planar(2, {257 * 0x1p-15f}));
  put(path, wav(2, 44100, 16, "", 0));
  CHECK(SoundReader(path).format().frames == 0);
  CHECK(read(path) == Planar(2));
  put(path, wav(1, 44100, 8, std::string("\x00\x80\xff\x7f", 4), 4));
  CHECK(SoundReader(path).format().bits == 8);
  CHECK(read(path)[0] == std::vector<float>{-1, 0, 127 / 128.0f, -1 / 128.0f});
  put(path, wav(1, 44100, 32, std::string("\0\0\xc0\x7f\0\0\x80\x7f", 8), 8, 3));
  const Planar odd = read(path);
  CHECK(std::isnan(odd[0][0]));
  CHECK(odd[0][1] == std::numeric_limits<float>::infinity());

  const Planar x = grid(2, 500, 16);
  write(dir / "y.rf64", {}, x);
  std::string bytes = bytes_of(dir / "y.rf64");
  bytes.replace(0, 4, "BW64");
  put(path, bytes);
  CHECK(same_bits(read(path), x));
}

TEST_CASE("writing: what a container cannot carry is refused before anything is written", "[sound]") {
  Folder dir;
  const auto error_for = [&](const std::string& name, SoundSpec spec) {
    try {
      SoundWriter(dir / name, spec);
    } catch (const SoundError& e) {
      CHECK_THAT(e.what(), StartsWith(dir / name));
      return std::string(e.what());
    }
    return std::string();
  };
  SoundSpec many, odd, fast, wide, floats, lo_fi, long_one;
  many.channels = 9, odd.rate_hz = 44100.5, fast.rate_hz = 96000, wide.bits = 20, floats.is_float = true;
  long_one.frames = std::int64_t(1) << 40;
  CHECK_THAT(error_for("x.flac", many), Contains("FLAC carries 1 to 8 channels, not 9"));
  CHECK_THAT(error_for("x.mp3", many), Contains("MP3 carries 1 to 2 channels"));
  CHECK_THAT(error_for("x.wav", odd), Contains("44.1005 kHz"));
  CHECK_THAT(error_for("x.mp3", fast), Contains("48 kHz, not at 96 kHz"));
  CHECK_THAT(error_for("x.wav", wide), Contains("no 20-bit samples"));
  CHECK_THAT(error_for("x.flac", floats), Contains("FLAC holds no floats"));
  CHECK_THAT(error_for("x.aiff", long_one), Contains("4 GiB"));
  CHECK_THAT(error_for("x.doc", {}), Contains("'.doc'"));
  CHECK_THAT(error_for("x", {}), Contains("no ending"));
  CHECK_THAT(error_for("none/x.wav", {}), Contains("does not exist"));
  fs::create_directory(dir / "x.wav");
  CHECK_THAT(error_for("x.wav", {}), Contains("this is a folder"));
  fs::remove(dir / "x.wav");
  CHECK(dir.files() == 0);
}

TEST_CASE("writing: until commit the old file stays, and nothing else is left behind", "[sound]") {
  Folder dir;
  const Planar x = grid(2, 3000, 24);
  for (const char* name : {"x.wav", "x.flac", "x.ogg"}) {
    put(dir / name, "old");
    ::chmod((dir / name).c_str(), 0640);
    {
      SoundWriter out(dir / name, {});
      out.write(pointers(x).data(), 3000);
      CHECK(bytes_of(dir / name) == "old");
    }
    CHECK(bytes_of(dir / name) == "old");
    CHECK(dir.files() == 1);
    write(dir / name, {}, x);
    CHECK(SoundReader(dir / name).format().frames == 3000);
    CHECK(dir.files() == 1);
    struct stat s {};
    ::stat((dir / name).c_str(), &s);
    CHECK((s.st_mode & 0777) == 0640);
    fs::remove(dir / name);
  }
}

TEST_CASE("writing: a link stays a link, and same_file sees through all of them", "[sound]") {
  Folder dir;
  put(dir / "a.wav", "old");
  fs::create_symlink("a.wav", dir / "soft.wav");
  fs::create_hard_link(dir / "a.wav", dir / "hard.wav");
  put(dir / "b.wav", "old");
  CHECK(same_file(dir / "a.wav", dir / "./a.wav"));
  CHECK(same_file(dir / "a.wav", dir / "soft.wav"));
  CHECK(same_file(dir / "hard.wav", dir / "soft.wav"));
  CHECK_FALSE(same_file(dir / "a.wav", dir / "b.wav"));
  CHECK_FALSE(same_file(dir / "none.wav", dir / "none.wav"));
  write(dir / "soft.wav", {}, Planar(2, {0.5f}));
  CHECK(fs::is_symlink(dir / "soft.wav"));
  CHECK(SoundReader(dir / "a.wav").format().frames == 1);
  CHECK(bytes_of(dir / "hard.wav") == "old");
}

TEST_CASE("writing: a disk that fills up is the system's fault, and leaves nothing", "[sound]") {
  Folder dir;
  const Planar x = sine(2, 50000, 440, 48000);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  for (const char* name : {"x.wav", "x.flac", "x.aiff", "x.ogg", "x.mp3", "x.caf"}) {
    rlimit small = before;
    small.rlim_cur = 8000;
    ::setrlimit(RLIMIT_FSIZE, &small);
    std::string message;
    bool system = false;
    try {
      write(dir / name, {}, x);
    } catch (const SoundError& e) {
      message = e.what();
      system = e.system;
    }
    ::setrlimit(RLIMIT_FSIZE, &before);
    INFO(name);
    CHECK_THAT(message, Contains("grows past what is allowed"));
    CHECK(system);
    CHECK(dir.files() == 0);
  }
}

TEST_CASE("writing: killed at any moment, there is the old file or the new one", "[sound][slow]") {
  Folder dir;
  const Planar x = grid(2, 20000, 24);
  write(dir / "new.flac", {}, x);
  const std::string whole = bytes_of(dir / "new.flac");
  fs::remove(dir / "new.flac");
  int old = 0, fresh = 0;
  for (int i = 0; i < 60; ++i) {
    put(dir / "x.flac", "old");
    const pid_t child = ::fork();
    if (child == 0) {
      for (;;) write(dir / "x.flac", {}, x);
    }
    ::usleep(useconds_t(i * 500));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    const std::string now = bytes_of(dir / "x.flac");
    old += now == "old";
    fresh += now == whole;
  }
  CHECK(old + fresh == 60);
  CHECK(old > 0);
  CHECK(fresh > 0);
}

TEST_CASE("odd sound: an MP3 without a length in its header is counted, not guessed", "[sound]") {
  // 0.2 s at 8 kHz from LAME by way of ffmpeg, no Xing header: four frames of 576 hold it and the encoder's delay.
  SoundReader in(std::string(LACQUER_SOURCE) + "/tests/fuzz/corpus/sound/bare.mp3");
  const std::int64_t frames = in.format().frames;
  CHECK(frames % 576 == 0);
  CHECK(frames >= 1600);
  CHECK(std::int64_t(read(in)[0].size()) == frames);
}

TEST_CASE("odd sound: standard input is read through a pipe, more than once", "[sound]") {
  Folder dir;
  const Planar x = grid(2, 30000, 24);
  write(dir / "x.flac", {}, x);
  const std::string bytes = bytes_of(dir / "x.flac");
  int pipe[2];
  REQUIRE(::pipe(pipe) == 0);
  const pid_t child = ::fork();  // "-" is read once in the life of a process
  if (child == 0) {
    ::dup2(pipe[0], STDIN_FILENO);
    ::close(pipe[1]);
    try {
      SoundReader first("-");
      SoundReader second("-");
      const bool good = same_bits(read(first), x) && same_bits(read(second), x);
      first.rewind();
      ::_exit(good && same_bits(read(first), x) ? 0 : 1);
    } catch (...) {
      ::_exit(2);
    }
  }
  ::close(pipe[0]);
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  CHECK(::write(pipe[1], bytes.data(), bytes.size()) == ssize_t(bytes.size()));
  std::signal(SIGPIPE, before);
  ::close(pipe[1]);
  int status = -1;
  ::waitpid(child, &status, 0);
  CHECK(status == 0);
}
