// tools/terminal.hpp — what people see: tables, marks, colours, progress. The same in every locale.

#pragma once

#include <chrono>
#include <cstdio>
#include <mutex>
#include <string>
#include <vector>

namespace lacquer::tools {

bool is_terminal(std::FILE*);
bool has_colour(std::FILE*);  ///< a terminal that knows colours, and NO_COLOR does not forbid them
bool speaks_utf8();           ///< by LC_ALL, LC_CTYPE or LANG

enum class Colour { none, good, bad, dim, bold };
std::string painted(const std::string& text, Colour, std::FILE* to);
std::string mark(bool good, std::FILE* to);  ///< ✓ or ✗, "ok" or "MISSED" where these cannot be shown

/// "-14.02", "no value" when it is NaN; never "-0.00".
std::string number(double value, int decimals);
/// "4:51", "1:02:03".
std::string clock(double seconds);

/// Columns as wide as they need to be. The first holds words; the others numbers, with a last column of units or not,
/// or words, too.
enum class Columns { numbers, numbers_and_unit, words };
class Table {
public:
  explicit Table(std::vector<std::string> head, Columns columns = Columns::numbers)
      : columns_(columns), rows_{std::move(head)} {}
  void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  std::string text(std::FILE* to) const;  ///< `to` decides about colours

private:
  Columns columns_;
  std::vector<std::vector<std::string>> rows_;
};
std::size_t width(const std::string& utf8);  ///< characters, not bytes

/// One line on stderr that is kept up to date: stage, share, times real time, time left. Silent unless stderr is a
/// terminal. From any thread.
class Progress {
public:
  explicit Progress(bool quiet) : shown_(!quiet && is_terminal(stderr)) {}
  ~Progress() { clear(); }
  bool shown() const { return shown_; }
  /// `programme_s`: seconds of sound in the whole stage, 0 when unknown.
  void update(const std::string& stage, double share, double programme_s);
  void clear();

private:
  using Clock = std::chrono::steady_clock;
  const bool shown_;
  std::mutex mutex_;
  std::string stage_;
  Clock::time_point since_, last_;
  std::size_t drawn_ = 0;
};

}  // namespace lacquer::tools
