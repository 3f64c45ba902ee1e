#include "apps/cli/option_table.h"

#include <algorithm>
#include <memory>

#include "stratoscope/base/error.h"
#include "stratoscope/families/families.h"
#include "stratoscope/hub/find_model.h"
#include "stratoscope/model/hook_points.h"
#include "stratoscope/text/utf8.h"

namespace stratoscope::cli {
namespace {

// The lower-case words between '|': "fp32|fp64", and "auto" of "LO,HI|auto".
std::vector<std::string> choices_in(const std::string& type) {
  std::vector<std::string> choices;
  for (const std::string& piece : CLI::detail::split(type, '|'))
    if (piece.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos) choices.push_back(piece);
  return choices;
}

ValueKind kind_of(const std::string& type) {
  if (type == "NAME-OR-FOLDER") return ValueKind::model;
  if (type == "DIR") return ValueKind::folder;
  if (type.starts_with("FILE")) return ValueKind::file;
  if (type.starts_with("HOOK") || type == "EXPR") return ValueKind::hook_point;
  return choices_in(type).empty() ? ValueKind::anything : ValueKind::choice;
}

OptionEntry entry_of(const CLI::Option& option) {
  OptionEntry entry;
  for (const std::string& name : option.get_snames()) entry.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) entry.names.push_back("--" + name);
  entry.description = option.get_description();
  if (option.get_items_expected_max() == 0) return entry;
  entry.value = option.get_type_name();
  entry.value.resize(std::min(entry.value.find(':'), entry.value.size()));  // the part after ':' is a check
  entry.default_value = option.get_default_str();
  entry.kind = kind_of(entry.value);
  if (entry.kind == ValueKind::choice) entry.choices = choices_in(entry.value);
  entry.several = option.get_items_expected_max() > 1;
  entry.repeatable = option.get_multi_option_policy() == CLI::MultiOptionPolicy::TakeAll;
  return entry;
}

// "--theme light|dark [light]"
class Formatter : public CLI::Formatter {
 public:
  Formatter() { column_width(40); }
  std::string make_option(const CLI::Option* option, bool is_positional) const override {
    std::string line = "  " + make_option_name(option, is_positional) + make_option_opts(option);
    const std::size_t width = count_code_points(line);  // CLI11 counts bytes
    const std::string margin(column_width_, ' '), description = make_option_desc(option);
    if (!description.empty()) line += width < column_width_ ? margin.substr(width) : "\n" + margin;
    for (const char c : description) line += c == '\n' ? c + margin : std::string(1, c);
    return line + "\n";
  }
  std::string make_option_opts(const CLI::Option* option) const override {
    const OptionEntry entry = entry_of(*option);
    std::string text = entry.value.empty() ? "" : " " + entry.value;
    if (!entry.default_value.empty()) text += " [" + entry.default_value + "]";
    if (option->get_required()) text += " (required)";
    for (const CLI::Option* needed : option->get_needs()) text += " (with " + needed->get_name() + ")";
    return text;
  }
};

bool is_shown(const CLI::App* command) { return !command->get_group().empty(); }

}  // namespace

std::shared_ptr<CLI::FormatterBase> help_formatter() { return std::make_shared<Formatter>(); }

OptionTable option_table(const CLI::App& app) {
  OptionTable table;
  table.description = app.get_description();
  for (const CLI::Option* option : app.get_options()) table.options.push_back(entry_of(*option));
  for (const CLI::App* command : app.get_subcommands(is_shown)) {
    CommandEntry entry{command->get_name(), command->get_description(), {}, {}};
    for (const CLI::Option* option : command->get_options())
      if (option->get_positional() && !option->nonpositional())
        entry.text = option->get_description();
      else
        entry.options.push_back(entry_of(*option));
    table.commands.push_back(std::move(entry));
  }
  return table;
}

// Hook points of the built-in model, because a shell does not know the model that will be used; without a built-in
// model all known hook points.
std::vector<Hook> offered_hooks() {
  try {
    return hooks_of(read_model_config(find_model(kBuiltInModel).folder));
  } catch (const Error&) {
    std::vector<Hook> hooks;
    for (const HookInfo& info : hook_table()) hooks.push_back(info.hook);
    return hooks;
  }
}

std::vector<std::string> words_of(const OptionEntry& option) {
  if (option.kind == ValueKind::model) return {kBuiltInModel};
  if (option.kind != ValueKind::hook_point) return option.choices;
  std::vector<std::string> names;
  for (const Hook hook : offered_hooks())
    names.push_back((info_of(hook).scope == Scope::block ? "blocks.*." : "") + std::string(info_of(hook).name));
  return names;
}

std::string joined(const std::vector<std::string>& words, const std::string& between) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : between) + word;
  return text;
}

}  // namespace stratoscope::cli
