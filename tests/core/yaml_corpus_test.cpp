// tests/core/yaml_corpus_test.cpp — what the fuzzer of the graph loader has found worth keeping, once more.

#include "tests/fuzz/yaml_case.hpp"
#include "tests/golden.hpp"

#include <filesystem>

TEST_CASE("load: the fuzzer's corpus, whole and cut short", "[load]") {
  int count = 0;
  for (const auto& f : std::filesystem::directory_iterator(LACQUER_SOURCE "/tests/fuzz/corpus/yaml")) {
    const std::string text = lacquer::slurp(f.path().string());
    INFO(f.path().string());
    CHECK_NOTHROW(lacquer::yaml_case(text));
    CHECK_NOTHROW(lacquer::yaml_case(text.substr(0, text.size() / 2)));
    ++count;
  }
  CHECK(count >= 10);
}
