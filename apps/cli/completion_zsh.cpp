#include <fmt/format.h>

#include "apps/cli/completion.h"

namespace stratoscope::cli {
namespace {

// Escapes for single quotes, and for a specification of _arguments, where ':' and brackets are special.
std::string quoted(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'')
      out += "'\\''";
    else if (c == ':' || c == '[' || c == ']' || c == '\\')
      out += std::string("\\") + c;
    else
      out += c;
  }
  return out;
}

std::string action_of(const OptionEntry& option) {
  switch (option.kind) {
    case ValueKind::file: return "_files";
    case ValueKind::folder: return "_files -/";
    case ValueKind::model: return "_stratoscope_models";
    case ValueKind::hook_point: return "_stratoscope_hook_points";
    case ValueKind::choice: return "(" + joined(option.choices) + ")";
    default: return "";
  }
}

// One specification for each name of the option; the names exclude each other.
std::string specifications(const OptionEntry& option) {
  std::string lines;
  for (const std::string& name : option.names) {
    const std::string others = option.repeatable ? "*" : "(" + joined(option.names) + ")";
    const char* equals = option.kind == ValueKind::none ? "" : "=";  // --theme dark and --theme=dark
    lines += fmt::format(" \\\n        '{}{}{}[{}]", others, name, equals, quoted(option.description));
    if (option.kind != ValueKind::none) lines += fmt::format(":{}:{}", quoted(option.value), action_of(option));
    lines += "'";
  }
  return lines;
}

std::string function_of(const char* name, const std::vector<std::string>& words, const char* also = "") {
  std::string text = fmt::format("{}() {{\n  local -a words_here=(", name);
  for (const std::string& word : words) text += fmt::format(" '{}'", word);
  return text + fmt::format(" )\n  compadd -- $words_here\n{}}}\n\n", also);
}

}  // namespace

std::string zsh_completion(const OptionTable& table) {
  OptionEntry model, hook_point;
  model.kind = ValueKind::model;
  hook_point.kind = ValueKind::hook_point;
  std::string script =
      "#compdef stratoscope\n# zsh completion for stratoscope, made by: stratoscope completion zsh\n\n";
  script += function_of("_stratoscope_models", words_of(model), "  _files -/\n");
  script += function_of("_stratoscope_hook_points", words_of(hook_point));
  script += "_stratoscope() {\n  local -a commands=(\n";
  for (const CommandEntry& command : table.commands)
    script += fmt::format("    '{}:{}'\n", command.name, quoted(command.description));
  script += "  )\n  if ((CURRENT == 2)); then\n    if [[ $PREFIX == -* ]]; then\n      _arguments";
  for (const OptionEntry& option : table.options) script += specifications(option);
  script +=
      "\n    else\n      _describe command commands\n    fi\n    return\n  fi\n"
      "  shift words\n  ((CURRENT--))\n  case $words[1] in\n";
  for (const CommandEntry& command : table.commands) {
    script += fmt::format("    {})\n      _arguments -S", command.name);
    for (const OptionEntry& option : command.options) script += specifications(option);
    if (!command.text.empty()) script += fmt::format(" \\\n        ':{}:()'", quoted(command.text));
    script += "\n      ;;\n";
  }
  return script + "  esac\n}\n\n_stratoscope \"$@\"\n";
}

}  // namespace stratoscope::cli
