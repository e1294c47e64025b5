// tests/rig.hpp — one node on the bench, built from the line a user would write.
//
//   Rig comp("compressor: {threshold: -18 dB, ratio: 4:1}");
//   Signal out = comp.run(steady(-6, 1.0));
//   CHECK(level(out) == Approx(-15).margin(0.05));
//
// Every block runs under RtGuard: a node that allocates or locks in process fails whatever test it is in.

#pragma once

#include "core/control.hpp"

#include <complex>
#include <optional>
#include <string>
#include <vector>

namespace lacquer {

using Signal = std::vector<std::vector<float>>;  ///< [channel][frame]

class Rig {
public:
  explicit Rig(const std::string& step, int channels = 2, double rate = 48000);
  explicit Rig(const lacquer_node_type& type, int channels = 2, double rate = 48000);
  ~Rig();
  Rig(const Rig&) = delete;

  Signal run(const Signal& in, const Signal& key = {});  ///< main in, main out; blocks of `block` frames
  std::vector<Signal> outputs(const Signal& in, const Signal& key = {});  ///< the same, every output: for splitters
  void listen(const Signal& in);  ///< the pass before process, for nodes that take one
  void set(const std::string& param, const std::string& value);
  void reset();
  double result(const std::string& name) const;
  void finish();  ///< the programme has ended
  int latency() const;
  std::string details() const;
  void again(int channels);  ///< prepares the same instance anew, for another width
  bool ready() const { return refusal.empty(); }

  std::string refusal;              ///< what prepare said
  int block = 256;                  ///< 0: random sizes 1..512
  bool in_place = true;             ///< process onto the input's own memory
  int late = 0;                     ///< frames before the programme, from the next reset: latency that lies before
  std::int64_t length = INT64_MAX;  ///< of the programme, when the node may know it
  const lacquer_node_type& type;

private:
  void prepare(int channels);
  std::vector<Signal> pass(const Signal& in, const Signal& key, void (*verb)(void*, const lacquer_block*));

  Vertex vertex_;
  std::optional<Control> control_;
  void* self_;
  double rate_;
  int channels_ = 0;
  std::vector<double> results_;
  std::int64_t time_ = 0;
};

Signal steady(float db, double seconds, int channels = 2, double rate = 48000);  ///< constant level
Signal noise(float db, double seconds, int channels = 2, unsigned seed = 1);
Signal sine(float db, double freq, double seconds, int channels = 2, double rate = 48000);
Signal operator+(Signal a, const Signal& b);                                     ///< one after the other
double level(const Signal& s, double last_seconds = 0.05, double rate = 48000);  ///< peak of the end, dBFS
/// The transform of an impulse response at a frequency.
std::complex<double> response(const std::vector<float>& impulse, double freq, double rate = 48000);
double response_db(const std::vector<float>& impulse, double freq, double rate = 48000);  ///< its magnitude
/// Peak level of the tone of that frequency in the second half, dBFS, at 48 kHz.
double tone_level(const std::vector<float>& x, double freq);
/// A result after each quarter of a millisecond at 48 kHz.
std::vector<double> trace(Rig& rig, const Signal& in, const std::string& result);
/// Milliseconds until a trace has covered 63 % of its way from the first to the last value.
double way_63(const std::vector<double>& trace);
/// The highest line of the spectrum, in dB of full scale, further than `aside` Hz from `freq`, in windows over all of
/// it, at 48 kHz; with `harmonics` from every multiple of freq, nought included.
double highest_beside(const std::vector<float>& x, double freq, double aside, bool harmonics = false);
bool same_bits(const Signal& a, const Signal& b);
float distance(const Signal& a, const Signal& b);  ///< largest difference

}  // namespace lacquer
