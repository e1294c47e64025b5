// tests/golden.hpp — texts that must stay as they are. LACQUER_GOLDEN=write rewrites them; read the diff before
// committing it.

#pragma once

#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace lacquer {

inline std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream s;
  s << in.rdbuf();
  return s.str();
}

/// `path` is relative to the sources.
inline void golden(const std::string& text, const std::string& path) {
  const std::string full = (std::filesystem::path(LACQUER_SOURCE) / path).string();
  if (const char* mode = std::getenv("LACQUER_GOLDEN"); mode && std::string(mode) == "write")
    std::ofstream(full, std::ios::binary) << text;
  INFO(path << ": LACQUER_GOLDEN=write unit_tests rewrites it");
  CHECK(text == slurp(full));
}

}  // namespace lacquer
