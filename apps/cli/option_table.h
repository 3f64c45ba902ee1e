// Commands and options as plain data, from which --help, completions and the manual page are made.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

namespace stratoscope::cli {

// The kind of an option's value, read from the type name in --help: FILE and FILE.npz are files, DIR a folder,
// NAME-OR-FOLDER a model; HOOK and EXPR begin with a hook point; lower-case words between '|' are choices.
enum class ValueKind { none, anything, choice, file, folder, model, hook_point };

struct OptionEntry {
  std::vector<std::string> names;  // "-h", "--help"
  std::string description;
  std::string value;  // as in --help, such as "FILE"; empty for a flag
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
  std::string text;                  // the help of the TEXT argument; empty for a command without one
};

struct OptionTable {
  std::string description;
  std::vector<OptionEntry> options;    // of the program itself
  std::vector<CommandEntry> commands;  // the ones that --help lists
};

OptionTable option_table(const CLI::App& app);

// Writes --help from the same entries.
std::shared_ptr<CLI::FormatterBase> help_formatter();

// The words with which a value of this kind may begin, except files and folders: choices, built-in models, hook points.
std::vector<std::string> words_of(const OptionEntry& option);

// The words, separated by `between`.
std::string joined(const std::vector<std::string>& words, const std::string& between = " ");

}  // namespace stratoscope::cli
