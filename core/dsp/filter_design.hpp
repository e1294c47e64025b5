// core/dsp/filter_design.hpp — digital filters with the magnitude of their analogue prototypes up to Nyquist: equaliser
// bands and cuts, minimum phase, without latency and without the cramping of the bilinear transform.
//
// A second-order polynomial of z is kept as the three numbers that must be positive for its roots to lie inside the
// unit circle (E. I. Jury's triangle): its value at DC, p = b0 + b1 + b2; at Nyquist, m = b0 - b1 + b2; and v = b0 -
// b2. With x = tan^2(w/2) its squared magnitude is ((p - m x)^2 + 4 v^2 x) cos^4(w/2). A design starts from the roots
// of the prototype, mapped by z = exp(s / rate), and then moves the logarithms of these numbers by a few damped
// Gauss-Newton steps (K. Levenberg, Quart. Appl. Math. 2 (1944)) on the logarithm of the magnitude: whatever the step,
// the filter stays stable and minimum phase, and its gain at DC stays exact. Where one such biquad is not close enough,
// a second one corrects it. M. Vicanek, "Matched Second Order Digital Filters" (2016) has the closed forms that
// inspired this, and the errors of what came before.
//
// [any] Nothing here allocates, and no two machines differ by a bit: a design may be made at control rate.

#pragma once

#include "core/math.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <span>

namespace lacquer {

/// y = b0 x + b1 x[-1] + b2 x[-2] - a1 y[-1] - a2 y[-2]. As it stands: a wire.
struct Biquad {
  double b0 = 1, b1 = 0, b2 = 0, a1 = 0, a2 = 0;
  bool operator==(const Biquad&) const = default;
};

enum class BandKind { bell, low_shelf, high_shelf, low_cut, high_cut, notch, band_pass, tilt };
enum class Alignment { butterworth, linkwitz_riley, bessel };

/// What a user sets. `order` is that of a cut: its slope is 6 dB per octave and order.
struct Band {
  BandKind kind = BandKind::bell;
  static constexpr double neutral_q = double(0.707f);  ///< of a cut: as its alignment has it; more makes it resonate
  double freq = 1000, gain_db = 0, q = neutral_q;
  int order = 2;
  Alignment alignment = Alignment::butterworth;

  bool operator==(const Band&) const = default;
  bool has_gain() const {
    return kind == BandKind::bell || kind == BandKind::low_shelf || kind == BandKind::high_shelf ||
           kind == BandKind::tilt;
  }
  bool is_cut() const { return kind == BandKind::low_cut || kind == BandKind::high_cut; }
};

/// (n0 + n1 s + n2 s^2) / (d0 + d1 s + d2 s^2), with s in units of the band's angular frequency.
struct AnalogSection {
  double n0, n1, n2, d0, d1, d2;
  bool operator==(const AnalogSection&) const = default;

  /// |H|^2 at `x` times the band's frequency.
  double power(double x) const {
    const double y = x * x, a = n0 - n2 * y, b = d0 - d2 * y;
    return (a * a + n1 * n1 * y) / (b * b + d1 * d1 * y);
  }
};

/// The prototype of a band. Bell and shelves as in R. Bristow-Johnson, "Audio EQ Cookbook"; a tilt is
/// (1 + B s) / (B + s), which turns around freq by gain_db at either end.
struct Prototype {
  static constexpr int most = 8;
  std::array<AnalogSection, most> section{};
  int count = 0;

  explicit Prototype(const Band& band);
  Prototype() = default;
  double power(double x) const {
    double p = 1;
    for (int i = 0; i < count; ++i) p *= section[std::size_t(i)].power(x);
    return p;
  }

private:
  void cut(const Band& band);
  void add(double f, double q, bool high);
};

/// A designed band: for each section of the prototype a biquad, and another one that corrects it where that is needed.
struct Design {
  struct Section {
    Biquad main, correction;
    bool corrected = false;
  };
  std::array<Section, Prototype::most> section{};
  int count = 0;
};

class FilterDesigner {
public:
  /// [control]
  explicit FilterDesigner(double rate = 48000);
  Design operator()(const Band& band) const;

private:
  /// A polynomial of z by its value at DC, v = b0 - b2, and its value at Nyquist.
  struct Pvm {
    double p = 1, v = 1, m = 1;
    double power(double x) const {  // |.|^2 / cos^4(w/2)
      const double r = p - m * x;
      return r * r + 4 * v * v * x;
    }
  };
  struct Pair {
    Pvm n, d;
    double power(double x) const { return n.power(x) / d.power(x); }
  };
  static constexpr int spread = 18, around = 8, most = spread + around;
  struct Grid {
    std::array<double, most> x, wanted;  // tan^2(w/2), |H|^2
    int count = 0;
  };
  /// What the fit may move: bits of n.p n.v n.m d.v d.m.
  using Free = std::array<bool, 5>;

  Grid grid(const AnalogSection& a, double w0) const;
  static Pvm roots(double c0, double c1, double c2, double w0);
  static double fit(std::span<Pair> pairs, std::span<const Free> free, const Grid& g, int steps, double enough);
  static Biquad biquad(const Pair& p);
  Design::Section section(const AnalogSection& a, double w0, double tolerance) const;

  double rate_;
  std::array<double, spread> w_{}, x_{};
};

}  // namespace lacquer
