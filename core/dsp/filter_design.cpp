#include "core/dsp/filter_design.hpp"

namespace lacquer {
namespace {

constexpr double pi = std::numbers::pi;
constexpr double top = 0.907 * pi;  ///< fitted up to here: 20 kHz at 44.1 kHz

/// Pole pair of a filter of the Bessel kind (W. E. Thomson 1949): frequency against the -3.01 dB corner, and Q.
/// A first-order section has Q 0. From the roots of the reverse Bessel polynomials, to 17 digits.
struct Pole {
  double f, q;
};
constexpr Pole bessel_1[] = {{1, 0}};
constexpr Pole bessel_2[] = {{1.272019649514069, 0.57735026918962576}};
constexpr Pole bessel_3[] = {{1.3226757999104448, 0}, {1.4476171331469873, 0.6910466258250713}};
constexpr Pole bessel_4[] = {{1.4301715599939905, 0.52193458166898016}, {1.6033575162169731, 0.80553828184166575}};
constexpr Pole bessel_6[] = {{1.6039191287737987, 0.51031782474876995},
                             {1.6891682676204605, 0.61119454687800261},
                             {1.9047076123027623, 1.023313953826724}};
constexpr Pole bessel_8[] = {{1.7784659117746491, 0.50599106939746998},
                             {1.8320926011985827, 0.55960916479579111},
                             {1.9531957590220648, 0.71085207444169798},
                             {2.1887262305274388, 1.2256694254081706}};
constexpr Pole bessel_12[] = {{2.0961332254383864, 0.50275555819436063}, {2.1247253847272295, 0.52593620203799024},
                              {2.1849672263874057, 0.57936723862254916}, {2.2843182539864052, 0.68400806814523433},
                              {2.4391261143152037, 0.90594710702359422}, {2.6929892508380275, 1.5946569350718229}};
constexpr Pole bessel_16[] = {{2.3758230800130566, 0.50157840030865171}, {2.3942771001820358, 0.5145709537259412},
                              {2.4322770806322572, 0.54267836600972563}, {2.4922550480337416, 0.59114465944487544},
                              {2.5786294577866384, 0.67138237959205763}, {2.6993501802880153, 0.81041030288549454},
                              {2.8701609941667278, 1.0890637691755543},  {3.1314916740430516, 1.9292718407012723}};

std::span<const Pole> bessel(int order) {
  switch (order) {
    case 1:
      return bessel_1;
    case 2:
      return bessel_2;
    case 3:
      return bessel_3;
    case 4:
      return bessel_4;
    case 6:
      return bessel_6;
    case 8:
      return bessel_8;
    case 12:
      return bessel_12;
    default:
      return bessel_16;
  }
}

}  // namespace

// ---- prototypes -----------------------------------------------------------------------------------------------------

Prototype::Prototype(const Band& b) {
  const double a = exp2_of(b.gain_db / 40 * (std::numbers::ln10 * std::numbers::log2e)), root = std::sqrt(a) / b.q;
  count = 1;
  AnalogSection& s = section[0];
  switch (b.kind) {
    case BandKind::bell:
      s = {1, a / b.q, 1, 1, 1 / (a * b.q), 1};
      break;
    case BandKind::low_shelf:
      s = {a * a, a * root, a, 1, root, a};
      break;
    case BandKind::high_shelf:
      s = {a, a * root, a * a, a, root, 1};
      break;
    case BandKind::notch:
      s = {1, 0, 1, 1, 1 / b.q, 1};
      break;
    case BandKind::band_pass:
      s = {0, 1 / b.q, 0, 1, 1 / b.q, 1};
      break;
    case BandKind::tilt:
      s = {1, a * a, 0, a * a, 1, 0};
      break;
    case BandKind::low_cut:
    case BandKind::high_cut:
      count = 0;
      cut(b);
      break;
  }
}

void Prototype::add(double f, double q, bool high) {  // a pole pair of a high cut, or turned over for a low cut
  const double d1 = q > 0 ? 1 / (f * q) : 1 / f, d2 = q > 0 ? 1 / (f * f) : 0;
  AnalogSection& s = section[std::size_t(count++)];
  if (high)
    s = {1, 0, 0, 1, d1, d2};
  else if (q > 0)
    s = {0, 0, 1, d2, d1, 1};
  else
    s = {0, 1, 0, d1, 1, 0};
}

void Prototype::cut(const Band& b) {
  const bool high = b.kind == BandKind::high_cut;
  const double resonance = b.q / Band::neutral_q;
  if (b.alignment == Alignment::bessel) {
    const auto poles = bessel(b.order);
    for (const Pole& p : poles) add(p.f, &p == &poles.back() ? p.q * resonance : p.q, high);
    return;
  }
  // Butterworth: poles on a circle, Q = 1 / (2 cos of their angle). Linkwitz-Riley: a Butterworth of half the order,
  // twice; its first-order sections make a pair of Q 1/2.
  const bool twice = b.alignment == Alignment::linkwitz_riley && b.order % 2 == 0;
  const int order = twice ? b.order / 2 : b.order;
  if (order % 2) add(1, twice ? 0.5 * (order == 1 ? resonance : 1) : 0, high);
  for (int k = order / 2; k-- > 0;) {
    const double q = 0.5 / sin_cos(pi * (2 * k + 1) / (2 * order)).sin;
    if (twice) add(1, q, high);
    add(1, k == 0 ? q * resonance : q, high);
  }
}

// ---- designs --------------------------------------------------------------------------------------------------------

FilterDesigner::FilterDesigner(double rate) : rate_(rate) {
  for (int i = 0; i < spread; ++i) {
    // closer together towards the top, and two far down
    w_[std::size_t(i)] = i < 2 ? top * (i ? 0.03 : 0.003) : top * sin_cos(pi / 2 * (i - 1) / (spread - 2)).sin;
    const SinCos half = sin_cos(w_[std::size_t(i)] / 2);
    x_[std::size_t(i)] = half.sin * half.sin / (half.cos * half.cos);
  }
}

/// Where a design is compared with its prototype: evenly over the whole range, and around the band's frequency.
FilterDesigner::Grid FilterDesigner::grid(const AnalogSection& a, double w0) const {
  Grid g;
  const auto put = [&](double w, double x) {
    const double wanted = a.power(w / w0);
    if (wanted < 1e-9) return;  // the bottom of a notch, which is exact by itself
    g.x[std::size_t(g.count)] = x;
    g.wanted[std::size_t(g.count++)] = wanted;
  };
  for (std::size_t i = 0; i < spread; ++i) put(w_[i], x_[i]);
  const double width = std::clamp(std::sqrt(a.d1 * a.d1 / (a.d0 * a.d2 + 1e-9)), 0.02, 1.0);  // 1/Q of the poles
  for (const double octaves : {-2.0, -1.0, -0.5, -0.2, 0.1, 0.3, 0.6, 1.0}) {
    const double w = w0 * exp2_of(octaves * width);
    if (w >= top) break;
    const SinCos half = sin_cos(w / 2);
    put(w, half.sin * half.sin / (half.cos * half.cos));
  }
  return g;
}

/// z = exp(s / rate) for the roots of c0 + c1 s + c2 s^2, scaled to 1 at DC unless there is a root.
FilterDesigner::Pvm FilterDesigner::roots(double c0, double c1, double c2, double w0) {
  const auto decay = [](double x) { return exp2_of(-std::min(x, 700.0) * std::numbers::log2e); };
  if (c2 == 0) {
    if (c1 == 0) return {1, 1, 1};
    if (c0 == 0) return {0, 1, 2};
    const double r = decay(c0 / c1 * w0);
    return {1 - r, 1, 1 + r};
  }
  if (c0 == 0) return c1 == 0 ? Pvm{0, 0, 4} : Pvm{0, 1 - decay(c1 / c2 * w0), 2 + 2 * decay(c1 / c2 * w0)};
  const double w = w0 * std::sqrt(c0 / c2), damping = c1 / (2 * std::sqrt(c0 * c2));
  if (damping >= 1) {
    const double off = std::sqrt(damping * damping - 1), r1 = decay((damping - off) * w),
                 r2 = decay((damping + off) * w);
    return {(1 - r1) * (1 - r2), 1 - r1 * r2, (1 + r1) * (1 + r2)};
  }
  const double r = decay(damping * w), angle = std::min(w * std::sqrt(1 - damping * damping), pi);
  const SinCos half = sin_cos(angle / 2);
  const double far = (1 - r) * (1 - r);
  return {far + 4 * r * half.sin * half.sin, (1 - r) * (1 + r), far + 4 * r * half.cos * half.cos};
}

/// Moves what is free so that the product of the pairs meets the grid; returns the largest error left, about as a
/// fraction of the power.
double FilterDesigner::fit(std::span<Pair> pairs, std::span<const Free> free, const Grid& g, int steps, double enough) {
  std::array<int, 10> which{};
  int n = 0;
  for (int i = 0; i < 5 * int(pairs.size()); ++i)
    if (free[std::size_t(i / 5)][std::size_t(i % 5)]) which[std::size_t(n++)] = i;

  std::array<double, most> error{};
  const auto errors = [&](std::span<const Pair> p, double& worst) {
    double sum = 0;
    worst = 0;
    for (std::size_t i = 0; i < std::size_t(g.count); ++i) {
      double got = 1;
      for (const Pair& one : p) got *= one.power(g.x[i]);
      const double e = 2 * (got - g.wanted[i]) / (got + g.wanted[i]);  // ln(got / wanted) to third order
      error[i] = e;
      sum += e * e;
      worst = std::max(worst, std::abs(e));
    }
    return sum;
  };
  // A little is charged for every move, lest a pole and a zero meet on the unit circle between two points of the grid.
  constexpr double charge = 1e-6;
  std::array<double, 10> gone{};  // logarithm of what each has been multiplied by
  // No root may become much sharper than it began, or a pole and a zero could meet between two points of the grid.
  const auto bluntness = [](const Pvm& c) { return c.p * c.m > 0 ? 4 * c.v * c.v / (c.p * c.m) : 4; };  // 1 / Q^2
  std::array<double, 4> least{};
  for (std::size_t k = 0; k < pairs.size(); ++k) {
    least[2 * k] = 0.25 * std::min(1.0, bluntness(pairs[k].n));
    least[2 * k + 1] = 0.25 * std::min(1.0, bluntness(pairs[k].d));
  }
  double worst = 0, cost = errors(pairs, worst), damping = 1e-3;
  for (int step = 0; step < steps && worst > enough; ++step) {
    double h[10][10] = {}, gradient[10] = {};
    for (std::size_t i = 0; i < std::size_t(g.count); ++i) {
      double slope[10];
      const double x = g.x[i], bend = 1 - error[i] * error[i] / 4;  // derivative of the error after ln r
      for (std::size_t k = 0; k < pairs.size(); ++k) {
        const Pair& p = pairs[k];
        const double rn = p.n.p - p.n.m * x, rd = p.d.p - p.d.m * x;
        const double wn = 2 * bend / p.n.power(x), wd = -2 * bend / p.d.power(x);
        slope[5 * k] = wn * rn * p.n.p;
        slope[5 * k + 1] = wn * 4 * x * p.n.v * p.n.v;
        slope[5 * k + 2] = -wn * rn * p.n.m * x;
        slope[5 * k + 3] = wd * 4 * x * p.d.v * p.d.v;
        slope[5 * k + 4] = -wd * rd * p.d.m * x;
      }
      for (int a = 0; a < n; ++a) {
        const double sa = slope[which[std::size_t(a)]];
        gradient[a] += sa * error[i];
        for (int b = 0; b <= a; ++b) h[a][b] += sa * slope[which[std::size_t(b)]];
      }
    }
    for (int a = 0; a < n; ++a) {
      h[a][a] += charge;
      gradient[a] += charge * gone[std::size_t(a)];
    }
    // Cholesky: (H + damping) move = -gradient
    double move[10];
    for (int a = 0; a < n; ++a) {
      h[a][a] += damping * h[a][a] + 1e-9;
      for (int b = 0; b <= a; ++b) {
        double sum = h[a][b];
        for (int k = 0; k < b; ++k) sum -= h[a][k] * h[b][k];
        h[a][b] = a == b ? std::sqrt(std::max(sum, 1e-18)) : sum / h[b][b];
      }
    }
    for (int a = 0; a < n; ++a) {
      double sum = -gradient[a];
      for (int k = 0; k < a; ++k) sum -= h[a][k] * move[k];
      move[a] = sum / h[a][a];
    }
    for (int a = n; a-- > 0;) {
      for (int k = a + 1; k < n; ++k) move[a] -= h[k][a] * move[k];
      move[a] /= h[a][a];
    }
    std::array<Pair, 2> next;
    std::array<double, 10> further = gone;
    std::copy(pairs.begin(), pairs.end(), next.begin());
    for (int a = 0; a < n; ++a) {
      Pair& p = next[std::size_t(which[std::size_t(a)] / 5)];
      double* const value[5] = {&p.n.p, &p.n.v, &p.n.m, &p.d.v, &p.d.m};
      const double t = std::clamp(move[a], -1.0, 1.0), even = 1 + t * t / 12;
      *value[which[std::size_t(a)] % 5] *= (even + t / 2) / (even - t / 2);  // e^t, nearly
      further[std::size_t(a)] += t;
    }
    const auto before = error;
    double next_worst;
    double next_cost = errors(std::span(next).first(pairs.size()), next_worst);
    for (int a = 0; a < n; ++a) next_cost += charge * further[std::size_t(a)] * further[std::size_t(a)];
    bool sound = true;
    for (std::size_t k = 0; k < pairs.size(); ++k)
      sound &= bluntness(next[k].n) >= least[2 * k] && bluntness(next[k].d) >= least[2 * k + 1];
    if (sound && next_cost < cost) {
      const bool settled = next_cost > 0.9999 * cost;
      std::copy_n(next.begin(), pairs.size(), pairs.begin());
      gone = further;
      cost = next_cost;
      worst = next_worst;
      damping = std::max(damping * 0.1, 1e-9);
      if (settled) break;
    } else {
      error = before;
      damping *= 10;
    }
  }
  return worst;
}

Biquad FilterDesigner::biquad(const Pair& p) {
  const double scale = 4 / (p.d.p + p.d.m + 2 * p.d.v);
  const auto outer = [&](const Pvm& c, double sign) { return (c.p + c.m + sign * 2 * c.v) / 4 * scale; };
  const auto middle = [&](const Pvm& c) { return (c.p - c.m) / 2 * scale; };
  return {outer(p.n, 1), middle(p.n), outer(p.n, -1), middle(p.d), outer(p.d, -1)};
}

Design::Section FilterDesigner::section(const AnalogSection& a, double w0, double tolerance) const {
  Pair pair{roots(a.n0, a.n1, a.n2, w0), roots(a.d0, a.d1, a.d2, w0)};
  const auto scale = [](Pvm& c, double by) { c.p *= by, c.v *= by, c.m *= by; };
  scale(pair.d, 1 / pair.d.p);
  if (a.n0 != 0)
    scale(pair.n, a.n0 / a.d0 / pair.n.p);
  else {  // as loud as the prototype a little above DC, where every root is mapped exactly
    const double w = std::min(w0, 1.0) / 64;
    const SinCos half = sin_cos(w / 2);
    scale(pair.n, std::sqrt(a.power(w / w0) / pair.power(half.sin * half.sin / (half.cos * half.cos))));
  }
  const Grid g = grid(a, w0);
  const bool notch = a.n1 == 0 && a.n0 != 0 && a.n2 != 0;
  const Free free{false, pair.n.v != 0, pair.n.m != 0 && !notch, true, true};
  const Pair start = pair;
  Design::Section out;
  const double worst = fit(std::span(&pair, 1), std::span(&free, 1), g, 12, tolerance / 4);
  out.main = biquad(pair);
  if (worst > tolerance) {
    Grid rest = g;
    for (std::size_t i = 0; i < std::size_t(g.count); ++i) rest.wanted[i] = g.wanted[i] / start.power(g.x[i]);
    Pair both[] = {start, {{1, 1.1, 1.2}, {1, 0.9, 0.8}}};
    const Free each[] = {free, {a.n0 == 0 || notch, true, true, true, true}};
    fit(std::span(both + 1, 1), std::span(each + 1, 1), rest, 40, tolerance / 4);
    const double w2 = fit(both, each, g, 60, tolerance / 4);
    if (w2 < worst) {
      out.main = biquad(both[0]);
      out.correction = biquad(both[1]);
      out.corrected = true;
    }
  }
  return out;
}

Design FilterDesigner::operator()(const Band& band) const {
  // A cut of a bell or shelf is the exact inverse of its boost.
  const bool inverse = band.has_gain() && band.gain_db < 0;
  Band b = band;
  if (inverse) b.gain_db = -b.gain_db;
  const Prototype prototype(b);
  const double w0 = 2 * pi * band.freq / rate_;
  Design d;
  d.count = prototype.count;
  for (std::size_t i = 0; i < std::size_t(d.count); ++i) {
    const AnalogSection& a = prototype.section[i];
    Design::Section& s = d.section[i];
    if (i > 0 && a == prototype.section[i - 1]) {  // the two halves of a Linkwitz-Riley filter
      s = d.section[i - 1];
      continue;
    }
    s = section(a, w0, 0.0085 / d.count);
    if (inverse)
      for (Biquad* q : {&s.main, &s.correction})
        *q = {1 / q->b0, q->a1 / q->b0, q->a2 / q->b0, q->b1 / q->b0, q->b2 / q->b0};
  }
  return d;
}

}  // namespace lacquer
