#include "tools/terminal.hpp"

#include <fmt/format.h>

#include <unistd.h>
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string_view>

namespace lacquer::tools {
namespace {

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

}  // namespace

bool is_terminal(std::FILE* file) { return isatty(fileno(file)) == 1; }

bool has_colour(std::FILE* file) {
  return is_terminal(file) && variable("NO_COLOR").empty() && variable("TERM") != "dumb" && !variable("TERM").empty();
}

bool speaks_utf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"})
    if (const std::string_view value = variable(name); !value.empty())
      return value.find("UTF-8") != value.npos || value.find("utf8") != value.npos;
  return false;
}

std::string painted(const std::string& text, Colour colour, std::FILE* to) {
  static constexpr const char* codes[] = {"", "\033[32m", "\033[31m", "\033[2m", "\033[1m"};
  if (colour == Colour::none || !has_colour(to)) return text;
  return codes[int(colour)] + text + "\033[0m";
}

std::string mark(bool good, std::FILE* to) {
  const char* text = speaks_utf8() ? (good ? "✓" : "✗") : (good ? "ok" : "MISSED");
  return painted(text, good ? Colour::good : Colour::bad, to);
}

std::string number(double value, int decimals) {
  if (std::isnan(value)) return "-";
  std::string text = fmt::format("{:.{}f}", value, decimals);
  if (text.starts_with("-") && text.find_first_not_of("-0.") == text.npos) text.erase(0, 1);
  return text;
}

std::string clock(double seconds) {
  const auto s = std::int64_t(std::max(0.0, seconds) + 0.5);
  return s < 3600 ? fmt::format("{}:{:02}", s / 60, s % 60)
                  : fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

std::size_t width(const std::string& utf8) {
  std::size_t n = 0;
  for (std::size_t i = 0; i < utf8.size(); ++i) {
    if (utf8[i] == '\033')
      i = std::min(utf8.find('m', i), utf8.size() - 1);
    else
      n += (static_cast<unsigned char>(utf8[i]) & 0xC0u) != 0x80u;
  }
  return n;
}

std::string Table::text(std::FILE* to) const {
  std::vector<std::size_t> widths;
  for (const auto& row : rows_)
    for (std::size_t c = 0; c < row.size(); ++c) {
      if (c >= widths.size()) widths.push_back(0);
      widths[c] = std::max(widths[c], width(row[c]));
    }
  std::string out;
  for (std::size_t r = 0; r < rows_.size(); ++r) {
    std::string line;
    for (std::size_t c = 0; c < rows_[r].size(); ++c) {
      const std::string& cell = rows_[r][c];
      const std::string pad(widths[c] - width(cell), ' ');
      line += (c ? "  " : "") +
              (c == 0 || columns_ == Columns::words || (columns_ == Columns::numbers_and_unit && c + 1 == widths.size())
                   ? cell + pad
                   : pad + cell);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += (r == 0 ? painted(line, Colour::dim, to) : line) + "\n";
  }
  return out;
}

void Progress::update(const std::string& stage, double share, double programme_s) {
  if (!shown_) return;
  const std::lock_guard lock(mutex_);
  const auto now = Clock::now();
  if (stage != stage_) {
    stage_ = stage;
    since_ = now;
  } else if (now - last_ < std::chrono::milliseconds(100)) {
    return;
  }
  last_ = now;
  const double took = std::chrono::duration<double>(now - since_).count();
  std::string line = fmt::format("{}  {:3.0f} %", stage, 100 * share);
  if (took > 0.2 && share > 0) {
    if (programme_s > 0) line += fmt::format("  {:.0f}x real time", share * programme_s / took);
    line += fmt::format("  {} left", clock(took / share - took));
  }
  const std::size_t length = width(line);
  std::fprintf(stderr, "\r%s%s", line.c_str(), std::string(drawn_ > length ? drawn_ - length : 0, ' ').c_str());
  std::fflush(stderr);
  drawn_ = length;
}

void Progress::clear() {
  const std::lock_guard lock(mutex_);
  if (drawn_) std::fprintf(stderr, "\r%s\r", std::string(drawn_, ' ').c_str());
  drawn_ = 0;
}

}  // namespace lacquer::tools
