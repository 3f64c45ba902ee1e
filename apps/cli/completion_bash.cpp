#include <fmt/format.h>

#include <map>

#include "apps/cli/completion.h"

namespace stratoscope::cli {
namespace {

constexpr const char* kHead = R"(# bash completion for stratoscope, made by: stratoscope completion bash

_stratoscope_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$current"); }

_stratoscope_paths() { # -f or -d, and words that may stand there too
  compopt -o filenames
  mapfile -t COMPREPLY < <(compgen "$1" -W "${2-}" -- "$current")
}

_stratoscope() {
  local current=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]} i
  COMPREPLY=()
  current=${current#[\"\']}
  # Bash takes --option=value for three words.
  if [[ $current == = ]]; then
    current=
  elif [[ $option == = ]]; then
    option=${COMP_WORDS[COMP_CWORD - 2]}
  fi
)";

constexpr const char* kSeveral = R"(  # An option that takes several values may stand further ahead.
  for ((i = COMP_CWORD - 1; i > 1; --i)); do
    [[ $current != -* ]] || break
    [[ ${{COMP_WORDS[i]}} == --* ]] || continue
    case ${{COMP_WORDS[i]}} in {}) option=${{COMP_WORDS[i]}} ;; esac
    break
  done
)";

// The shell action that completes an option's value; empty for a flag.
std::string action_of(const OptionEntry& option) {
  switch (option.kind) {
    case ValueKind::none: return {};
    case ValueKind::anything: return ":";
    case ValueKind::file: return "_stratoscope_paths -f";
    case ValueKind::folder: return "_stratoscope_paths -d";
    case ValueKind::model: return fmt::format("_stratoscope_paths -d '{}'", joined(words_of(option)));
    case ValueKind::hook_point:
      return fmt::format("compopt -o nospace; _stratoscope_words '{}'", joined(words_of(option)));
    case ValueKind::choice: return fmt::format("_stratoscope_words '{}'", joined(words_of(option)));
  }
  return {};
}

// For each action, the `command option` patterns to which it applies.
std::map<std::string, std::vector<std::string>> patterns_of(const OptionTable& table) {
  std::map<std::string, std::vector<std::string>> meanings;  // the actions of each option name
  for (const CommandEntry& command : table.commands)
    for (const OptionEntry& option : command.options)
      for (const std::string& name : option.names) {
        std::vector<std::string>& actions = meanings[name];
        const std::string action = action_of(option);
        if (std::find(actions.begin(), actions.end(), action) == actions.end()) actions.push_back(action);
      }
  std::map<std::string, std::vector<std::string>> patterns;
  for (const auto& [name, actions] : meanings)
    if (actions.size() == 1 && !actions[0].empty()) patterns[actions[0]].push_back("*\\ " + name);
  for (const CommandEntry& command : table.commands)
    for (const OptionEntry& option : command.options)
      for (const std::string& name : option.names)
        if (meanings[name].size() > 1 && option.kind != ValueKind::none)
          patterns[action_of(option)].push_back(command.name + "\\ " + name);
  return patterns;
}

std::string names_of(const std::vector<OptionEntry>& options) {
  std::string names;
  for (const OptionEntry& option : options) names += (names.empty() ? "" : " ") + option.names.back();
  return names;
}

}  // namespace

std::string bash_completion(const OptionTable& table) {
  std::vector<std::string> commands, several;
  for (const CommandEntry& command : table.commands) {
    commands.push_back(command.name);
    for (const OptionEntry& option : command.options)
      if (option.several && std::find(several.begin(), several.end(), option.names.back()) == several.end())
        several.push_back(option.names.back());
  }
  std::string script = kHead;
  if (!several.empty()) script += fmt::format(kSeveral, joined(several, " | "));
  script += fmt::format(
      "  if ((COMP_CWORD == 1)); then\n    _stratoscope_words '{} {}'\n    return\n  fi\n"
      "  case \"$command $option\" in\n",
      joined(commands), names_of(table.options));
  for (const auto& [action, patterns] : patterns_of(table))
    script += fmt::format("    {})\n      {}\n      return\n      ;;\n", joined(patterns, " | "), action);
  script += "  esac\n  [[ $current == -* ]] || return\n  case $command in\n";
  for (const CommandEntry& command : table.commands)
    script += fmt::format("    {}) _stratoscope_words '{}' ;;\n", command.name, names_of(command.options));
  return script + "  esac\n}\n\ncomplete -F _stratoscope stratoscope\n";
}

}  // namespace stratoscope::cli
