// tests/core/protocol_test.cpp — the scheduler's protocols, every interleaving of them. The two machines below are the
// pipeline's and the deque's, one shared access at a time, over states small enough to visit all of them.

#include "core/engine/pipeline.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <set>
#include <string>

using namespace lacquer;

namespace {

// Visits every state that can be reached from `start`. `moves(state)` gives the states one access further, or none when
// nobody can move; then `at_rest(state)` must hold. Throws what an invariant throws.
template <class State, class Moves, class AtRest>
std::size_t visit_all(const State& start, Moves moves, AtRest at_rest) {
  std::set<State> seen{start};
  std::vector<State> open{start};
  while (!open.empty()) {
    const State s = open.back();
    open.pop_back();
    const std::vector<State> next = moves(s);
    if (next.empty()) at_rest(s);
    for (const State& n : next)
      if (seen.insert(n).second) open.push_back(n);
    if (seen.size() > 3000000) throw std::string("too many states");
  }
  return seen.size();
}

// ---- tokens and credits ---------------------------------------------------------------------------------------------

struct Tokens {
  std::vector<int> missing;  // by task and slot
  std::vector<int> ran;      // by task: blocks begun; and ended
  std::vector<int> ended;
  std::multiset<std::pair<int, int>> ready;  // units offered, and not yet taken; a deque hands out any of them
  struct Thread {
    int task = -1, block = 0;
    int at = 0;  // 0: runs the body; 1: sets its counter up again; 2..: gives one token after the other
    auto operator<=>(const Thread&) const = default;
  };
  std::vector<Thread> threads;
  auto operator<=>(const Tokens&) const = default;
};

struct Model {
  TaskGraph g;
  int slots, blocks, threads;
  bool reset_late = false;  // the mistake invariant 2 is about

  std::vector<std::pair<int, int>> given(int t, int b) const {  // tokens and credits, in order
    std::vector<std::pair<int, int>> all;
    for (const int p : g.before_of(t)) all.emplace_back(p, b + slots);
    all.emplace_back(t, b + 1);
    for (const int n : g.next_of(t)) all.emplace_back(n, b);
    return all;
  }
  int& missing(Tokens& s, int t, int b) const { return s.missing[std::size_t(t * slots + b % slots)]; }

  Tokens start() const {
    Tokens s;
    s.missing.resize(std::size_t(g.size() * slots));
    s.ran.resize(std::size_t(g.size()));
    s.ended.resize(std::size_t(g.size()));
    s.threads.resize(std::size_t(threads));
    for (int t = 0; t < g.size(); ++t) {
      for (int b = 0; b < slots; ++b) missing(s, t, b) = int(g.before_of(t).size()) + (b ? 1 : 0);
      if (g.before_of(t).empty()) s.ready.emplace(t, 0);
    }
    return s;
  }

  std::vector<Tokens> moves(const Tokens& s) const {
    std::vector<Tokens> next;
    for (std::size_t w = 0; w < s.threads.size(); ++w) {
      const Tokens::Thread& thread = s.threads[w];
      if (thread.task < 0) {
        for (const auto& unit : s.ready) {
          Tokens n = s;
          n.ready.erase(n.ready.find(unit));
          n.threads[w] = {unit.first, unit.second, 0};
          begin(n, unit.first, unit.second);
          next.push_back(std::move(n));
        }
        continue;
      }
      const int t = thread.task, b = thread.block;
      Tokens n = s;
      const auto tokens = given(t, b);
      const int at = thread.at, last = int(tokens.size()) + 1;
      const int limit = int(g.before_of(t).size() + g.next_of(t).size()) + 1;
      const int resets_at = reset_late ? last : 1;
      if (at == 0) {
        ++n.ended[std::size_t(t)];
      } else if (at == resets_at) {
        missing(n, t, b) = limit;
      } else {
        const auto [to, block] = tokens[std::size_t(at - (reset_late ? 1 : 2))];
        int& left = missing(n, to, block);
        if (--left < 0) throw "a token too many for task " + std::to_string(to);
        if (left == 0 && block < blocks) n.ready.emplace(to, block);
      }
      n.threads[w] = at == last ? Tokens::Thread{} : Tokens::Thread{t, b, at + 1};
      next.push_back(std::move(n));
    }
    return next;
  }

  // A unit begins: invariant 1.
  void begin(Tokens& s, int t, int b) const {
    const auto at = [](const std::vector<int>& v, int i) { return v[std::size_t(i)]; };
    if (at(s.ran, t) != b || at(s.ended, t) != b) throw "task " + std::to_string(t) + " runs out of turn";
    for (const int p : g.before_of(t))
      if (at(s.ended, p) <= b) throw "task " + std::to_string(t) + " runs before its input is there";
    for (const int n : g.next_of(t))
      if (at(s.ended, n) < b - slots + 1) throw "task " + std::to_string(t) + " writes what has not been read";
    ++s.ran[std::size_t(t)];
    if (s.ready.size() > std::size_t(g.size())) throw std::string("more is ready than there are tasks");
  }

  void at_rest(const Tokens& s) const {
    for (int t = 0; t < g.size(); ++t)
      if (s.ended[std::size_t(t)] != blocks) throw "task " + std::to_string(t) + " never ends: everybody waits";
  }

  std::string check() const {
    try {
      visit_all(
          start(), [&](const Tokens& s) { return moves(s); }, [&](const Tokens& s) { at_rest(s); });
      return "";
    } catch (const std::string& what) {
      return what;
    }
  }
};

// ---- the deque: an owner that pushes and pops, a thief
// -----------------------------------------------------------------

struct Stealing {
  int top = 0, bottom = 0;
  std::vector<int> items;  // in a ring of two
  std::vector<int> taken;  // by item
  struct Thread {
    int at = 0, t = 0, b = 0, item = 0;
    auto operator<=>(const Thread&) const = default;
  };
  Thread owner, thief;
  int pushed = 0, script = 0;
  auto operator<=>(const Stealing&) const = default;
};

// The owner follows a script of pushes (+) and pops (-); the thief tries again and again.
std::string check_deque(const std::string& script, int ring, bool careless) {
  const auto moves = [&](const Stealing& s) {
    std::vector<Stealing> next;
    const auto slot = [&](int i) { return std::size_t(i % ring); };
    const auto take = [](Stealing& n, int item) {
      if (n.taken[std::size_t(item)]++) throw "item " + std::to_string(item) + " is taken twice";
    };
    if (s.script < int(script.size())) {
      Stealing n = s;
      auto& o = n.owner;
      const auto done = [&] { o = {}, ++n.script; };
      if (script[std::size_t(s.script)] == '+') {
        if (o.at == 0)
          n.items[slot(n.bottom)] = n.pushed, o.at = 1;
        else
          ++n.bottom, ++n.pushed, done();
      } else if (o.at == 0) {
        o.b = n.bottom - 1;
        if (n.top > o.b)
          done();
        else
          o.at = 1;
      } else if (o.at == 1) {
        n.bottom = o.b, o.at = 2;
      } else if (o.at == 2) {
        o.t = n.top, o.at = 3;
      } else if (o.at == 3) {
        if (o.t < o.b || (careless && o.t == o.b)) {
          take(n, n.items[slot(o.b)]);
          if (o.t == o.b)
            o.at = 5;
          else
            done();
        } else {
          o.at = o.t == o.b ? 4 : 5;
        }
      } else if (o.at == 4) {
        if (n.top == o.t) ++n.top, take(n, n.items[slot(o.b)]);
        o.at = 5;
      } else {
        n.bottom = o.b + 1, done();
      }
      next.push_back(std::move(n));
    }
    {
      Stealing n = s;
      auto& t = n.thief;
      bool moved = true;
      if (t.at == 0)
        t.t = n.top, t.at = 1;
      else if (t.at == 1)
        t.at = t.t < n.bottom ? 2 : 0, moved = t.at == 2 || s.script < int(script.size());
      else if (t.at == 2)
        t.item = n.items[slot(t.t)], t.at = 3;
      else {
        if (n.top == t.t) ++n.top, take(n, t.item);
        t = {};
      }
      if (t.at == 0) t = {};
      if (moved) next.push_back(std::move(n));
    }
    return next;
  };
  Stealing start;
  start.items.resize(std::size_t(ring));
  start.taken.resize(script.size());
  try {
    visit_all(start, moves, [&](const Stealing& s) {
      for (int i = 0; i < s.pushed; ++i)
        if (!s.taken[std::size_t(i)]) throw "item " + std::to_string(i) + " is lost";
    });
    return "";
  } catch (const std::string& what) {
    return what;
  }
}

}  // namespace

TEST_CASE("protocol: tokens and credits hold in every interleaving", "[protocol]") {
  const std::pair<const char*, TaskGraph> graphs[] = {
      {"one", task_graph(1, {})},
      {"two in a row", task_graph(2, {{0, 1}})},
      {"split", task_graph(3, {{0, 1}, {0, 2}})},
      {"join", task_graph(3, {{0, 2}, {1, 2}})},
      {"three in a row", task_graph(3, {{0, 1}, {1, 2}})},
      {"short cut", task_graph(3, {{0, 1}, {1, 2}, {0, 2}})},
  };
  for (const auto& [name, g] : graphs)
    for (const int slots : {1, 2, 3}) {
      INFO(name << ", " << slots << " slots");
      CHECK(Model{g, slots, 3, 2}.check() == "");
    }
  CHECK(Model{task_graph(4, {{0, 1}, {0, 2}, {1, 3}, {2, 3}}), 2, 2, 2}.check() == "");
  CHECK(Model{task_graph(2, {{0, 1}}), 2, 4, 3}.check() == "");
}

TEST_CASE("protocol: the model finds the mistakes it is there for", "[protocol]") {
  Model late{task_graph(2, {{0, 1}}), 1, 3, 2};
  late.reset_late = true;
  CHECK(late.check() != "");
  CHECK(check_deque("++--", 4, true) != "");
}

TEST_CASE("protocol: no item of a deque is lost or taken twice", "[protocol]") {
  for (const char* script : {"+-", "++--", "+-+-", "++-+--", "+++---", "+-++--+-"}) {
    INFO(script);
    CHECK(check_deque(script, 4, false) == "");
  }
}
