// core/engine/render.hpp — files through a graph into files: the offline renderer. Reads the inputs, hears what must be
// heard first, solves what `aim` asks for, writes every output, checks what is expected, and says what it did.
// [control]

#pragma once

#include "core/engine/run.hpp"
#include "core/io/sound.hpp"

#include <optional>

namespace lacquer {

struct RenderJob {
  std::vector<std::string> inputs;  ///< one file per graph input, in order
  std::string folder;               ///< where `out:` files go; "" is the first input's
  std::string file;                 ///< when not "": the one output goes here, whatever `out:` calls it
  bool force = false;               ///< may replace existing files (never an input)
  bool dry_run = false;             ///< everything but the final pass: checks, lengths, names
  int block = 4096, threads = 0;
  std::string profile;
  std::function<void(const std::string& stage, double share)> progress;  ///< "solving drive.gain", 0.4; from any thread
  const std::atomic<bool>* cancel = nullptr;
};

struct RenderedFile {
  std::string path;
  SoundFormat format;
  std::int64_t clipped = 0;
};
struct SolvedAim {
  std::string parameter, result;  ///< "drive.gain", "after.integrated"
  float value = 0;                ///< of the parameter, in its unit
  double wanted = 0, within = 0, got = 0;
  bool reached = false;
  int passes = 0;
};
struct CheckedExpectation {
  std::string result;
  double min = 0, max = 0, got = 0;
  bool met = false;
};

struct RenderReport {
  std::vector<std::pair<std::string, SoundFormat>> inputs;
  std::vector<RenderedFile> files;
  std::vector<SolvedAim> aims;
  std::vector<CheckedExpectation> expectations;
  RunResults results;      ///< of the final pass
  double seconds = 0;      ///< it took
  double programme_s = 0;  ///< length of the programme
  bool good() const;       ///< every aim reached, every expectation met
};

/// What a graph without `out:` writes: its end, as $name.master.wav.
Output default_output(const Graph& graph);

/// Throws Problems, SoundError, std::system_error (scratch file), Cancelled; then no output exists that did not before.
RenderReport render(const Graph& graph, const RenderJob& job);

/// The report as data: file names, formats, results by node, aims, expectations. Never NaN: null where there is no
/// value.
std::string to_json(const RenderReport& report, const Graph& graph);

}  // namespace lacquer
