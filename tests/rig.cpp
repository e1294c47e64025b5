#include "tests/rig.hpp"

#include "core/graph/load.hpp"
#include "core/node.hpp"
#include "core/units.hpp"
#include "nodes/builtin.hpp"
#include "tests/rt_guard.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstring>
#include <limits>
#include <numbers>
#include <random>

namespace lacquer {
namespace {
Vertex vertex_of(const lacquer_node_type& type) {
  Graph g;
  g.node(type, type.name, {}, std::min(type.max_rows, 3u));
  Vertex& v = g.vertices[0];
  for (std::uint32_t s = type.param_count; s < v.mix_slot(); ++s) {  // rows that do something, each more than the last
    const float share = 1 / (6 - float((s - type.param_count) / type.row_param_count));
    const lacquer_param& p = v.param(s);
    if (p.unit.choices) continue;
    v.values[s] = std::string_view(p.unit.symbol) == "Hz" ? p.init * std::pow(p.range.max / p.init, share)
                                                          : p.init + (p.range.max - p.init) * share;
  }
  return v;
}
Vertex vertex_of(const std::string& step) {
  // a join by its bare name: on the bench nothing need be connected
  if (const lacquer_node_type* bare = builtin().find(step); bare && !bare->max_rows) return vertex_of(*bare);
  const Graph g = load_text("in: {in: any, key: any}\nchain:\n  - " + step + "\n", "(test)", builtin());
  const std::string kind = step.substr(0, step.find_first_of(" :"));
  return *std::find_if(g.vertices.begin(), g.vertices.end(),
                       [&](const Vertex& v) { return v.type && v.type->name == kind; });
}
}  // namespace

Rig::Rig(const std::string& step, int channels, double rate)
    : type(*vertex_of(step).type), vertex_(vertex_of(step)), self_(type.create()), rate_(rate) {
  prepare(channels);
}
Rig::Rig(const lacquer_node_type& t, int channels, double rate)
    : type(t), vertex_(vertex_of(t)), self_(t.create()), rate_(rate) {
  prepare(channels);
}
Rig::~Rig() { type.destroy(self_); }

void Rig::prepare(int channels) {
  const bool all_mono = std::all_of(type.inputs, type.inputs + type.input_count,
                                    [](const lacquer_port& p) { return p.kind == LACQUER_MONO; });
  channels_ = all_mono ? int(type.input_count) : channels;
  std::vector<std::uint32_t> widths;
  for (std::uint32_t i = 0; i < type.input_count; ++i)
    widths.push_back(type.inputs[i].kind == LACQUER_MONO ? 1 : std::uint32_t(channels_));
  std::vector<const char*> paths(vertex_.values.size());
  for (const auto& [slot, file] : vertex_.paths) paths[slot] = file.c_str();
  const lacquer_setup setup{
      rate_, 1024, std::uint32_t(channels_), widths.data(), vertex_.rows, vertex_.values.data(), paths.data()};
  if (const char* why = type.prepare(self_, &setup)) refusal = why;
  control_.emplace(vertex_, rate_);
  results_.assign(type.result_count, std::numeric_limits<double>::quiet_NaN());
  reset();
}
void Rig::reset() {
  type.reset(self_);
  control_->reset();
  time_ = -late;
}
void Rig::again(int channels) {
  refusal.clear();
  prepare(channels);
}
void Rig::finish() {
  if (type.finish) type.finish(self_, results_.data());
}
int Rig::latency() const { return int(type.latency(self_)); }
std::string Rig::details() const { return type.details ? type.details(self_) : ""; }

void Rig::set(const std::string& name, const std::string& value) {
  const int slot = vertex_.slot(name);
  REQUIRE(slot >= 0);
  control_->set(std::uint32_t(slot), parse(value, vertex_.param(std::uint32_t(slot))));
}
double Rig::result(const std::string& name) const {
  for (std::uint32_t i = 0; i < type.result_count; ++i)
    if (type.results[i].name == name) return results_[i];
  FAIL(type.name << " reports no " << name);
  return 0;
}

Signal Rig::run(const Signal& in, const Signal& key) { return outputs(in, key)[0]; }

std::vector<Signal> Rig::outputs(const Signal& in, const Signal& key) { return pass(in, key, type.process); }

void Rig::listen(const Signal& in) {
  REQUIRE(type.listen);
  pass(in, {}, type.listen);
  time_ = -late;
}

std::vector<Signal> Rig::pass(const Signal& in, const Signal& key, void (*verb)(void*, const lacquer_block*)) {
  const auto width = [&](const lacquer_port& p) { return std::size_t(p.kind == LACQUER_MONO ? 1 : channels_); };
  constexpr std::size_t most = 1024;
  std::vector<Signal> out(type.output_count);
  for (std::uint32_t o = 0; o < type.output_count; ++o)
    out[o].assign(width(type.outputs[o]), std::vector<float>(in[0].size()));
  std::mt19937 random(7);
  std::vector<std::vector<float>> memory;  // of one piece: inputs, then outputs
  for (std::size_t at = 0; at < in[0].size();) {
    std::size_t left = std::min({in[0].size() - at, most, std::size_t(block ? block : 1 + int(random() % 512))});
    while (left) {
      const Control::Piece piece = control_->next(time_, int(left));
      const std::size_t n = std::size_t(piece.frames);
      memory.clear();
      std::vector<std::vector<float*>> pointers(type.input_count + type.output_count);
      std::vector<lacquer_bus> ins, outs;
      for (std::uint32_t i = 0; i < type.input_count; ++i) {
        const bool mono = type.inputs[i].kind == LACQUER_MONO;
        const Signal& source = i && !mono && !key.empty() ? key : in;
        for (std::size_t c = 0; c < width(type.inputs[i]); ++c) {
          const auto& from = source[std::min(c + (mono ? i : 0), source.size() - 1)];
          memory.emplace_back(from.begin() + std::ptrdiff_t(at), from.begin() + std::ptrdiff_t(at + n));
          pointers[i].push_back(memory.back().data());
        }
        ins.push_back({pointers[i].data(), std::uint32_t(pointers[i].size())});
      }
      const bool same = in_place && type.inputs[0].kind == LACQUER_MAIN && type.outputs[0].kind == LACQUER_MAIN;
      for (std::uint32_t o = 0; o < type.output_count; ++o) {
        auto& p = pointers[type.input_count + o];
        for (std::size_t c = 0; c < width(type.outputs[o]); ++c)
          if (same && o == 0)
            p.push_back(pointers[0][c]);
          else
            memory.emplace_back(n, 123.0f), p.push_back(memory.back().data());  // what is not written shows
        outs.push_back({p.data(), std::uint32_t(p.size())});
      }
      // a key that hears the main input must not see it overwritten: the engine gives it memory of its own, as here
      const lacquer_block b{std::uint32_t(n), time_,    length,        ins.data(),        outs.data(),
                            piece.from,       piece.to, piece.ramp_at, piece.ramp_frames, results_.data()};
      {
        RtGuard guard;
        verb(self_, &b);
      }
      if (const char* what = RtGuard::violation()) FAIL(type.name << " calls " << what << " in process");
      for (std::uint32_t o = 0; o < type.output_count; ++o)
        for (std::size_t c = 0; c < out[o].size(); ++c)
          std::copy_n(outs[o].channel[c], n, out[o][c].begin() + std::ptrdiff_t(at));
      at += n;
      left -= n;
      time_ += std::int64_t(n);
    }
  }
  return out;
}

Signal steady(float db, double seconds, int channels, double rate) {
  return Signal(std::size_t(channels), std::vector<float>(std::size_t(seconds * rate), float(db_to_gain(double(db)))));
}
Signal noise(float db, double seconds, int channels, unsigned seed) {
  std::mt19937 random(seed);
  Signal s(std::size_t(channels), std::vector<float>(std::size_t(seconds * 48000)));
  for (auto& c : s)
    for (float& x : c) x = float(db_to_gain(double(db))) * (float(random()) / 2147483648.0f - 1);
  return s;
}
Signal sine(float db, double freq, double seconds, int channels, double rate) {
  Signal s(std::size_t(channels), std::vector<float>(std::size_t(seconds * rate)));
  for (auto& c : s)
    for (std::size_t i = 0; i < c.size(); ++i)
      c[i] = float(db_to_gain(double(db))) * float(std::sin(2 * std::numbers::pi * freq * double(i) / rate));
  return s;
}
Signal operator+(Signal a, const Signal& b) {
  for (std::size_t c = 0; c < a.size(); ++c) a[c].insert(a[c].end(), b[c].begin(), b[c].end());
  return a;
}
double level(const Signal& s, double last_seconds, double rate) {
  float peak = 0;
  for (const auto& c : s)
    for (std::size_t i = c.size() - std::min(c.size(), std::size_t(last_seconds * rate)); i < c.size(); ++i)
      peak = std::max(peak, std::abs(c[i]));
  return gain_to_db(double(peak));
}
std::complex<double> response(const std::vector<float>& impulse, double freq, double rate) {
  std::complex<double> sum = 0, turn = std::polar(1.0, -2 * std::numbers::pi * freq / rate), now = 1;
  for (const float x : impulse) sum += double(x) * now, now *= turn;
  return sum;
}
double response_db(const std::vector<float>& impulse, double freq, double rate) {
  return 20 * std::log10(std::max(std::abs(response(impulse, freq, rate)), 1e-12));
}
double tone_level(const std::vector<float>& x, double freq) {
  std::complex<double> sum = 0;
  const std::size_t from = x.size() / 2, n = x.size() - from;
  for (std::size_t i = 0; i < n; ++i) {
    const double w = std::pow(std::sin(std::numbers::pi * double(i) / double(n)), 2);  // Hann, 1/2 on average
    sum += w * double(x[from + i]) * std::polar(1.0, -2 * std::numbers::pi * freq * double(i) / 48000);
  }
  return 20 * std::log10(std::max(4 * std::abs(sum) / double(n), 1e-12));
}
double highest_beside(const std::vector<float>& x, double freq, double aside, bool harmonics) {
  constexpr int n = 8192;
  double highest = 0;
  std::vector<std::complex<double>> a(n);
  for (std::size_t at = 0; at + n <= x.size(); at += n / 2) {
    double weight = 0;
    for (int i = 0; i < n; ++i) {
      const double p = 2 * std::numbers::pi * i / n;  // Blackman-Harris: side lobes below -92 dB
      const double w = 0.35875 - 0.48829 * std::cos(p) + 0.14128 * std::cos(2 * p) - 0.01168 * std::cos(3 * p);
      a[std::size_t(i)] = w * double(x[at + std::size_t(i)]);
      weight += w / 2;
    }
    for (std::size_t i = 1, j = 0; i < n; ++i) {
      std::size_t bit = n >> 1;
      for (; j & bit; bit >>= 1) j ^= bit;
      j ^= bit;
      if (i < j) std::swap(a[i], a[j]);
    }
    for (std::size_t len = 2; len <= n; len *= 2)
      for (std::size_t i = 0; i < n; i += len)
        for (std::size_t k = 0; k < len / 2; ++k) {
          const auto t = std::polar(1.0, -2 * std::numbers::pi * double(k) / double(len)) * a[i + k + len / 2];
          a[i + k + len / 2] = a[i + k] - t;
          a[i + k] += t;
        }
    for (int k = 1; k < n / 2; ++k) {
      const double f = k * 48000.0 / n, nearest = harmonics ? freq * std::round(f / freq) : freq;
      if (std::abs(f - nearest) > aside) highest = std::max(highest, std::abs(a[std::size_t(k)]) / weight);
    }
  }
  return 20 * std::log10(highest + 1e-12);
}
std::vector<double> trace(Rig& rig, const Signal& in, const std::string& result) {
  std::vector<double> values;
  constexpr std::size_t step = 12;
  for (std::size_t i = 0; i + step <= in[0].size(); i += step) {
    Signal piece;
    for (const auto& c : in) piece.emplace_back(c.begin() + std::ptrdiff_t(i), c.begin() + std::ptrdiff_t(i + step));
    rig.run(piece);
    values.push_back(rig.result(result));
  }
  return values;
}
double way_63(const std::vector<double>& trace) {
  const double goal = trace.front() + (trace.back() - trace.front()) * (1 - std::exp(-1.0));
  for (std::size_t i = 1; i < trace.size(); ++i)
    if ((trace[i] - goal) * (trace.back() - trace.front()) >= 0) return double(i) / 4;
  return -1;
}
bool same_bits(const Signal& a, const Signal& b) {
  for (std::size_t c = 0; c < a.size(); ++c)
    if (a[c].size() != b[c].size() || std::memcmp(a[c].data(), b[c].data(), a[c].size() * sizeof(float))) return false;
  return true;
}
float distance(const Signal& a, const Signal& b) {
  float d = 0;
  for (std::size_t c = 0; c < a.size(); ++c)
    for (std::size_t i = 0; i < a[c].size(); ++i) d = std::max(d, std::abs(a[c][i] - b[c][i]));
  return d;
}

}  // namespace lacquer
