// core/graph/yaml.hpp — YAML as a tree that knows where everything stood. Stricter than YAML: one document, UTF-8, no
// tabs, no tags, words as keys, each once, merges resolved, and no more of it than a graph can need. [control]

#pragma once

#include "core/graph/graph.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace lacquer {

/// The text something was written in.
struct YamlSource {
  std::string name;  ///< a file, or "--set glue.ratio"
  std::string text;
  std::vector<std::size_t> lines;  ///< where each line starts

  YamlSource(std::string name, std::string text);
  std::string line(int number) const;  ///< from 1, without its end; "" past the last
};

struct Yaml;
using YamlPtr = std::shared_ptr<const Yaml>;

struct Yaml {
  enum Kind { null, text, list, map };
  struct Entry {
    YamlPtr key, value;
  };

  Kind kind = null;
  std::string word;            ///< of a text
  bool quoted = false;         ///< or a block of text: "3" is a text, 3 a number
  std::vector<YamlPtr> items;  ///< of a list
  std::vector<Entry> entries;  ///< of a map: keys are texts, each once, in the order written
  std::shared_ptr<const YamlSource> source;
  int line = 0, column = 0;  ///< from 1; columns count characters, not bytes
  std::size_t weight = 1;    ///< values in it, with what aliases stand for

  bool is_text() const { return kind == text; }
  bool is_list() const { return kind == list; }
  bool is_map() const { return kind == map; }
  bool is_null() const { return kind == null; }
  const Yaml* find(std::string_view key) const;  ///< in a short map
  Where where() const;
  Problem problem(std::string message, std::string hint = "") const;  ///< one that stands here
};

/// Reads a text. Adds to `problems`; null when nothing can be made of it.
YamlPtr read_yaml(const std::string& text, const std::string& name, std::vector<Problem>& problems);

}  // namespace lacquer
