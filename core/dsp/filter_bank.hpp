// core/dsp/filter_bank.hpp — rows of matched filters, one after another: what equalisers and cuts are made of.
//
// Rows may glide: coefficients then run straight from one design to the next. The sections remember their inputs and
// outputs, not sums of products (direct form I), so what they remember stays true whatever the coefficients do. A row
// without effect (0 dB) is not computed at all, and a bank of such rows passes the signal bit for bit; one that has
// just come to 0 dB goes on until what it still holds has died away.

#pragma once

#include "core/dsp/filter_design.hpp"

#include <cstdint>
#include <vector>

namespace lacquer {

enum class Side { stereo, left, right, mid, side };

class FilterBank {
public:
  struct Row {
    Band band;
    Side side = Side::stereo;
    bool operator==(const Row&) const = default;
  };

  /// [control] Sides other than stereo need two channels, and are taken for stereo otherwise.
  void prepare(double rate, int channels, int rows);
  void reset();

  /// [audio] What row `r` does from now on: on its straight way from one setting to another. Then commit.
  void set(int r, const Row& from, const Row& to);
  void commit(std::int64_t time);

  /// [audio] n frames, of which the first is number `at` of a ramp of `frames`. out may be in.
  void process(float* const* out, const float* const* in, int n, std::int64_t time, int at, int frames);

private:
  static constexpr int slots = 2 * Prototype::most, chunk = 512;
  struct Running {
    Row from, to;
    Design begin, end;
    bool known = false, live = false;
    std::int64_t ends = INT64_MAX;  // when nothing can be left of a row that has come to rest at 0 dB
  };
  struct Section {
    int row, slot;
    bool mid_side;
  };
  struct Stage {
    int first, sections;
    bool mid_side, alike;  // alike: both channels have the same coefficients
  };

  double* state(std::vector<double>& of, int channel, int what) {
    return of.data() + std::size_t((channel * 4 + what) * stride_);
  }
  double* coefficients(int end, int lane) { return coefficients_.data() + std::size_t((end * 2 + lane) * 5 * stride_); }
  void arrange();
  void carry_over();
  void fill();

  FilterDesigner design_;
  double rate_ = 0;
  int channels_ = 0, stride_ = 0;
  std::vector<Running> rows_;
  std::vector<Section> sections_, old_sections_;  // with gaps (row -1) up to a whole group at the end of a stage
  std::vector<Stage> stages_;
  std::vector<int> place_;  // of row and slot among old_sections_, or -1
  std::vector<double> coefficients_, state_, old_state_;
  std::vector<double> before_;  // two inputs of each channel
  std::vector<double> work_[2];
  bool changed_ = false, moving_ = false;
  std::int64_t next_end_ = INT64_MAX;
};

}  // namespace lacquer
