#include <fmt/format.h>

#include "apps/cli/completion.h"

namespace stratoscope::cli {
namespace {

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' || c == '\\' ? std::string("\\") + c : std::string(1, c);
  return out + "'";
}

// fish expands the words after -a like a command line, so that a star would match files.
std::string without_globs(const std::string& words) {
  std::string out;
  for (const char c : words) out += c == '*' ? "\\*" : std::string(1, c);
  return out;
}

std::string values_of(const OptionEntry& option) {
  const std::string words = joined(words_of(option));
  switch (option.kind) {
    case ValueKind::none: return "";
    case ValueKind::anything: return " -x";
    case ValueKind::file: return " -r -F";
    case ValueKind::folder: return " -x -a '(__fish_complete_directories)'";
    case ValueKind::model: return fmt::format(" -x -a '{} (__fish_complete_directories)'", words);
    case ValueKind::hook_point:
    case ValueKind::choice: return " -x -a " + quoted(without_globs(words));
  }
  return "";
}

std::string line_of(const OptionEntry& option, const std::string& condition) {
  std::string line = "complete -c stratoscope -n " + quoted(condition);
  for (const std::string& name : option.names)
    line += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  return line + values_of(option) + " -d " + quoted(option.description) + "\n";
}

}  // namespace

std::string fish_completion(const OptionTable& table) {
  std::string script = "# fish completion for stratoscope, made by: stratoscope completion fish\n";
  script += "complete -c stratoscope -f\n";
  for (const OptionEntry& option : table.options) script += line_of(option, "__fish_use_subcommand");
  for (const CommandEntry& command : table.commands)
    script += fmt::format("complete -c stratoscope -n __fish_use_subcommand -a {} -d {}\n", command.name,
                          quoted(command.description));
  for (const CommandEntry& command : table.commands)
    for (const OptionEntry& option : command.options)
      script += line_of(option, "__fish_seen_subcommand_from " + command.name);
  return script;
}

}  // namespace stratoscope::cli
