// bench/noise_to_mask.cpp — how clean a limiter is: what it adds, against what the music masks, in dB; lower is
// cleaner.
//
//   noise_to_mask IN.wav OUT.wav    both of the same rate; OUT may be later, louder, and longer
//
// After the FFT ear model of ITU-R BS.1387-1 annex 2 (clauses 2.1.3 to 2.1.7), simplified: bands of a quarter of a
// Bark, a slope of 27 dB/Bark down and one by level up, full scale at 92 dB SPL. Gain that changes more slowly than 0.4
// s is not counted as noise. Only figures for the same music can be compared.

#include "core/dsp/fft.hpp"
#include "core/io/sound.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <numbers>
#include <string>
#include <vector>

using namespace lacquer;

namespace {
using Numbers = std::vector<double>;
constexpr int size = 2048, hop = size / 2, lines = size / 2;

std::vector<std::vector<float>> read(const char* path, double& rate) {
  SoundReader file(path);
  rate = file.format().rate_hz;
  const auto frames = std::size_t(file.format().frames);
  std::vector<std::vector<float>> x(std::size_t(file.format().channels), std::vector<float>(frames));
  std::vector<float*> to;
  for (auto& c : x) to.push_back(c.data());
  file.read(to.data(), int(frames));
  return x;
}

/// Frames by which `out` is later: where it is most like `in`, around the loudest second.
std::size_t lateness(const std::vector<float>& in, const std::vector<float>& out) {
  constexpr std::size_t span = 32768, most = 8192;
  std::size_t loudest = 0;
  double highest = -1;
  for (std::size_t at = 0; at + span + most < std::min(in.size(), out.size()); at += span) {
    double sum = 0;
    for (std::size_t i = at; i < at + span; ++i) sum += double(in[i]) * double(in[i]);
    if (sum > highest) highest = sum, loudest = at;
  }
  std::size_t best = 0;
  highest = -1;
  for (std::size_t late = 0; late < most; ++late) {
    double sum = 0;
    for (std::size_t i = loudest; i < loudest + span; ++i) sum += double(in[i]) * double(out[i + late]);
    if (sum > highest) highest = sum, best = late;
  }
  return best;
}

class Ear {
public:
  explicit Ear(double rate) {
    fft_.prepare(size);
    const auto bark = [](double f) { return 7 * std::asinh(f / 650); };
    for (int k = 1; k < lines; ++k) {
      const double f = k * rate / size, khz = f / 1000;
      const double ear = -0.6 * 3.64 * std::pow(khz, -0.8) + 6.5 * std::exp(-0.6 * (khz - 3.3) * (khz - 3.3)) -
                         0.001 * std::pow(khz, 3.6);
      weight_.push_back(std::pow(10, ear / 10));
      band_.push_back(f > 18000 ? -1 : int(4 * bark(f)));
      bands_ = std::max(bands_, std::size_t(band_.back() + 1));
    }
    for (std::size_t b = 0; b < bands_; ++b) {
      centre_.push_back(650 * std::sinh((double(b) + 0.5) / 4 / 7));
      inner_.push_back(std::pow(10, 0.4 * 0.364 * std::pow(centre_[b] / 1000, -0.8)));
    }
  }
  /// Of one frame: the spectrum of x, scaled to 92 dB SPL at full scale.
  std::vector<Fft::Complex> spectrum(const float* x) {
    std::vector<Fft::Complex> time(size), out(size);
    const double scale = std::pow(10, 92 / 20.0) / (size / 4);
    for (int i = 0; i < size; ++i)
      time[std::size_t(i)] = {float(scale * (0.5 - 0.5 * std::cos(2 * std::numbers::pi * i / size)) * double(x[i])), 0};
    fft_.forward(out.data(), time.data());
    return out;
  }
  Numbers bands(const std::vector<Fft::Complex>& of) const {
    Numbers e(bands_, 1e-12);
    for (int k = 1; k < lines; ++k)
      if (const int b = band_[std::size_t(k - 1)]; b >= 0) {
        const Fft::Complex& x = of[std::size_t(k)];
        e[std::size_t(b)] += weight_[std::size_t(k - 1)] * (double(x.r) * double(x.r) + double(x.i) * double(x.i));
      }
    return e;
  }
  /// What is masked by energies in bands.
  Numbers masked(const Numbers& e) const {
    Numbers spread(inner_);
    for (std::size_t from = 0; from < bands_; ++from) {
      const double level = 10 * std::log10(e[from] + inner_[from]);
      const double up = std::max(4.0, 24 + 230 / centre_[from] - 0.2 * level), down = 27;
      for (std::size_t to = 0; to < bands_; ++to) {
        const double apart = (double(to) - double(from)) / 4;
        spread[to] += e[from] * std::pow(10, -(apart > 0 ? up * apart : -down * apart) / 10);
      }
    }
    for (std::size_t b = 0; b < bands_; ++b)
      spread[b] *= std::pow(10, -(double(b) / 4 <= 12 ? 3 : 0.25 * double(b) / 4) / 10);
    return spread;
  }
  std::size_t count() const { return bands_; }

private:
  Fft fft_;
  std::vector<int> band_;  // of each line
  Numbers weight_, centre_, inner_;
  std::size_t bands_ = 0;
};
}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: noise_to_mask IN.wav OUT.wav\n", stderr);
    return 2;
  }
  try {
    double rate = 0, other = 0;
    const auto in = read(argv[1], rate), out = read(argv[2], other);
    if (rate != other || in.size() != out.size()) {
      std::fputs("noise_to_mask: the files differ in rate or channels\n", stderr);
      return 2;
    }
    Ear ear(rate);
    const std::size_t late = lateness(in[0], out[0]);
    double sum = 0;
    std::size_t counted = 0;
    for (std::size_t c = 0; c < in.size(); ++c) {
      const std::size_t frames = (std::min(in[c].size(), out[c].size() - late) - size) / hop;
      std::vector<std::vector<Fft::Complex>> a, b;
      Numbers cross, power;
      for (std::size_t f = 0; f < frames; ++f) {
        a.push_back(ear.spectrum(in[c].data() + f * hop));
        b.push_back(ear.spectrum(out[c].data() + late + f * hop));
        double xy = 0, xx = 1e-9;
        for (std::size_t k = 1; k < lines; ++k) {
          xy += double(a[f][k].r) * double(b[f][k].r) + double(a[f][k].i) * double(b[f][k].i);
          xx += double(a[f][k].r) * double(a[f][k].r) + double(a[f][k].i) * double(a[f][k].i);
        }
        cross.push_back(xy);
        power.push_back(xx);
      }
      const auto around = std::size_t(std::lround(0.2 * rate / hop));
      for (std::size_t f = around; f + around < frames; ++f) {
        double xy = 0, xx = 0;
        for (std::size_t g = f - around; g <= f + around; ++g) xy += cross[g], xx += power[g];
        const float gain = float(xy / xx);
        auto noise = b[f], music = a[f];
        for (std::size_t k = 1; k < lines; ++k) {
          music[k] = {gain * music[k].r, gain * music[k].i};
          noise[k] = {noise[k].r - music[k].r, noise[k].i - music[k].i};
        }
        const Numbers n = ear.bands(noise), m = ear.masked(ear.bands(music));
        double ratio = 0;
        for (std::size_t z = 0; z < ear.count(); ++z) ratio += n[z] / m[z];
        sum += ratio / double(ear.count());
        ++counted;
      }
    }
    std::printf("%.2f\n", 10 * std::log10(sum / double(std::max<std::size_t>(1, counted))));
  } catch (const std::exception& e) {
    std::fprintf(stderr, "noise_to_mask: %s\n", e.what());
    return 2;
  }
}
