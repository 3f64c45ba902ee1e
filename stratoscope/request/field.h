// A request described field by field. All interfaces read and show requests from this one description: the command line
// makes options and help of it, the server checks JSON bodies and writes its OpenAPI document, records keep the given
// values.
//   void describe(AblateRequest& request, Fields& fields) {
//     fields.add("mean", request.mean, "put the mean over all positions in its place");
//     fields.add("top", request.top, "how many are listed").value("K").range(1, kMost).only_shown();
//   }
#pragma once

#include <cstddef>
#include <deque>
#include <filesystem>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "stratoscope/base/choice.h"
#include "stratoscope/corpus/choices.h"
#include "stratoscope/corpus/prompts.h"
#include "stratoscope/probe/edit_grammar.h"
#include "stratoscope/probe/indices.h"
#include "stratoscope/probe/sweep_grid.h"
#include "stratoscope/probe/token_row.h"
#include "stratoscope/session/session.h"
#include "stratoscope/session/target.h"
#include "stratoscope/session/token_choice.h"

namespace stratoscope {

// One of the named values of an enum, or a list of them.
struct EnumValue {
  std::vector<std::string> names;
  std::function<void(const std::string& name)> set;
  std::function<std::string()> get;
};
struct EnumList {
  std::vector<std::string> names;
  std::function<void(const std::vector<std::string>& names)> set;
  std::function<std::vector<std::string>()> get;
};
// Texts or prompts: on a command line the name of a file, in JSON the list itself. A file of texts has a JSON object
// per line; where the field allows it, a file that ends in .txt is plain text.
enum class PlainText { refused, lines, whole };  // lines: a text per line; whole: one text
struct TextsOfFile {
  std::vector<std::string>* texts;
  PlainText plain = PlainText::refused;
};
struct PromptsOfFile {
  std::vector<PromptLine>* prompts;
};
struct ChoicesOfFile {
  std::vector<ChoiceItem>* items;
};
// Tokens by their ids, in addition to the texts of another field.
struct TargetIds {
  std::vector<TargetChoice>* targets;
};
// Bytes: "512M" on a command line.
struct MemorySize {
  std::size_t* bytes;
};
// Names of files that are read or written.
struct InputFile {
  std::optional<std::filesystem::path>* path;
};
struct OutputFile {
  std::optional<std::filesystem::path>* path;
};

// The member of the request that holds the field's value.
using FieldTarget =
    std::variant<bool*, AddedTokens*, std::size_t*, double*, std::vector<double>*, TokenIds*, std::string*,
                 std::optional<std::string>*, std::vector<std::string>*, std::filesystem::path*, Index*,
                 std::optional<Index>*, IndexList*, std::optional<IndexList>*, std::optional<TokenChoice>*,
                 std::optional<TargetChoice>*, std::vector<TargetChoice>*, TargetIds, HookExpression*,
                 std::vector<HookExpression>*, std::vector<EditExpression>*, std::vector<EditTemplate>*,
                 std::vector<AxisExpression>*, std::vector<TokenRow>*, EnumValue, EnumList, TextsOfFile, PromptsOfFile,
                 ChoicesOfFile, MemorySize, InputFile, OutputFile>;

struct Field {
  std::string name;  // in JSON: "memory_limit"
  FieldTarget target;
  std::string help;
  std::string option;              // on a command line: "memory-limit"
  std::string value_name = {};     // in --help: "SIZE"
  std::string negative_help = {};  // of a flag that may be negated: --no-bos
  std::optional<double> low = {}, high = {};
  std::size_t most_served = 0;  // the largest number that a server accepts; 0: as on a command line
  bool is_required = false;
  bool is_argument = false;    // TEXT, without an option's name
  bool is_positional = false;  // an option whose name may be left out
  bool is_more = false;        // a list of further arguments after TEXT
  bool is_expression = false;  // a choice that is checked by the experiment, like an edit, and not by the option parser
  bool changes_result = true;  // false: changes only the form in which the result is shown
  bool is_local = false;       // about this machine (its files and memory): a server does not accept it
  char separator = '\0';       // of a list in one value: --heads L5H3,L6H0
  bool takes_several = false;  // a list may follow the option's name: --over layer=all factor=0,1
  // For a list that takes several values: whether a text can be one of them, and not the TEXT after them.
  bool (*is_one)(const std::string& text) = nullptr;
  std::string needs = {};                // another field that this one requires
  std::vector<std::string> unless = {};  // other fields that make this one unnecessary
  bool is_given = false;

  Field& value(std::string shown) { return value_name = std::move(shown), *this; }
  Field& as_option(std::string name_) { return option = std::move(name_), *this; }
  Field& or_not(std::string help_) { return negative_help = std::move(help_), *this; }
  Field& range(double lowest, double highest) { return low = lowest, high = highest, *this; }
  Field& at_least(double lowest) { return range(lowest, std::numeric_limits<int>::max()); }
  Field& serve_at_most(std::size_t most) { return most_served = most, *this; }
  Field& required() { return is_required = true, *this; }
  Field& expression() { return is_expression = true, *this; }
  Field& positional() { return is_positional = true, *this; }
  Field& argument() { return is_argument = true, *this; }
  Field& more_arguments() { return is_more = true, *this; }
  Field& only_shown() { return changes_result = false, *this; }
  Field& local() { return is_local = true, *this; }
  Field& separated(char by) { return separator = by, *this; }
  Field& several(bool (*is_one_)(const std::string&)) { return takes_several = true, is_one = is_one_, *this; }
  Field& with(std::string other) { return needs = std::move(other), *this; }
  Field& required_unless(std::vector<std::string> others) {
    return is_required = true, unless = std::move(others), *this;
  }
};

// The fields of one request, which must outlive them.
class Fields {
 public:
  Field& add(std::string name, FieldTarget target, std::string help);
  template <class T>
  Field& add(std::string name, T& value, std::string help) {
    return add(std::move(name), FieldTarget(&value), std::move(help));
  }
  template <HasChoices E>
  Field& add(std::string name, E& value, std::string help) {
    EnumValue target = enum_value(name, value);
    return add(std::move(name), FieldTarget(std::move(target)), std::move(help));
  }
  template <HasChoices E>
  Field& add(std::string name, std::vector<E>& values, std::string help) {
    EnumList target = enum_list(name, values);
    return add(std::move(name), FieldTarget(std::move(target)), std::move(help));
  }
  template <HasChoices E>
  Field& add(std::string name, std::optional<E>& value, std::string help);

  std::deque<Field>& all() { return fields_; }
  const std::deque<Field>& all() const { return fields_; }
  // nullptr if there is none.
  Field* find(std::string_view name);
  // Whether a value is required and was not given.
  bool lacks(const Field& field) const;

 private:
  template <HasChoices E>
  static EnumValue enum_value(const std::string& what, E& value) {
    return {choice_names<E>(), [&value, what](const std::string& name) { value = parse_choice<E>(name, what); },
            [&value] { return std::string(choice_name(value)); }};
  }
  template <HasChoices E>
  static EnumList enum_list(const std::string& what, std::vector<E>& values) {
    return {choice_names<E>(),
            [&values, what](const std::vector<std::string>& names) {
              values.clear();
              for (const std::string& name : names) values.push_back(parse_choice<E>(name, what));
            },
            [&values] {
              std::vector<std::string> names;
              for (const E value : values) names.emplace_back(choice_name(value));
              return names;
            }};
  }

  std::deque<Field> fields_;  // references to them stay valid
};

template <HasChoices E>
Field& Fields::add(std::string name, std::optional<E>& value, std::string help) {
  EnumValue target{choice_names<E>(),
                   [&value, what = name](const std::string& chosen) { value = parse_choice<E>(chosen, what); },
                   [&value] { return value ? std::string(choice_name(*value)) : std::string(); }};
  return add(std::move(name), FieldTarget(std::move(target)), std::move(help));
}

// The properties of a field that its type determines.
struct FieldForm {
  bool is_flag = false;  // on a command line without a value
  bool is_list = false;
  bool is_number = false, is_whole = false, is_signed = true;
  std::vector<std::string> choices = {};  // if only these values are possible
};
FieldForm form_of(const Field& field);

// The value as on a command line; empty for no value and for an empty list.
std::string default_text(const Field& field);

// Reads the value from a command line: one text for each time that the option was given. The first call replaces a
// list's default, and each call appends to the list. Throws Error for a text that is not a value of the field.
void read_option(Field& field, const std::vector<std::string>& texts);

// Whether the value is the name of a file that is read.
bool names_input_file(const Field& field);

// Files of numbers that the value's edits or rows read.
std::vector<std::filesystem::path> vector_files_of(const Field& field);

}  // namespace stratoscope
