// core/node.hpp — everything you need to write a node.
//
// A node is a plain class: tables that say what it is, and process(), which does it. No base class, no macro.
//
//   struct Gain {
//     static constexpr Info  info{.name = "gain", .doc = "Turns the signal up or down."};
//     static constexpr Param params[] = {{"gain", dB, 0, {-80, 24}, "How much."}};
//
//     void process(Block<Gain>& b) noexcept {
//       for (auto [out, in] : b) simd().gain(out, in, b.ramp("gain"), b.frames());
//     }
//   };
//   const lacquer_node_type& lacquer_node_gain = node_type<Gain>;      // the file is nodes/gain.cpp: that is the
//   registration
//
// The tables are the only declaration. YAML validation, `nodes --help`, the JSON schema, the reference manual,
// automation, --set and the C API all read them, and b["gian"] does not compile.
//
// Optional members, each with the obvious default when left out:
//   static constexpr Port   inputs[], outputs[];        one main port each
//   static constexpr Result results[];                  what a meter reports; write with b.report("peak", x)
//   static constexpr Param  row[]; static constexpr int max_rows;      repeated settings, such as eq bands
//   void prepare(const Setup<T>&)                       allocate here; throw std::runtime_error to refuse
//   void reset() noexcept                               forget the past, keep the settings and what listen has heard
//   void listen(Block<T>&) noexcept                     hear the whole programme once before process: normalising
//   void finish(Report<T>&) noexcept                    the programme has ended: final results
//   int  latency() const noexcept                       frames; the graph keeps parallel paths aligned
//   std::string details() const                         [control] what is not one number, as a JSON object
//
// In process and listen: no allocation, no lock, no exception, no I/O. Every test of every node runs under a guard
// that enforces it. Not one bit of the output may depend on how the stream is cut into blocks: work that happens once
// in a while is counted from b.time(), never from the start of a block. Audio is float, full scale 1.0; whatever feeds
// back on itself (filters, averages) is kept in double.

#pragma once

#include "core/math.hpp"
#include "core/plugin.h"
#include "core/simd/simd.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <utility>

namespace lacquer {

// ---- tables ---------------------------------------------------------------------------------------------------------

using Unit = lacquer_unit;
constexpr Unit unit(const char* symbol) { return {symbol, nullptr}; }

inline constexpr Unit dB = unit("dB"), dBFS = unit("dBFS"), dBTP = unit("dBTP"), LUFS = unit("LUFS"), LU = unit("LU");
inline constexpr Unit Hz = unit("Hz"), ms = unit("ms"), to_one = unit(":1"), percent = unit("%"), plain = unit("");

struct Choices {
  const char* list;
};
constexpr Choices one_of(const char* list) { return {list}; }
inline constexpr Choices on_off = one_of("off|on");

struct File {};
inline constexpr File a_file;  ///< a path, relative to the graph that names it

enum Motion { glide = LACQUER_GLIDE, step = LACQUER_STEP, fixed = LACQUER_FIXED };

struct Range {
  float min, max;
};

namespace detail {
/// Position of `name` in "a|b|c", or -1.
constexpr int choice_index(std::string_view list, std::string_view name) {
  for (int i = 0; !list.empty(); ++i) {
    const auto bar = list.find('|');
    if (list.substr(0, bar) == name) return i;
    list = bar == list.npos ? "" : list.substr(bar + 1);
  }
  return -1;
}
constexpr float last_choice(std::string_view list) {
  float n = 0;
  for (char c : list) n += c == '|';
  return n;
}
}  // namespace detail

/// One line of a parameter table: name, unit, default, range, what it does, how it moves.
struct Param : lacquer_param {
  consteval Param(const char* id, Unit in, float start, Range within, const char* about, Motion how = glide)
      : lacquer_param{id, in, start, {within.min, within.max}, about, lacquer_motion(how)} {}

  consteval Param(const char* id, Choices of, const char* start, const char* about, Motion how = step)
      : lacquer_param{
            id,    {"", of.list},      float(detail::choice_index(of.list, start)), {0, detail::last_choice(of.list)},
            about, lacquer_motion(how)} {}

  consteval Param(const char* id, File, const char* about)
      : lacquer_param{id, {"path", nullptr}, 0, {0, 1}, about, LACQUER_FIXED} {}
};

struct Port : lacquer_port {
  consteval Port(const char* id, lacquer_port_kind is, const char* about) : lacquer_port{id, is, about} {}
};
inline constexpr Port main_in{"in", LACQUER_MAIN, "The signal."}, main_out{"out", LACQUER_MAIN, "The signal."};

struct Result : lacquer_result {
  consteval Result(const char* id, Unit in, const char* about) : lacquer_result{id, in, about} {}
};

struct Info {
  const char* name;              ///< file name, YAML name, test name, manual entry
  const char* doc;               ///< one sentence
  const char* source = nullptr;  ///< paper or standard, with the equation or annex
};

namespace detail {

/// A table as pointer and length; empty when the node does not declare it.
template <class Row>
struct Table {
  const Row* rows = nullptr;
  int size = 0;
  constexpr Table() = default;
  template <int N>
  constexpr Table(const Row (&r)[N]) : rows(r), size(N) {}

  consteval int find(std::string_view name) const {
    for (int i = 0; i < size; ++i)
      if (rows[i].name == name) return i;
    throw "this name is not in the node's table";  // consteval: the compiler says it, the user never sees it
  }
};

inline constexpr Port default_inputs[] = {main_in}, default_outputs[] = {main_out};

/// The tables of T, or their defaults.
template <class T>
struct Tables {
#define LACQUER_TABLE(Row, name, otherwise) \
  static constexpr Table<Row> name() {      \
    if constexpr (requires { T::name; })    \
      return T::name;                       \
    else                                    \
      return otherwise;                     \
  }
  LACQUER_TABLE(Param, params, {})
  LACQUER_TABLE(Param, row, {})
  LACQUER_TABLE(Result, results, {})
  LACQUER_TABLE(Port, inputs, default_inputs)
  LACQUER_TABLE(Port, outputs, default_outputs)
#undef LACQUER_TABLE
  static consteval int max_rows() {
    if constexpr (requires { T::row; })
      return T::max_rows;
    else
      return 0;
  }
};

/// A name that becomes a table position while compiling.
template <class T, auto table>
struct Name {
  int at;
  consteval Name(const char* name) : at(table().find(name)) {}
};
template <class T>
using ParamName = Name<T, Tables<T>::params>;
template <class T>
using RowName = Name<T, Tables<T>::row>;
template <class T>
using ResultName = Name<T, Tables<T>::results>;
template <class T>
using InputName = Name<T, Tables<T>::inputs>;
template <class T>
using OutputName = Name<T, Tables<T>::outputs>;

}  // namespace detail

// ---- what prepare and process are given -----------------------------------------------------------------------------

/// The channels of one port: each a pointer to b.frames() samples.
template <class Sample>
struct Bus {
  Sample* const* data;
  int channels;
  Sample* operator[](int c) const { return data[c]; }
  Sample* const* begin() const { return data; }
  Sample* const* end() const { return data + channels; }
};

/// [control] What prepare may rely on until the next prepare.
template <class T>
class Setup {
  const lacquer_setup& raw;

public:
  explicit Setup(const lacquer_setup& s) : raw(s) {}
  double rate() const { return raw.rate; }
  int max_frames() const { return int(raw.max_frames); }
  int channels() const { return int(raw.channels); }
  int channels(detail::InputName<T> p) const { return int(raw.input_channels[p.at]); }
  int rows() const { return int(raw.rows); }
  float operator[](detail::ParamName<T> p) const { return raw.values[p.at]; }
  const char* file(detail::ParamName<T> p) const { return raw.paths[p.at]; }
  const float* values() const { return raw.values; }  ///< params, then rows x row params
};

/// [audio] One block of audio, and everything that applies to it.
template <class T>
class Block {
  const lacquer_block& raw;
  Ramp ramp_of(int slot) const { return {raw.from[slot], raw.to[slot], int(raw.ramp_at), int(raw.ramp_frames)}; }
  static constexpr int at(int row, detail::RowName<T> p) {
    return detail::Tables<T>::params().size + row * detail::Tables<T>::row().size + p.at;
  }

public:
  explicit Block(const lacquer_block& b) : raw(b) {}

  int frames() const { return int(raw.frames); }
  std::int64_t time() const { return raw.time; }   ///< programme position of the first frame; negative before its start
  std::int64_t length() const { return raw.end; }  ///< of the programme; INT64_MAX when live

  /// The part of this block that is programme, not the silence of latency before it or after it: [first, last).
  int first() const { return int(std::clamp<std::int64_t>(-raw.time, 0, raw.frames)); }
  int last() const {
    if (raw.end >= raw.time + raw.frames) return int(raw.frames);  // live, the length is too large to subtract from
    return std::max(first(), int(std::max<std::int64_t>(raw.end - raw.time, 0)));
  }

  /// All values at the start and the end of the ramp, laid out as in lacquer_setup.values: to see whether any changed.
  const float* all_from() const { return raw.from; }
  const float* all_to() const { return raw.to; }
  int ramp_at() const { return int(raw.ramp_at); }
  int ramp_frames() const { return int(raw.ramp_frames); }

  /// True in the blocks of a ramp's first frame: the moment to work out coefficients from from and to.
  bool ramp_starts() const { return raw.ramp_at == 0; }

  /// A parameter at the end of the current ramp, in the table's unit; with a row number, one of that row.
  float operator[](detail::ParamName<T> p) const { return raw.to[p.at]; }
  float operator()(int row, detail::RowName<T> p) const { return raw.to[at(row, p)]; }
  /// A choice, as the enum whose values follow the order of one_of("...").
  template <class E>
  E as(detail::ParamName<T> p) const {
    return E(int(raw.to[p.at]));
  }
  template <class E>
  E as(int row, detail::RowName<T> p) const {
    return E(int(raw.to[at(row, p)]));
  }
  /// Its way through this block.
  Ramp ramp(detail::ParamName<T> p) const { return ramp_of(p.at); }
  Ramp ramp(int row, detail::RowName<T> p) const { return ramp_of(at(row, p)); }

  /// The channels of the main input, as many as the main output has.
  const float* const* in() const { return raw.in[0].channel; }
  Bus<const float> input(detail::InputName<T> p) const {
    return {const_cast<const float* const*>(raw.in[p.at].channel), int(raw.in[p.at].count)};
  }
  Bus<float> output(detail::OutputName<T> p) const { return {raw.out[p.at].channel, int(raw.out[p.at].count)}; }

  /// Publishes a result; other threads see it after this block.
  void report(detail::ResultName<T> r, double value) { raw.results[r.at] = value; }

  /// What a meter does with the signal: passes it on, unchanged.
  void pass() const {
    for (auto [out, in] : *this)
      if (out != in) std::copy_n(in, raw.frames, out);
  }

  /// `for (auto [out, in] : b)` walks the main output and the main input together, channel by channel.
  struct Pair {
    float* out;
    const float* in;
  };
  struct Walk {
    const lacquer_block* b;
    std::uint32_t c;
    Pair operator*() const { return {b->out[0].channel[c], b->in[0].channel[c]}; }
    Walk& operator++() {
      ++c;
      return *this;
    }
    bool operator!=(const Walk& o) const { return c != o.c; }
  };
  Walk begin() const { return {&raw, 0}; }
  Walk end() const { return {&raw, raw.out[0].count}; }
};

/// [control] The final results, after the last block.
template <class T>
class Report {
  double* results;

public:
  explicit Report(double* r) : results(r) {}
  void operator()(detail::ResultName<T> r, double value) { results[r.at] = value; }
};

// ---- from class to ABI ----------------------------------------------------------------------------------------------

namespace detail {

constexpr bool is_name(std::string_view s) {
  if (s.empty() || s[0] < 'a' || s[0] > 'z') return false;
  for (char c : s)
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_')) return false;
  return true;
}
constexpr bool is_sentence(std::string_view s) { return s.size() > 3 && s.back() == '.'; }

/// A table that compiles is a table that documents itself correctly.
template <class T>
consteval bool sound() {
  using Of = Tables<T>;
  if (!is_name(T::info.name)) throw "info.name must be lower_snake";
  if (!is_sentence(T::info.doc)) throw "info.doc must be a sentence ending in a full stop";
  for (const auto& table : {Of::params(), Of::row()})
    for (int i = 0; i < table.size; ++i) {
      const Param& p = table.rows[i];
      const std::string_view name = p.name;
      if (!is_name(name)) throw "a parameter's name must be lower_snake";
      if (name == "mix" || name == "bypass") throw "every node already has mix and bypass";
      if (table.find(name) != i) throw "two parameters share a name";
      if (!(p.range.min < p.range.max)) throw "a range must not be empty";
      if (!(p.range.min <= p.init && p.init <= p.range.max)) throw "a default must lie inside its range";
      if (!is_sentence(p.doc)) throw "a parameter's doc must be a sentence ending in a full stop";
    }
  for (int i = 0; i < Of::results().size; ++i)
    if (!is_sentence(Of::results().rows[i].doc)) throw "a result's doc must be a sentence ending in a full stop";
  return true;
}

template <class T>
void* create() {
  return new (std::nothrow) T;
}
template <class T>
void destroy(void* self) {
  delete static_cast<T*>(self);
}

template <class T>
const char* prepare(void* self, const lacquer_setup* setup) {
  if constexpr (requires(T t, const Setup<T>& s) { t.prepare(s); }) {
    static thread_local char message[256];
    try {
      static_cast<T*>(self)->prepare(Setup<T>(*setup));
    } catch (const std::exception& e) {
      message[std::string_view(e.what()).copy(message, sizeof message - 1)] = 0;
      return message;
    }
  }
  return nullptr;
}
template <class T>
void reset(void* self) {
  if constexpr (requires(T t) { t.reset(); }) static_cast<T*>(self)->reset();
}
template <class T>
void process(void* self, const lacquer_block* block) {
  static_assert(noexcept(std::declval<T&>().process(std::declval<Block<T>&>())), "process must be noexcept");
  Block<T> b(*block);
  static_cast<T*>(self)->process(b);
}
template <class T>
void listen(void* self, const lacquer_block* block) {
  Block<T> b(*block);
  static_cast<T*>(self)->listen(b);
}
template <class T>
consteval auto listen_or_null() -> void (*)(void*, const lacquer_block*) {
  if constexpr (requires(T t, Block<T> & b) { t.listen(b); })
    return listen<T>;
  else
    return nullptr;
}
template <class T>
std::uint32_t latency(const void* self) {
  if constexpr (requires(const T t) { t.latency(); })
    return std::uint32_t(static_cast<const T*>(self)->latency());
  else
    return 0;
}
template <class T>
void finish(void* self, double* results) {
  Report<T> r(results);
  static_cast<T*>(self)->finish(r);
}
template <class T>
consteval auto finish_or_null() -> void (*)(void*, double*) {
  if constexpr (requires(T t, Report<T> & r) { t.finish(r); })
    return finish<T>;
  else
    return nullptr;
}
template <class T>
consteval auto details_or_null() -> const char* (*)(void*) {
  if constexpr (requires(const T t) { t.details(); })
    return [](void* self) {
      static thread_local std::string text;
      text = static_cast<const T*>(self)->details();
      return text.c_str();
    };
  else
    return nullptr;
}

template <class T>
consteval lacquer_node_type describe() {
  static_assert(sound<T>());
  using Of = Tables<T>;
  return {
      .abi = LACQUER_ABI,
      .name = T::info.name,
      .doc = T::info.doc,
      .source = T::info.source,
      .inputs = Of::inputs().rows,
      .outputs = Of::outputs().rows,
      .params = Of::params().rows,
      .row = Of::row().rows,
      .results = Of::results().rows,
      .input_count = std::uint32_t(Of::inputs().size),
      .output_count = std::uint32_t(Of::outputs().size),
      .param_count = std::uint32_t(Of::params().size),
      .row_param_count = std::uint32_t(Of::row().size),
      .max_rows = std::uint32_t(Of::max_rows()),
      .result_count = std::uint32_t(Of::results().size),
      .create = create<T>,
      .destroy = destroy<T>,
      .prepare = prepare<T>,
      .reset = reset<T>,
      .process = process<T>,
      .listen = listen_or_null<T>(),
      .finish = finish_or_null<T>(),
      .latency = latency<T>,
      .details = details_or_null<T>(),
  };
}

// The tables are handed to C as they are.
static_assert(sizeof(Param) == sizeof(lacquer_param));
static_assert(sizeof(Port) == sizeof(lacquer_port));
static_assert(sizeof(Result) == sizeof(lacquer_result));

}  // namespace detail

/// The ABI struct of a node class. Bind it to lacquer_node_<file name> at the end of the node's .cpp.
template <class T>
inline constexpr lacquer_node_type node_type = detail::describe<T>();

}  // namespace lacquer
