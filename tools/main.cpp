// tools/main.cpp — lacquer COMMAND: which command, and what becomes of everything that can go wrong in it.

#include "core/engine/run.hpp"
#include "core/io/sound.hpp"
#include "core/units.hpp"
#include "tools/command.hpp"
#include "tools/help.hpp"
#include "tools/terminal.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <new>
#include <system_error>

namespace lacquer::tools {

std::atomic<bool> interrupted{false};
std::atomic<int> interrupting_signal{0};

namespace {

extern "C" void on_interrupt(int signal) {
  interrupting_signal = signal;
  interrupted = true;
  std::signal(signal, SIG_DFL);
}

/// One line per problem; a person at a terminal also sees the place, as a compiler shows it.
void explain(const Problems& problems) {
  for (const Problem& p : problems.list()) {
    std::string where = p.where.file;
    if (p.where.line) where += ":" + std::to_string(p.where.line) + ":" + std::to_string(p.where.column);
    complain(where + ": " + p.message + (p.hint.empty() ? "" : "; " + p.hint));
    if (!p.where.line || !is_terminal(stderr)) continue;
    std::ifstream in(p.where.file);
    std::string line;
    for (int n = 0; n < p.where.line && std::getline(in, line); ++n) {}
    if (in)
      std::fprintf(stderr, "  %s\n  %s^\n", line.c_str(),
                   std::string(std::size_t(std::max(0, p.where.column - 1)), ' ').c_str());
  }
}

/// What is wrong with a command line, and the nearest thing that would be right.
std::string usage_problem(const CLI::App& program, const CLI::ParseError& error) {
  const CLI::App* at = &program;
  while (!at->get_subcommands().empty()) at = at->get_subcommands().front();
  const bool top = at == &program;
  const std::string help = "; see lacquer " + (top ? std::string() : at->get_name() + " ") + "--help";
  const std::vector<std::string> left = at->remaining();
  if (!left.empty()) {
    const std::string& word = left.front();
    std::vector<std::string> names;
    if (word.starts_with("-")) {
      for (const CLI::Option* o : at->get_options())
        for (const std::string& name : o->get_lnames()) names.push_back("--" + name);
      const std::string near = did_you_mean(word.substr(0, word.find('=')), names);
      return (top ? "" : at->get_name() + ": ") + "there is no option '" + word + "'" + (near.empty() ? help : near);
    }
    if (!top) return at->get_name() + ": '" + word + "' is one word too many" + help;
    for (const CLI::App* command : program.get_subcommands({})) names.push_back(command->get_name());
    const std::string near = did_you_mean(word, names);
    return "there is no command '" + word + "'" + (near.empty() ? help : near);
  }
  if (top && dynamic_cast<const CLI::RequiredError*>(&error)) return "no command given" + help;
  return (top ? "" : at->get_name() + ": ") + std::string(error.what()) + help;
}

int run(int argc, char** argv) {
  CLI::App program("Masters music through a graph of processors and meters that you write in YAML.", "lacquer");
  program.formatter(std::make_shared<Help>());
  program.require_subcommand(1);
  program.set_version_flag("--version", "lacquer " LACQUER_VERSION);
  program.footer(
      "Start with:  lacquer render streaming MIX.wav -o masters/   # MIX.wav is any stereo mix\n"
      "             lacquer COMMAND --help                         # each teaches by example\n\n"
      "Exit: 0 done and within expectations; 1 done, but an expectation or check failed; 2 usage or bad input;\n"
      "3 the system failed (disk, memory). NO_COLOR is honoured, LACQUER_SIMD=sse2|avx2|avx512 forces an "
      "instruction set.");
  const Command commands[] = {render_command(program), measure_command(program), nodes_command(program),
                              graph_command(program),  schema_command(program),  completion_command(program)};
  try {
    program.parse(argc, argv);
  } catch (const CLI::Success& asked) {  // --help, --version
    program.exit(asked, std::cout, std::cerr);
    return done;
  } catch (const CLI::ParseError& error) {
    throw Failed(bad_input, usage_problem(program, error));
  }
  for (const Command& command : commands)
    if (command.app->parsed()) return command.run();
  return done;
}

/// Standard output that cannot take what was written: a full disk is a failure, a reader who has seen enough is not.
int flushed(int code) {
  errno = print_error();
  if (std::fflush(stdout) == 0 && !std::ferror(stdout) && std::cout.flush()) return code;
  if (errno == EPIPE) return 128 + SIGPIPE;
  complain(std::string("standard output: it cannot be written (") + std::strerror(errno) +
           "); make room or choose another");
  return system_failed;
}

int guarded(int argc, char** argv) {
  try {
    return flushed(run(argc, argv));
  } catch (const Failed& e) {
    complain(e.what());
    return e.code;
  } catch (const Problems& e) {
    explain(e);
    return bad_input;
  } catch (const Complaint& e) {
    complain(e.message + (e.hint.empty() ? "" : "; " + e.hint));
    return bad_input;
  } catch (const SoundError& e) {
    complain(e.what());
    return e.system ? system_failed : bad_input;
  } catch (const Cancelled&) {
    complain("stopped; nothing was written");
    return 128 + (interrupting_signal ? interrupting_signal.load() : SIGINT);
  } catch (const std::bad_alloc&) {
    complain("out of memory; give it more, or a smaller --block");
    return system_failed;
  } catch (const std::system_error& e) {
    complain(std::string(e.what()) + "; check the disk and its permissions");
    return system_failed;
  } catch (const std::exception& e) {
    complain(e.what());
    return system_failed;
  } catch (...) {
    complain("something failed that has no name; please report the command and its input");
    return system_failed;
  }
}

}  // namespace
}  // namespace lacquer::tools

int main(int argc, char** argv) {
  std::signal(SIGINT, lacquer::tools::on_interrupt);
  std::signal(SIGTERM, lacquer::tools::on_interrupt);
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is an error of write(), so that temporary files are removed
  return lacquer::tools::guarded(argc, argv);
}
