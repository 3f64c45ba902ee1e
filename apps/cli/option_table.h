// Commands and options in plain data: what --help, completions and the manual page are made from.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

namespace stratoscope::cli {

// What an option's value may be. It is read from the type name that --help shows: FILE and FILE.npz are files, DIR a
// folder, NAME-OR-FOLDER a model, HOOK and EXPR begin with a hook point; lower-case words between '|' are choices.
enum class ValueKind { none, anything, choice, file, folder, model, hook_point };

struct OptionEntry {
  std::vector<std::string> names;  // "-h", "--help"
  std::string description;
  std::string value;  // "FILE", as --help shows it; empty for a flag
  std::string default_value;
  ValueKind kind = ValueKind::none;
  std::vector<std::string> choices;
  bool several = false;     // takes any number of values
  bool repeatable = false;  // may be given more than once

  bool operator==(const OptionEntry&) const = default;
};

struct CommandEntry {
  std::string name, description;
  std::vector<OptionEntry> options;  // in the order of --help
  std::string text;                  // what the TEXT argument is; empty for a command without
};

struct OptionTable {
  std::string description;
  std::vector<OptionEntry> options;    // of the program itself
  std::vector<CommandEntry> commands;  // those that --help lists
};

OptionTable option_table(const CLI::App& app);

// Writes --help from the same entries.
std::shared_ptr<CLI::FormatterBase> help_formatter();

// What a value of this kind may begin with, beside files and folders: choices, built-in models, hook points.
std::vector<std::string> words_of(const OptionEntry& option);

// The words with `between` between them.
std::string joined(const std::vector<std::string>& words, const std::string& between = " ");

}  // namespace stratoscope::cli
