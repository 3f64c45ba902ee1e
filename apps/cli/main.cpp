// stratoscope COMMAND [options] [TEXT]: reads the command line, runs the command, prints errors.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <clocale>
#include <csignal>
#include <cstring>
#include <exception>
#include <iostream>
#include <new>
#include <string>

#include "apps/cli/commands.h"
#include "apps/cli/last_resort.h"
#include "apps/cli/option_table.h"
#include "apps/cli/output.h"
#include "apps/cli/progress_bar.h"
#include "stratoscope/base/cancellation.h"
#include "stratoscope/base/error.h"
#include "stratoscope/base/mapped_file_guard.h"
#include "stratoscope/base/names.h"
#include "stratoscope/version.h"

namespace stratoscope::cli {
namespace {

constexpr int kFailed = 1, kUsage = 2, kSignalled = 128;  // plus the signal's number

constexpr std::size_t kLongestMessage = 480;

void print_error(std::string_view message) {
  tell(fmt::format("stratoscope: error: {}\n", shortened(without_controls(message), kLongestMessage)));
}

void print_usage_error(std::string_view message) {
  constexpr std::string_view kSee = "; see 'stratoscope --help'";
  print_error(shortened(without_controls(message), kLongestMessage - kSee.size()).append(kSee));
}

// CLI11 alone would report only that a command is missing.
void check_command(const CLI::App& app, std::string_view word) {
  if (word.starts_with('-')) return;
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) {
    if (command->get_name() == word) return;
    if (!command->get_group().empty()) names.push_back(command->get_name());
  }
  const std::string near = did_you_mean(word, names);
  throw CLI::ExtrasError(
      "there is no command " + in_quotes(word) + " in this version" + (near.empty() ? "" : "; " + near),
      CLI::ExitCodes::ExtrasError);
}

int run_action(const Program& program) {
  try {
    const CancellationScope scope(program.progress);
    program.action();
    flush_output();
    return 0;
  } catch (const CLI::Error& error) {  // an argument that only the command itself can find missing
    print_usage_error(error.what());
    return kUsage;
  } catch (const UsageError& error) {
    print_usage_error(error.problem());
    return kUsage;
  } catch (const std::exception& error) {
    std::fflush(stdout);
    if (const int signal = interrupted(); signal != 0) {
      const bool said = dynamic_cast<const Interrupted*>(&error) != nullptr;
      print_error(said ? error.what() : Interrupted().what());
      return kSignalled + signal;
    }
    if (const auto* ours = dynamic_cast<const Error*>(&error)) tell_details(ours->details());
    const bool no_memory = dynamic_cast<const std::bad_alloc*>(&error) != nullptr;
    print_error(no_memory ? no_memory_message() : error.what());
    return kFailed;
  }
}

// If a standard stream is closed, the next opened file would get its descriptor and receive the stream's output. The
// placeholder that takes the descriptor cannot be used in the stream's direction, so that reading or writing the stream
// still fails.
void hold_closed_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(stream, F_GETFD) < 0) ::open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

// --help and --version.
int print_help(const CLI::App& app, const CLI::ParseError& error) {
  app.exit(error);
  if (std::cout.flush()) return 0;
  print_error(std::string("output: standard output cannot be written: ") + std::strerror(errno));
  return kFailed;
}

int run(int argc, char** argv) {
  CLI::App app("Look inside transformer language models.", "stratoscope");
  app.require_subcommand(1);
  app.set_version_flag("--version", "stratoscope " STRATOSCOPE_VERSION);
  app.formatter(help_formatter());
  ProgressBar progress;
  Program program;
  program.progress = &progress;
  add_commands(app, program);
  try {
    if (argc > 1) check_command(app, argv[1]);
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return print_help(app, error);
    std::string message = error.what();
    for (char& c : message)
      if (c == '\n') c = ' ';
    print_usage_error(message);
    return kUsage;
  }
  program.command = app.get_subcommands()[0];
  return run_action(program);
}

}  // namespace
}  // namespace stratoscope::cli

int main(int argc, char** argv) {
  stratoscope::cli::hold_closed_streams();
  std::setlocale(LC_CTYPE, "C.UTF-8");  // for the width of characters in tables; numbers keep the C format
  std::signal(SIGXFSZ, SIG_IGN);        // so that exceeding a file-size limit is an error of the write, with a message
  stratoscope::guard_mapped_files();    // so that a model file that becomes shorter is an error, too
  stratoscope::cli::watch_for_interrupts();
  int status = stratoscope::cli::kFailed;
  try {
    stratoscope::cli::prepare_for_the_worst();
    status = stratoscope::cli::run(argc, argv);
  } catch (...) {  // the options could not be declared
    std::fprintf(stderr, "stratoscope: error: %s\n", stratoscope::cli::no_memory_message());
  }
  stratoscope::cli::work_is_over();
  return status;
}
