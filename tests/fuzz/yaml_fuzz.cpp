// tests/fuzz/yaml_fuzz.cpp — libFuzzer on the graph loader:
//   CC=clang CXX=clang++ cmake -S . -B fuzz -G Ninja -DLACQUER_FUZZ=ON -DLACQUER_SANITIZE=address,undefined
//   ninja -C fuzz yaml_fuzz && fuzz/yaml_fuzz -max_len=4096 -dict=tests/fuzz/yaml.dict tests/fuzz/corpus/yaml

#include "tests/fuzz/yaml_case.hpp"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  lacquer::yaml_case({reinterpret_cast<const char*>(data), size});
  return 0;
}
