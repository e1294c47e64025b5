#include "core/graph/yaml.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <unordered_set>

namespace lacquer {
namespace {

constexpr std::size_t most_bytes = 4 << 20, most_values = 500'000, most_nesting = 64;

bool starts_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }

/// Length of the UTF-8 character at `at`, 0 when there is none: RFC 3629, no surrogates, no longer forms.
std::size_t character(std::string_view s, std::size_t at) {
  const auto byte = [&](std::size_t i) { return at + i < s.size() ? static_cast<unsigned char>(s[at + i]) : 0u; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t n = first >= 0xC2 && first < 0xE0   ? 2
                        : first >= 0xE0 && first < 0xF0 ? 3
                        : first >= 0xF0 && first < 0xF5 ? 4
                                                        : 0;
  for (std::size_t i = 1; i < n; ++i)
    if ((byte(i) & 0xC0) != 0x80) return 0;
  const unsigned second = byte(1);
  if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) || (first == 0xF0 && second < 0x90) ||
      (first == 0xF4 && second > 0x8F))
    return 0;
  return n;
}

/// Stops the reading: what comes after cannot be understood.
struct Stop {
  Problem problem;
};

/// A place given by yaml-cpp: lines from 0, columns from 0 in bytes.
std::pair<int, int> place(const YamlSource& source, const YAML::Mark& mark) {
  if (mark.line < 0 || std::size_t(mark.line) >= source.lines.size()) return {int(source.lines.size()), 1};
  const std::size_t start = source.lines[std::size_t(mark.line)];
  const std::size_t stop = std::min(source.text.size(), start + std::size_t(std::max(0, mark.column)));
  int column = 1;
  for (std::size_t i = start; i < stop; ++i) column += starts_character(source.text[i]);
  return {mark.line + 1, column};
}

class Builder : public YAML::EventHandler {
public:
  Builder(std::shared_ptr<const YamlSource> source, std::vector<Problem>& problems)
      : source_(std::move(source)), problems_(problems) {}

  YamlPtr root;
  int documents = 0;

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents++)
      throw Stop{at(mark)->problem("a second document starts here", "keep one graph in a file; remove '---'")};
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    auto node = at(mark);  // of what comes next; nothing stands where its key or its dash does
    if (!open_.empty() && open_.back().key) {
      node->line = open_.back().key->line, node->column = open_.back().key->column;
    } else if (!open_.empty() && open_.back().node->is_list() && mark.pos > 0) {
      const auto dash = source_->text.find_last_not_of(" \n", std::size_t(mark.pos) - 1);
      if (dash != std::string::npos && source_->text[dash] == '-') {
        const auto next = std::upper_bound(source_->lines.begin(), source_->lines.end(), dash);
        node->line = int(next - source_->lines.begin()), node->column = int(dash - *std::prev(next)) + 1;
      }
    }
    leaf(std::move(node), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end())
      throw Stop{at(mark)->problem("this alias stands inside what it stands for", "a value cannot contain itself")};
    take(found->second, &mark);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    auto node = at(mark);
    check_tag(tag, *node);
    node->kind = Yaml::text;
    node->word = value;
    node->quoted = tag != "?";
    leaf(std::move(node), anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Yaml::list);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Yaml::map);
  }
  void OnMapEnd() override {
    resolve_merges(*open_.back().node);
    close();
  }

private:
  struct Open {
    std::shared_ptr<Yaml> node;
    YAML::anchor_t anchor;
    YamlPtr key;  // of a map: waits for its value
    bool bad_key = false;
    std::unordered_set<std::string> seen;
  };

  std::shared_ptr<Yaml> at(const YAML::Mark& mark) const {
    auto node = std::make_shared<Yaml>();
    node->source = source_;
    std::tie(node->line, node->column) = place(*source_, mark);
    return node;
  }
  void complain(const Yaml& node, std::string message, std::string hint) {
    problems_.push_back(node.problem(std::move(message), std::move(hint)));
  }
  void check_tag(const std::string& tag, const Yaml& node) {
    if (tag != "?" && tag != "!" && !tag.empty()) complain(node, "a graph has no tags", "remove '" + tag + "'");
  }
  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Yaml::Kind kind) {
    auto node = at(mark);
    check_tag(tag, *node);
    if (open_.size() >= most_nesting)
      throw Stop{node->problem("this is nested more than " + std::to_string(most_nesting) + " deep",
                               "move parts of it into graphs of their own: - ./part")};
    node->kind = kind;
    open_.push_back({std::move(node), anchor, nullptr, false, {}});
  }
  void close() {
    const Open done = std::move(open_.back());
    open_.pop_back();
    if (done.anchor) anchors_[done.anchor] = done.node;
    take(done.node);
  }
  void leaf(std::shared_ptr<Yaml> node, YAML::anchor_t anchor) {
    if (anchor) anchors_[anchor] = node;
    take(std::move(node));
  }
  // A finished value, which belongs to what is open.
  void take(YamlPtr value, const YAML::Mark* alias = nullptr) {
    if (open_.empty()) {
      root = std::move(value);
      return;
    }
    Open& in = open_.back();
    in.node->weight += value->weight;
    if (in.node->weight > most_values)
      throw Stop{(alias ? at(*alias).get() : value.get())
                     ->problem("this expands to more than " + std::to_string(most_values) + " values",
                               "aliases of aliases multiply: write less")};
    if (in.node->kind == Yaml::list) {
      in.node->items.push_back(std::move(value));
    } else if (!in.key) {
      in.bad_key = !value->is_text() || value->word.empty();
      if (in.bad_key)
        complain(*value, "a key must be a word", "write 'name: value'");
      else if (!in.seen.insert(value->word).second)
        in.bad_key = true, complain(*value, "'" + value->word + "' is set twice", "");
      in.key = std::move(value);
    } else {
      if (!in.bad_key) in.node->entries.push_back({std::move(in.key), std::move(value)});
      in.key = nullptr;
    }
  }
  // '<<: *name' or '<<: [*a, *b]': what the map does not set itself comes from there, earlier ones first.
  void resolve_merges(Yaml& map) {
    const auto merge = std::find_if(map.entries.begin(), map.entries.end(),
                                    [](const Yaml::Entry& e) { return e.key->word == "<<" && !e.key->quoted; });
    if (merge == map.entries.end()) return;
    const Yaml::Entry from = *merge;
    map.entries.erase(merge);
    std::unordered_set<std::string> have;
    for (const Yaml::Entry& e : map.entries) have.insert(e.key->word);
    const auto add = [&](const Yaml& other) {
      if (!other.is_map())
        return complain(*from.key, "'<<' merges a map of settings",
                        "write '<<: *name', where '&name' stands before a map");
      for (const Yaml::Entry& e : other.entries)
        if (have.insert(e.key->word).second) map.entries.push_back(e);
    };
    if (from.value->is_list())
      for (const YamlPtr& other : from.value->items) add(*other);
    else
      add(*from.value);
  }

  std::shared_ptr<const YamlSource> source_;
  std::vector<Problem>& problems_;
  std::map<YAML::anchor_t, YamlPtr> anchors_;
  std::vector<Open> open_;
};

/// What must not stand in a text at all.
void check_characters(const YamlSource& source) {
  const std::string& s = source.text;
  int line = 1, column = 1;
  const auto stop = [&](const std::string& message, const std::string& hint) {
    throw Stop{{{source.name, line, column}, message, hint, source.line(line)}};
  };
  bool indent = true, comment = false;
  for (std::size_t i = 0, n; i < s.size(); i += n) {
    n = character(s, i);
    const unsigned char c = static_cast<unsigned char>(s[i]);
    if (!n) stop("this is not UTF-8", "save the file as UTF-8");
    if (c == '\n') {
      ++line, column = 1, indent = true, comment = false;
      continue;
    }
    if (c == '\t' && !comment)
      indent ? stop("there is a tab", "indent with spaces, not tabs")
             : stop("there is a tab", "write spaces, not tabs");
    if (c == '\r') stop("there is a lone carriage return", "end lines with a line feed");
    if ((c < 0x20 && c != '\t') || c == 0x7F || (n == 2 && c == 0xC2 && static_cast<unsigned char>(s[i + 1]) < 0xA0))
      stop("there is a control character", "remove it; is this a text file?");
    if (c == '#' && (indent || (i && s[i - 1] == ' '))) comment = true;
    indent = indent && c == ' ';
    ++column;
  }
}

/// What most likely went wrong on a line YAML could not read.
std::string hint_for(const YamlSource& source, int number) {
  const std::string line = source.line(number);
  const auto first = line.find_first_not_of(' ');
  if (first == line.npos) return "something above was opened with '{' or '[' or a quote and not closed";
  if (line[first] == '-' && line.size() > first + 1 && line[first + 1] != ' ') return "put a space after '-'";
  if (line.find(": >") != line.npos || line.find(": <") != line.npos) return "write a range as '-9 LUFS ..'";
  if (line.find(": ") != line.rfind(": ") && line.find('{') == line.npos)
    return "put settings in braces: {name: value}";
  return "";
}

}  // namespace

YamlSource::YamlSource(std::string n, std::string t) : name(std::move(n)), text(std::move(t)), lines{0} {
  for (std::size_t i = 0; i < text.size(); ++i)
    if (text[i] == '\n') lines.push_back(i + 1);
}
std::string YamlSource::line(int number) const {
  if (number < 1 || std::size_t(number) > lines.size()) return "";
  const std::size_t start = lines[std::size_t(number) - 1];
  return text.substr(start, std::min(text.find('\n', start), text.size()) - start);
}

const Yaml* Yaml::find(std::string_view key) const {
  for (const Entry& e : entries)
    if (e.key->word == key) return e.value.get();
  return nullptr;
}
Where Yaml::where() const { return {source ? source->name : "", line, column}; }
Problem Yaml::problem(std::string message, std::string hint) const {
  return {where(), std::move(message), std::move(hint), source ? source->line(line) : ""};
}

YamlPtr read_yaml(const std::string& text, const std::string& name, std::vector<Problem>& problems) {
  if (text.size() > most_bytes) {
    problems.push_back({{name}, "this is longer than 4 MiB", "split it into several graphs; is it a graph at all?"});
    return nullptr;
  }
  std::string clean = text.starts_with("\xEF\xBB\xBF") ? text.substr(3) : text;
  for (std::size_t from = 0, to = 0;; ++from, ++to) {  // Windows line ends
    if (from + 1 < clean.size() && clean[from] == '\r' && clean[from + 1] == '\n') ++from;
    if (from >= clean.size()) {
      clean.resize(to);
      break;
    }
    clean[to] = clean[from];
  }
  const auto source = std::make_shared<const YamlSource>(name, std::move(clean));
  Builder builder(source, problems);
  try {
    check_characters(*source);
    std::istringstream in(source->text);
    YAML::Parser parser(in);
    while (parser.HandleNextDocument(builder)) {}
    return builder.root;
  } catch (Stop& s) {
    problems.push_back(std::move(s.problem));
  } catch (const YAML::ParserException& e) {
    const auto [line, column] = place(*source, e.mark);
    problems.push_back(
        {{name, line, column}, "this is not YAML: " + e.msg, hint_for(*source, line), source->line(line)});
  } catch (const std::exception& e) {
    problems.push_back({{name}, std::string("this is not YAML: ") + e.what(), ""});
  }
  return nullptr;
}

}  // namespace lacquer
