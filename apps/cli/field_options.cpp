#include "apps/cli/field_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>

#include "apps/cli/option_table.h"

namespace stratoscope::cli {
namespace {

constexpr int kMostOfSeveral = 10000;

// Checks the field's limits, with the error text of the option parser.
CLI::Validator number_check(const Field& field, const FieldForm& form) {
  const bool is_whole = form.is_whole;
  const double low = field.low.value_or(form.is_signed ? -HUGE_VAL : 0), high = field.high.value_or(HUGE_VAL);
  const auto check = [=](const std::string& text) -> std::string {
    const std::size_t sign = text.starts_with('+') && !text.starts_with("+-") ? 1 : 0;
    double number = 0;
    const auto [end, error] = std::from_chars(text.data() + sign, text.data() + text.size(), number);
    const bool is_read = error == std::errc() && end == text.data() + text.size();
    if (!is_read || (is_whole && text.find_first_not_of("+-0123456789") != std::string::npos))
      return "Could not convert " + text + " to a " + (is_whole ? "whole number" : "number");
    if (number < low || number > high) return fmt::format("Value {} not in range [{} - {}]", text, low, high);
    return {};
  };
  return CLI::Validator(check, "", "");
}

bool is_target(const Field& field) { return field.name == "targets" || field.name == "target_ids"; }

}  // namespace

FieldOptions::FieldOptions(CLI::App& command, Fields& fields) : command_(command), fields_(fields) {
  for (Field& field : fields.all()) {
    if (field.is_argument || field.is_more) continue;
    declare(options_.emplace_back(FieldOption{&field}));
  }
  for (const FieldOption& each : options_)
    for (const FieldOption& other : options_)
      if (other.field->name == each.field->needs) each.option->needs(other.option);
}

void FieldOptions::declare(FieldOption& of) {
  const Field& field = *of.field;
  const FieldForm form = form_of(field);
  const std::string name = (field.is_positional ? field.option + "," : "") + "--" + field.option;
  if (form.is_flag) {
    of.option = command_.add_flag(name, field.help);
    if (!field.negative_help.empty())
      of.negative = command_.add_flag("--no-" + field.option, field.negative_help)->excludes(of.option);
    return;
  }
  of.option = command_.add_option(name, field.help);
  of.option->type_name(field.value_name.empty() ? joined(form.choices, "|") : field.value_name);
  of.option->default_str(default_text(field));
  const bool is_one_text = std::holds_alternative<std::vector<double>*>(field.target) ||
                           std::holds_alternative<TokenIds*>(field.target) || names_input_file(field);
  if (field.separator != '\0') of.option->delimiter(field.separator);
  if (field.takes_several)
    of.option->expected(1, kMostOfSeveral)->allow_extra_args(false)->take_all();
  else if (form.is_list && !is_one_text)
    of.option->expected(1)->allow_extra_args(false)->take_all();
  if (form.is_number && !is_one_text) of.option->check(number_check(field, form));
  if (!form.choices.empty() && !field.is_expression) of.option->check(CLI::IsMember(form.choices).description(""));
  if (field.is_required) of.option->required();
}

// A list option that takes several values also takes a TEXT that follows them. The last value is given back as the text
// if there is no other text and the option cannot read that value.
void FieldOptions::take_back_text(CommonOptions& common) {
  for (const FieldOption& each : options_) {
    if (!each.field->takes_several) continue;
    values_of_several_ = each.option->results();
    if (common.text || !wants_text() || values_of_several_.empty() || each.field->is_one(values_of_several_.back()))
      continue;
    common.text = values_of_several_.back();
    values_of_several_.pop_back();
  }
}

// Whether the command has a TEXT argument and no option that replaces it.
bool FieldOptions::wants_text() const {
  for (const Field& field : fields_.all()) {
    if (!field.is_argument) continue;
    return std::none_of(options_.begin(), options_.end(), [&](const FieldOption& each) {
      return each.option->count() > 0 &&
             std::find(field.unless.begin(), field.unless.end(), each.field->name) != field.unless.end();
    });
  }
  return false;
}

// Targets of both kinds keep the order in which they were given.
void FieldOptions::read_in_order() {
  std::map<const CLI::Option*, std::size_t> taken;
  for (const CLI::Option* option : command_.parse_order())
    for (const FieldOption& each : options_)
      if (each.option == option && is_target(*each.field))
        read_option(*each.field, {option->results().at(taken[option]++)});
}

void FieldOptions::read(CommonOptions& common) {
  take_back_text(common);
  read_in_order();
  for (const FieldOption& each : options_) {
    if (each.negative != nullptr && each.negative->count() > 0) read_option(*each.field, {"false"});
    if (each.option->count() == 0 || is_target(*each.field)) continue;
    if (!each.field->takes_several)
      read_option(*each.field, each.option->results());
    else if (!values_of_several_.empty())
      read_option(*each.field, values_of_several_);
  }
  for (Field& field : fields_.all()) {
    if (field.is_more && !common.more_texts.empty()) read_option(field, common.more_texts);
    if (!field.is_argument) continue;
    if (field.takes_several) {
      if (!common.words.empty()) read_option(field, common.words);
      continue;
    }
    if (fields_.lacks(field) || common.text) read_option(field, {text_of(common)});
  }
}

FieldOptions::Given FieldOptions::given() const {
  Given given;
  for (const FieldOption& each : options_) {
    if (!each.field->changes_result) continue;
    if (each.negative != nullptr && each.negative->count() > 0)
      given.emplace_back("no-" + each.field->option, std::vector<std::string>());
    if (each.option->count() == 0) continue;
    const bool is_flag = form_of(*each.field).is_flag;
    std::vector<std::string> values = each.field->takes_several ? values_of_several_ : each.option->results();
    if (is_flag) values.clear();
    if (is_flag || !values.empty()) given.emplace_back(each.field->option, std::move(values));
  }
  return given;
}

std::vector<std::string> FieldOptions::order() const {
  std::vector<std::string> order;
  std::set<std::string> kinds;
  for (const CLI::Option* option : command_.parse_order())
    for (const FieldOption& each : options_)
      if (each.option == option && is_target(*each.field)) {
        order.push_back(each.field->option);
        kinds.insert(each.field->option);
      }
  return kinds.size() > 1 ? order : std::vector<std::string>();
}

std::vector<std::string> FieldOptions::input_files() const {
  std::vector<std::string> files;
  for (const FieldOption& each : options_) {
    if (each.option->count() > 0 && names_input_file(*each.field)) files.push_back(each.option->results().back());
    for (const std::filesystem::path& file : vector_files_of(*each.field)) files.push_back(file.string());
  }
  return files;
}

}  // namespace stratoscope::cli
