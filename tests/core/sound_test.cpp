#include "core/io/encoder.hpp"
#include "core/io/quantise.hpp"
#include "tests/core/sound_rig.hpp"

#include <complex>

TEST_CASE("sound: whole numbers and floats come back with the same bits", "[sound]") {
  Folder dir;
  for (const char* ending : {".wav", ".rf64", ".w64", ".caf", ".aiff", ".flac"})
    for (const int bits : {16, 24, 32})
      for (const int channels : {1, 2, 3, 8}) {
        const bool is_float = bits == 32;
        if (is_float && ending == std::string(".flac")) continue;
        const std::string path = dir / ("x" + std::string(ending));
        INFO(path << " " << bits << " " << channels);
        SoundSpec spec;
        spec.rate_hz = 96000, spec.channels = channels, spec.bits = bits, spec.is_float = is_float;
        const Planar x = is_float ? sine(channels, 5001, 997, 96000, 3) : grid(channels, 5001, bits);
        write(path, spec, x);
        SoundReader in(path);
        CHECK(in.format().rate_hz == 96000);
        CHECK(in.format().channels == channels);
        CHECK(in.format().bits == bits);
        CHECK(in.format().is_float == is_float);
        CHECK(in.format().frames == 5001);
        CHECK(in.format().warning.empty());
        CHECK(same_bits(read(in), x));
        in.rewind();
        CHECK(same_bits(read(in), x));
        CHECK(dir.files() == 1);
        fs::remove(path);
      }
}

TEST_CASE("sound: a file is named after what is in it", "[sound]") {
  Folder dir;
  const Planar x = sine(2, 3000, 440, 48000);
  for (const auto& [ending, container, codec] : {std::tuple{".wav", "WAV", "PCM"},
                                                 {".rf64", "RF64", "PCM"},
                                                 {".w64", "W64", "PCM"},
                                                 {".caf", "CAF", "PCM"},
                                                 {".aif", "AIFF", "PCM"},
                                                 {".flac", "FLAC", "FLAC"},
                                                 {".ogg", "OGG", "Vorbis"},
                                                 {".mp3", "MP3", "MP3"}}) {
    write(dir / ("x" + std::string(ending)), {}, x);
    const SoundFormat f = SoundReader(dir / ("x" + std::string(ending))).format();
    CHECK(f.container == container);
    CHECK(f.codec == codec);
    CHECK(f.bits == (codec == std::string("Vorbis") || codec == std::string("MP3") ? 0 : 24));
  }
}

TEST_CASE("sound: not a byte differs between two renders, nor between block sizes", "[sound]") {
  Folder dir;
  const Planar x = sine(2, 20000, 440, 44100, 0.3);
  for (const char* ending : {".wav", ".rf64", ".w64", ".caf", ".aif", ".flac", ".ogg", ".mp3"})
    for (const bool is_float : {false, true}) {
      if (is_float && ending == std::string(".flac")) continue;
      SoundSpec spec;
      spec.rate_hz = 44100, spec.bits = 16, spec.is_float = is_float, spec.tags = {{"title", "Song"}};
      const std::string a = dir / (std::string("a") + ending), b = dir / (std::string("b") + ending);
      write(a, spec, x, 4096);
      write(b, spec, x, 333);
      INFO(ending);
      CHECK((bytes_of(a) == bytes_of(b)));
      CHECK(bytes_of(a).size() > 1000);
    }
}

TEST_CASE("sound: RIFF, byte by byte", "[sound]") {
  Folder dir;
  SoundSpec spec;
  spec.channels = 1, spec.bits = 24, spec.tags = {{"title", "Abc"}, {"artist", "De"}};
  const float x[] = {0.5f, -1.0f, 0x1p-23f};
  write(dir / "x.wav", spec, {{x, x + 3}});
  const std::string info =
      "INFO"
      "INAM" +
      u32(4) + std::string("Abc\0", 4) + "IART" + u32(3) + std::string("De\0\0", 4);
  const std::string samples(
      "\0\0\x40"
      "\0\0\x80"
      "\1\0\0",
      9);
  const std::string body = "WAVEJUNK" + u32(28) + std::string(28, 0) + "fmt " + u32(16) + u16(1) + u16(1) + u32(48000) +
                           u32(144000) + u16(3) + u16(24) + "LIST" + u32(info.size()) + info + "data" + u32(9) +
                           samples + std::string(1, 0);
  CHECK(bytes_of(dir / "x.wav") == "RIFF" + u32(body.size()) + body);

  spec = {};
  spec.channels = 6, spec.bits = 16;
  write(dir / "six.wav", spec, Planar(6, {0.0f}));
  const std::string six = bytes_of(dir / "six.wav");
  const std::string fmt = "fmt " + u32(40) + u16(0xfffe) + u16(6) + u32(48000) + u32(576000) + u16(12) + u16(16) +
                          u16(22) + u16(16) + u32(0x3f) + u16(1) +
                          std::string("\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71", 14);
  CHECK(six.substr(48, fmt.size()) == fmt);

  spec = {};
  spec.is_float = true;
  write(dir / "float.wav", spec, Planar(2, {0.25f}));
  const std::string body_f = "WAVEJUNK" + u32(28) + std::string(28, 0) + "fmt " + u32(18) + u16(3) + u16(2) +
                             u32(48000) + u32(384000) + u16(8) + u16(32) + u16(0) + "fact" + u32(4) + u32(1) + "data" +
                             u32(8) + u32(0x3e800000) + u32(0x3e800000);
  CHECK(bytes_of(dir / "float.wav") == "RIFF" + u32(body_f.size()) + body_f);
}

TEST_CASE("sound: a WAV that outgrows its limit turns into RF64 in place", "[sound]") {
  Folder dir;
  SoundSpec spec;
  spec.channels = 2, spec.bits = 16;
  const Planar x = grid(2, 1000, 16);
  std::vector<std::int32_t> ints(2000);
  Quantiser(16, 2, false, 1).run(pointers(x).data(), 1000, ints.data());
  const std::string samples = [&] {
    std::string s;
    for (const std::int32_t v : ints) s += u16(std::uint32_t(v) >> 16);
    return s;
  }();
  const auto with_limit = [&](std::uint64_t limit) {
    Target target(dir / "x.wav");
    const auto encoder = wav_encoder(target, spec, false, limit);
    for (int at = 0; at < 1000; at += 100) encoder->write_ints(ints.data() + 2 * at, 100);
    encoder->finish();
    target.commit();
    return bytes_of(dir / "x.wav");
  };
  const std::uint64_t riff = 72 + 4000;  // all but the first eight bytes
  const std::string middle = "fmt " + u32(16) + u16(1) + u16(2) + u32(48000) + u32(192000) + u16(4) + u16(16) + "data";
  CHECK((with_limit(riff) ==
         "RIFF" + u32(riff) + "WAVEJUNK" + u32(28) + std::string(28, 0) + middle + u32(4000) + samples));
  CHECK((with_limit(riff - 1) == "RF64" + u32(0xffffffff) + "WAVEds64" + u32(28) + u64(riff) + u64(4000) + u64(1000) +
                                     u32(0) + middle + u32(0xffffffff) + samples));
  CHECK(SoundReader(dir / "x.wav").format().container == "RF64");
  CHECK(same_bits(read(dir / "x.wav"), x));
}

TEST_CASE("sound: MP3 and Ogg keep their length", "[sound]") {
  Folder dir;
  for (const char* name : {"x.mp3", "x.ogg"})
    for (const int frames : {1, 1151, 30000}) {
      SoundSpec spec;
      spec.rate_hz = 44100;
      const Planar x = sine(2, frames, 440, 44100);
      write(dir / name, spec, x);
      SoundReader in(dir / name);
      INFO(name << frames);
      REQUIRE(in.format().frames == frames);
      const Planar y = read(in);
      in.rewind();
      CHECK(same_bits(read(in), y));
      if (frames < 30000) continue;
      double difference = 0;
      for (std::size_t i = 5000; i < 25000; ++i) difference = std::max(difference, std::abs(double(x[0][i] - y[0][i])));
      CHECK(difference < 0.01);  // in place to the sample: one off would be 0.03
    }
}

TEST_CASE("dither: triangular, two steps wide, white, independent by channel", "[sound]") {
  const int n = 400000;
  const Planar x(2, std::vector<float>(n, 0.3f * 0x1p-15f));  // 0.3 of a step
  std::vector<std::int32_t> out(2 * n);
  Quantiser(16, 2, true, 9).run(pointers(x).data(), n, out.data());
  double mean[2] = {}, square[2] = {}, product = 0, next = 0, last = 0;
  int counts[5] = {};
  for (int i = 0; i < n; ++i) {
    double e[2];
    for (int c = 0; c < 2; ++c) {
      const int v = out[std::size_t(2 * i + c)] >> 16;
      REQUIRE((v >= -1 && v <= 2));
      ++counts[v + 1];
      e[c] = v - 0.3;
      mean[c] += e[c] / n, square[c] += e[c] * e[c] / n;
    }
    product += e[0] * e[1] / n, next += e[0] * last / n, last = e[0];
  }
  for (int c = 0; c < 2; ++c) {
    CHECK(std::abs(mean[c]) < 0.004);  // the error's mean is 0 whatever the signal (Lipshitz et al., 1992)
    CHECK(square[c] == Approx(0.25).margin(0.003));  // 1/12 rounding + 2/12 dither
  }
  CHECK(std::abs(product) < 0.002);
  CHECK(std::abs(next) < 0.002);
}

TEST_CASE("dither: starts at the first frame off the grid, and never asks where blocks end", "[sound]") {
  Planar x = grid(2, 3000, 16);
  x[1][1234] += 0x1p-20f;
  const auto run = [&](int block) {
    Quantiser q(16, 2, true, 5);
    std::vector<std::int32_t> out(6000);
    for (int at = 0; at < 3000; at += block)
      q.run(pointers(x, std::size_t(at)).data(), std::min(block, 3000 - at), out.data() + 2 * at);
    return out;
  };
  const auto whole = run(3000);
  for (const int block : {1, 7, 64, 1235, 2048}) CHECK(run(block) == whole);
  int before = 0, after = 0;
  for (std::size_t i = 0; i < 3000; ++i)
    for (std::size_t c = 0; c < 2; ++c)
      (i < 1234 ? before : after) += double(whole[2 * i + c]) * 0x1p-31 != double(x[c][i]);
  CHECK(before == 0);
  CHECK(after > 500);
}

TEST_CASE("rounding: nearest, ties to even; what is cut is counted", "[sound]") {
  const std::vector<float> steps{0.5f,     1.5f,  -0.5f, -1.5f,  2.25f,     -2.75f, 32767.4f,
                                 32767.5f, 32768, 1e9f,  -32768, -32768.5f, -32769};
  const std::vector<int> wanted{0, 2, 0, -2, 2, -3, 32767, 32767, 32767, 32767, -32768, -32768, -32768};
  Planar x(1);
  for (const float s : steps) x[0].push_back(s / 32768);
  std::vector<std::int32_t> out(steps.size());
  Quantiser q(16, 1, false, 1);
  q.run(pointers(x).data(), int(steps.size()), out.data());
  for (std::size_t i = 0; i < steps.size(); ++i) {
    INFO(steps[i]);
    CHECK(out[i] >> 16 == wanted[i]);
  }
  CHECK(q.clipped() == 4);
}

TEST_CASE("resampler: the length is exact, whatever the rates and the blocks; the bits do not depend on the blocks",
          "[sound]") {
  for (const auto& [from, to] : {std::pair{44100.0, 48000.0},
                                 {48000.0, 44100.0},
                                 {96000.0, 44100.0},
                                 {44100.0, 384000.0},
                                 {384000.0, 8000.0},
                                 {22050.0, 47999.0}})
    for (const int frames : {1, 2, 100, 6000}) {
      const Planar x = sine(2, frames, 300, from);
      Planar first;
      for (const int block : {1, 64, 1000, 4096}) {
        Resampler r(from, to, 2);
        Planar y(2);
        const auto take = [&](int n) {
          for (std::size_t c = 0; c < 2; ++c) y[c].insert(y[c].end(), r.out()[c], r.out()[c] + n);
        };
        for (int at = 0; at < frames; at += block)
          if (const int n = r.process(pointers(x, std::size_t(at)).data(), std::min(block, frames - at))) take(n);
        if (const int n = r.process(nullptr, 0)) take(n);
        INFO(from << " to " << to << ", " << frames << " frames in blocks of " << block);
        CHECK(std::int64_t(y[0].size()) == std::llround(frames * to / from));
        CHECK(Resampler::length(frames, from, to) == std::llround(frames * to / from));
        if (first.empty()) first = y;
        CHECK(same_bits(first, y));
      }
    }
}

TEST_CASE("resampler: a sine stays where it was, to -135 dB; what lies above the new Nyquist is gone", "[sound]") {
  for (const auto& [from, to] : {std::pair{44100.0, 48000.0}, {96000.0, 44100.0}, {44100.0, 96000.0}})
    for (const double hz : {100.0, 1000.0, 19000.0}) {
      const Planar x = sine(1, 40000, hz, from, 0.5);
      Resampler r(from, to, 1);
      std::vector<float> y;
      const auto take = [&](int n) { y.insert(y.end(), r.out()[0], r.out()[0] + n); };
      take(r.process(pointers(x).data(), 40000));
      take(r.process(nullptr, 0));
      double worst = 0;
      for (std::size_t i = y.size() / 4; i < y.size() * 3 / 4; ++i)
        worst = std::max(worst, std::abs(double(y[i]) - 0.5 * std::sin(2 * std::numbers::pi * hz * double(i) / to)));
      INFO(from << " to " << to << ", " << hz << " Hz");
      CHECK(20 * std::log10(worst / 0.5) < -135);
    }
  const Planar x = sine(1, 40000, 25000, 96000, 0.5);
  Resampler r(96000, 44100, 1);
  double worst = 0;
  const int n = r.process(pointers(x).data(), 40000);
  REQUIRE(n > 10000);
  for (int i = 2000; i < n; ++i) worst = std::max(worst, std::abs(double(r.out()[0][i])));
  CHECK(20 * std::log10(worst / 0.5) < -140);
}

TEST_CASE("dither: shaped, the noise lies where the ear hears least", "[sound]") {
  constexpr int n = 48000;
  Planar x(1, std::vector<float>(n));
  for (int i = 0; i < n; ++i) x[0][std::size_t(i)] = 0.01f * std::sin(0.1f * float(i));
  // the noise, in dB of steps, around a frequency of 48 kHz
  const auto noise = [&](bool shaped, double freq) {
    std::vector<std::int32_t> out(n);
    Quantiser(16, 1, true, 3, shaped).run(pointers(x).data(), n, out.data());
    double sum = 0;
    for (int line = -20; line <= 20; ++line) {
      std::complex<double> z = 0;
      for (int i = 0; i < n; ++i)
        z += (double(out[std::size_t(i)] >> 16) - 32768.0 * double(x[0][std::size_t(i)])) *
             std::polar(1.0, -2 * std::numbers::pi * (freq + 7.0 * line) / 48000 * i);
      sum += std::norm(z) / n / 41;
    }
    return 10 * std::log10(sum);
  };
  // |1 + sum of coefficients z^-k|^2 of the paper over white noise of a quarter of a step squared
  const double curve[] = {2.033, -2.165, 1.959, -1.590, 0.6149};
  for (const double freq : {1000.0, 3500.0, 12000.0, 20000.0}) {
    std::complex<double> h = 1;
    for (int k = 0; k < 5; ++k) h -= curve[k] * std::polar(1.0, -2 * std::numbers::pi * freq / 48000 * (k + 1));
    INFO(freq << " Hz");
    CHECK(noise(true, freq) == Approx(10 * std::log10(0.25 * std::norm(h))).margin(1.5));
    CHECK(noise(false, freq) == Approx(10 * std::log10(0.25)).margin(1.5));
  }
  CHECK(noise(true, 3500) < noise(false, 3500) - 10);
}
