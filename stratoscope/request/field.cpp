#include "stratoscope/request/field.h"

#include <malloc.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"
#include "stratoscope/base/overloaded.h"
#include "stratoscope/corpus/text_lines.h"

namespace stratoscope {
namespace {

[[noreturn]] void refuse(const Field& field, const std::string& text, const std::string& expected) {
  throw Error(field.option, in_quotes(text) + " is not " + expected);
}

// A number that may have a plus sign.
template <class Number>
std::optional<Number> read_number(std::string_view text) {
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::size_t whole_number(const Field& field, const std::string& text) {
  const auto read = read_number<std::size_t>(text);
  if (!read) refuse(field, text, "a whole number from 0 on");
  return *read;
}

TokenId token_id(const Field& field, std::string_view text) {
  const auto read = read_number<TokenId>(text);
  if (!read || *read < 0) refuse(field, std::string(text), "a token id, a whole number from 0 on");
  return *read;
}

double number(const Field& field, const std::string& text) {
  const auto read = read_number<double>(text);
  if (!read) refuse(field, text, "a number");
  if (!std::isfinite(*read)) refuse(field, text, "finite");
  return *read;
}

std::size_t memory_size(const std::string& text) {
  constexpr std::string_view kUnits = "KMGT";
  std::size_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  const std::size_t power = unit.empty() ? 0 : kUnits.find(unit[0]) + 1;
  const bool known = unit.empty() || (unit.size() == 1 && power > 0);
  if (error != std::errc() || !known || count == 0 || (count << (10 * power)) >> (10 * power) != count)
    throw Error("memory", in_quotes(text) + " is not an amount of memory", "write it like 512M or 4G");
  return count << (10 * power);
}

std::string joined(const std::vector<std::string>& pieces, const std::string& between) {
  std::string text;
  for (const std::string& piece : pieces) text += (text.empty() ? "" : between) + piece;
  return text;
}

std::vector<std::string> texts_of_file(const std::filesystem::path& path, PlainText plain) {
  if (plain == PlainText::refused || path.extension() != ".txt") return read_texts(path);
  return plain == PlainText::lines ? read_text_per_line(path) : std::vector<std::string>{read_whole_text(path)};
}

std::string short_text(double number) {
  char digits[32];
  const auto [end, error] = std::to_chars(std::begin(digits), std::end(digits), number);
  return {digits, end};
}

}  // namespace

Field& Fields::add(std::string name, FieldTarget target, std::string help) {
  std::string option = name;
  std::replace(option.begin(), option.end(), '_', '-');
  return fields_.emplace_back(Field{
      .name = std::move(name), .target = std::move(target), .help = std::move(help), .option = std::move(option)});
}

Field* Fields::find(std::string_view name) {
  const auto found =
      std::find_if(fields_.begin(), fields_.end(), [&](const Field& field) { return field.name == name; });
  return found == fields_.end() ? nullptr : &*found;
}

bool Fields::lacks(const Field& field) const {
  if (!field.is_required || field.is_given) return false;
  return std::none_of(fields_.begin(), fields_.end(), [&](const Field& other) {
    return other.is_given && std::find(field.unless.begin(), field.unless.end(), other.name) != field.unless.end();
  });
}

FieldForm form_of(const Field& field) {
  return std::visit(
      Overloaded{
          [](bool*) { return FieldForm{.is_flag = true}; },
          [](AddedTokens*) { return FieldForm{.is_flag = true}; },
          [](std::size_t*) { return FieldForm{.is_number = true, .is_whole = true, .is_signed = false}; },
          [](double*) { return FieldForm{.is_number = true}; },
          [](std::vector<double>*) { return FieldForm{.is_list = true, .is_number = true}; },
          [](TokenIds*) { return FieldForm{.is_list = true, .is_number = true, .is_whole = true}; },
          [](const EnumValue& value) { return FieldForm{.choices = value.names}; },
          [](const EnumList& value) { return FieldForm{.is_list = true, .choices = value.names}; },
          []<class T>(std::vector<T>*) { return FieldForm{.is_list = true}; },
          [](const TargetIds&) { return FieldForm{.is_list = true, .is_number = true, .is_whole = true}; },
          [](const TextsOfFile&) { return FieldForm{.is_list = true}; },
          [](const PromptsOfFile&) { return FieldForm{.is_list = true}; },
          [](const ChoicesOfFile&) { return FieldForm{.is_list = true}; },
          [](const auto&) { return FieldForm{}; },
      },
      field.target);
}

std::string default_text(const Field& field) {
  return std::visit(Overloaded{
                        [](std::size_t* value) { return *value == 0 ? std::string() : std::to_string(*value); },
                        [](double* value) { return short_text(*value); },
                        [](std::vector<double>* values) {
                          std::vector<std::string> texts;
                          for (const double value : *values) texts.push_back(short_text(value));
                          return joined(texts, ",");
                        },
                        [](std::string* value) { return *value; },
                        [](std::filesystem::path* value) { return value->string(); },
                        [](Index*) { return std::string(); },
                        [](IndexList* value) { return value->text(); },
                        [](HookExpression* value) { return value->text; },
                        [](const EnumValue& value) { return value.get(); },
                        [](const EnumList& value) { return joined(value.get(), ","); },
                        [](const auto&) { return std::string(); },
                    },
                    field.target);
}

void read_option(Field& field, const std::vector<std::string>& texts) {
  const bool is_first = !std::exchange(field.is_given, true);
  const std::string last = texts.empty() ? "" : texts.back();
  std::visit(Overloaded{
                 [&](bool* value) { *value = true; },
                 [&](AddedTokens* value) { *value = last == "false" ? AddedTokens::none : AddedTokens::beginning; },
                 [&](std::size_t* value) { *value = whole_number(field, last); },
                 [&](double* value) { *value = number(field, last); },
                 [&](std::vector<double>* values) {
                   if (is_first) values->clear();
                   for (const std::string& text : texts)
                     for (const std::string_view piece : split_list(text))
                       values->push_back(number(field, std::string(piece)));
                 },
                 [&](TokenIds* ids) {
                   if (is_first) ids->clear();
                   for (const std::string& text : texts)
                     for (const std::string_view piece : split_list(text)) ids->push_back(token_id(field, piece));
                 },
                 [&](std::string* value) { *value = last; },
                 [&](std::filesystem::path* value) { *value = last; },
                 [&](std::optional<std::string>* value) { *value = last; },
                 [&](Index* value) { *value = Index::parse(last, field.option); },
                 [&](std::optional<Index>* value) { *value = Index::parse(last, field.option); },
                 [&](IndexList* value) { *value = IndexList::parse(last, field.option); },
                 [&](std::optional<IndexList>* value) { *value = IndexList::parse(last, field.option); },
                 [&](std::optional<TokenChoice>* value) { *value = TokenChoice(last); },
                 [&](std::optional<TargetChoice>* value) {
                   *value = TargetChoice{last, std::nullopt};
                 },
                 [&](std::vector<TargetChoice>* values) {
                   for (const std::string& text : texts) values->push_back({text, std::nullopt});
                 },
                 [&](TargetIds& value) {
                   for (const std::string& text : texts)
                     value.targets->push_back({"", Index::parse(text, field.option).number()});
                 },
                 [&](HookExpression* value) { *value = HookExpression(last); },
                 [&]<class T>(std::vector<T>* values) {
                   if (is_first) values->clear();
                   for (const std::string& text : texts) values->emplace_back(text);
                 },
                 [&](EnumValue& value) { value.set(last); },
                 [&](EnumList& value) {
                   std::vector<std::string> names = is_first ? std::vector<std::string>() : value.get();
                   names.insert(names.end(), texts.begin(), texts.end());
                   value.set(names);
                 },
                 [&](TextsOfFile& value) {
                   for (std::string& text : texts_of_file(last, value.plain)) value.texts->push_back(std::move(text));
                 },
                 [&](PromptsOfFile& value) { *value.prompts = read_prompts(last); },
                 [&](ChoicesOfFile& value) { *value.items = read_choices(last); },
                 [&](MemorySize& value) {
                   *value.bytes = memory_size(last);
                   ::mallopt(M_ARENA_MAX, 1);  // with more arenas, threads do not reuse each other's memory
                 },
                 [&](InputFile& value) { *value.path = last; },
                 [&](OutputFile& value) { *value.path = last; },
             },
             field.target);
}

bool names_input_file(const Field& field) {
  return std::holds_alternative<TextsOfFile>(field.target) || std::holds_alternative<PromptsOfFile>(field.target) ||
         std::holds_alternative<ChoicesOfFile>(field.target) || std::holds_alternative<InputFile>(field.target);
}

std::vector<std::filesystem::path> vector_files_of(const Field& field) {
  std::vector<std::filesystem::path> files;
  if (const auto* const* edits = std::get_if<std::vector<EditExpression>*>(&field.target))
    for (const EditExpression& edit : **edits)
      for (const EditTerm& term : edit.terms)
        if (!term.vector_file.empty()) files.emplace_back(term.vector_file);
  if (const auto* const* rows = std::get_if<std::vector<TokenRow>*>(&field.target))
    for (const TokenRow& row : **rows)
      if (!row.file.empty()) files.push_back(row.file);
  return files;
}

}  // namespace stratoscope
