#include "stratoscope/request/json_fields.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>

#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"
#include "stratoscope/base/overloaded.h"
#include "stratoscope/corpus/choices_json.h"
#include "stratoscope/corpus/prompt_json.h"

namespace stratoscope {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

// One member of the object, read into its field.
class MemberReader {
 public:
  MemberReader(Field& field, const json& value, const BodyLimits& limits)
      : field_(field), value_(value), limits_(limits) {}

  void read() {
    field_.is_given = true;
    std::visit(
        Overloaded{
            [&](bool* to) { *to = flag(value_); },
            [&](AddedTokens* to) { *to = flag(value_) ? AddedTokens::beginning : AddedTokens::none; },
            [&](std::size_t* to) { *to = count(value_); },
            [&](double* to) { *to = number(value_); },
            [&](std::vector<double>* to) {
              to->clear();
              for_each([&](const json& one) { to->push_back(number(one)); });
            },
            [&](TokenIds* to) {
              to->clear();
              for_each([&](const json& one) { to->push_back(token_id(one)); }, limits_.text_bytes);
            },
            [&](std::string* to) { *to = text(value_, limits_.text_bytes); },
            [&](std::filesystem::path* to) { *to = text(value_, limits_.text_bytes); },
            [&](std::optional<std::string>* to) { *to = text(value_, limits_.text_bytes); },
            [&](std::vector<std::string>* to) {
              to->clear();
              for_each([&](const json& one) { to->push_back(text(one, limits_.text_bytes)); });
            },
            [&](Index* to) { *to = index(value_); },
            [&](std::optional<Index>* to) { *to = index(value_); },
            [&](IndexList* to) { *to = index_list(); },
            [&](std::optional<IndexList>* to) { *to = index_list(); },
            [&](std::optional<TokenChoice>* to) {
              *to = value_.is_number_integer() ? TokenChoice(index(value_)) : TokenChoice(expression(value_));
            },
            [&](std::optional<TargetChoice>* to) { *to = target(value_); },
            [&](std::vector<TargetChoice>* to) { for_each([&](const json& one) { to->push_back(target(one)); }); },
            [&](TargetIds& to) {
              for_each([&](const json& one) {
                if (!one.is_number_integer()) refuse("holds an entry that is not a whole number");
                to.targets->push_back({"", whole(one)});
              });
            },
            [&](HookExpression* to) { *to = HookExpression(expression(value_)); },
            [&]<class T>(std::vector<T>* to) {
              to->clear();
              for_each([&](const json& one) { to->emplace_back(expression(one)); });
            },
            [&](EnumValue& to) { to.set(choice(value_, to.names)); },
            [&](EnumList& to) {
              std::vector<std::string> names;
              for_each([&](const json& one) { names.push_back(choice(one, to.names)); });
              to.set(names);
            },
            [&](TextsOfFile& to) {
              for_each([&](const json& one) { to.texts->push_back(text(one, limits_.text_bytes)); });
            },
            [&](PromptsOfFile& to) {
              to.prompts->clear();
              for_each([&](const json& one) { to.prompts->push_back(prompt(one)); });
            },
            [&](ChoicesOfFile& to) {
              to.items->clear();
              for_each([&](const json& one) { to.items->push_back(choice_item(one)); });
            },
            [&](MemorySize& to) { *to.bytes = count(value_); },
            [&](InputFile& to) { *to.path = text(value_, limits_.text_bytes); },
            [&](OutputFile& to) { *to.path = text(value_, limits_.text_bytes); },
        },
        field_.target);
  }

 private:
  [[noreturn]] void refuse(const std::string& problem, const std::string& hint = {}) const {
    throw Error("request", "field " + in_quotes(field_.name) + " " + problem, hint);
  }

  bool flag(const json& one) const {
    if (!one.is_boolean()) refuse("is neither true nor false");
    return one.get<bool>();
  }

  void check_range(double read) const {
    if (field_.low && read < *field_.low) refuse("is below " + short_number(*field_.low));
    if (field_.high && read > *field_.high) refuse("is above " + short_number(*field_.high));
  }

  static std::string short_number(double number) {
    return json(number == std::floor(number) ? std::round(number) : number).dump();
  }

  std::size_t count(const json& one) const {
    if (!one.is_number_unsigned()) refuse("is not a whole number from 0 on");
    const auto read = one.get<std::size_t>();
    check_range(static_cast<double>(read));
    if (limits_.is_served && field_.most_served > 0 && read > field_.most_served)
      refuse("is " + std::to_string(read) + ", more than the limit of " + std::to_string(field_.most_served));
    return read;
  }

  // An index or an id that is a whole number.
  long whole(const json& one) const {
    if (one.is_number_unsigned() && one.get<std::uint64_t>() > std::numeric_limits<long>::max())
      refuse("is " + one.dump() + ", more than every index");
    return one.get<long>();
  }

  TokenId token_id(const json& one) const {
    if (!one.is_number_unsigned() || one.get<std::uint64_t>() > std::numeric_limits<TokenId>::max())
      refuse("holds an entry that is not a token id, a whole number from 0 on");
    return one.get<TokenId>();
  }

  double number(const json& one) const {
    if (!one.is_number()) refuse("is not a number");
    const auto read = one.get<double>();
    check_range(read);
    return read;
  }

  std::string text(const json& one, std::size_t most_bytes) const {
    if (!one.is_string()) refuse("is not a string");
    auto read = one.get<std::string>();
    check_length(read, most_bytes);
    return read;
  }

  void check_length(const std::string& read, std::size_t most_bytes) const {
    if (read.size() > most_bytes)
      refuse("has " + std::to_string(read.size()) + " bytes, more than the limit of " + std::to_string(most_bytes));
  }

  std::string expression(const json& one) const { return text(one, limits_.expression_bytes); }

  std::string choice(const json& one, const std::vector<std::string>& names) const {
    const std::string name = expression(one);
    std::string all;
    for (const std::string& known : names) {
      if (known == name) return name;
      all += (all.empty() ? "" : ", ") + known;
    }
    refuse("is " + in_quotes(name), "one of " + all);
  }

  Index index(const json& one) const {
    if (one.is_string()) return Index::parse(expression(one), field_.name);
    if (!one.is_number_integer()) refuse("is not an index");
    return whole(one);
  }

  // "0..3", 2, or [0, 1, -1].
  IndexList index_list() const {
    if (value_.is_string()) return IndexList::parse(expression(value_), field_.name);
    if (value_.is_number_integer()) return IndexList::parse(value_.dump(), field_.name);
    std::string list;
    for_each([&](const json& one) {
      if (!one.is_number_integer()) refuse("is not a list of indices");
      list += (list.empty() ? "" : ",") + one.dump();
    });
    return IndexList::parse(list, field_.name);
  }

  // A text, or an id.
  TargetChoice target(const json& one) const {
    if (one.is_number_integer()) return {"", whole(one)};
    return {text(one, limits_.text_bytes), std::nullopt};
  }

  PromptLine prompt(const json& one) const {
    PromptLine read = prompt_of(one, "an entry");
    check_length(read.text, limits_.text_bytes);
    if (read.corrupt) check_length(*read.corrupt, limits_.text_bytes);
    for (const TargetChoice& choice : read.targets) check_length(choice.text, limits_.text_bytes);
    return read;
  }

  ChoiceItem choice_item(const json& one) const {
    ChoiceItem read = choice_item_of(one, "an entry");
    check_length(read.text, limits_.text_bytes);
    if (read.choices.size() > limits_.list_entries)
      refuse("has " + std::to_string(read.choices.size()) + " choices, more than the limit of " +
             std::to_string(limits_.list_entries));
    for (const std::string& choice : read.choices) check_length(choice, limits_.text_bytes);
    return read;
  }

  // Errors of expressions have the number of the list entry: "edit 2".
  template <class Use>
  void for_each(const Use& use) const {
    for_each(use, limits_.list_entries);
  }
  template <class Use>
  void for_each(const Use& use, std::size_t most) const {
    if (!value_.is_array()) refuse("is not a list");
    if (value_.size() > most)
      refuse("has " + std::to_string(value_.size()) + " entries, more than the limit of " + std::to_string(most));
    std::size_t number = 0;
    for (const json& one : value_) {
      ++number;
      try {
        use(one);
      } catch (const Error& error) {
        if (error.where() == "request") throw;
        Error numbered(field_.option + " " + std::to_string(number), error.problem(), error.hint());
        numbered.set_details(error.details());
        throw std::move(numbered);
      }
    }
  }

  Field& field_;
  const json& value_;
  const BodyLimits& limits_;
};

bool is_known(const Field& field, const BodyLimits& limits) { return !limits.is_served || !field.is_local; }

// The schema of one value, without its description.
ordered_json value_schema(const Field& field, const BodyLimits& limits) {
  const auto texts = [&](std::size_t most) {
    ordered_json schema = {{"type", "string"}};
    if (most != static_cast<std::size_t>(-1)) schema["maxLength"] = most;
    return schema;
  };
  const auto list = [&](ordered_json items) {
    ordered_json schema = {{"type", "array"}, {"items", std::move(items)}};
    if (limits.list_entries != static_cast<std::size_t>(-1)) schema["maxItems"] = limits.list_entries;
    return schema;
  };
  const auto number = [&](const char* type) {
    ordered_json schema = {{"type", type}};
    if (field.low) schema["minimum"] = *field.low;
    std::optional<double> high = field.high;
    if (limits.is_served && field.most_served > 0)
      high = std::min(high.value_or(HUGE_VAL), static_cast<double>(field.most_served));
    if (high) schema["maximum"] = *high;
    return schema;
  };
  const auto count = [&] {
    ordered_json schema = number("integer");
    if (!schema.contains("minimum")) schema["minimum"] = 0;
    for (const char* end : {"minimum", "maximum"})
      if (schema.contains(end)) schema[end] = static_cast<std::int64_t>(schema[end].get<double>());
    return schema;
  };
  const ordered_json index = {{"type", {"integer", "string"}}};
  const ordered_json indices = {{"type", {"array", "integer", "string"}}, {"items", {{"type", "integer"}}}};
  const auto expression = [&] { return texts(limits.expression_bytes); };
  const auto text = [&] { return texts(limits.text_bytes); };
  const auto choice = [&](const std::vector<std::string>& names) {
    return ordered_json{{"type", "string"}, {"enum", names}};
  };
  return std::visit(
      Overloaded{
          [&](bool*) {
            return ordered_json{{"type", "boolean"}};
          },
          [&](AddedTokens*) {
            return ordered_json{{"type", "boolean"}};
          },
          [&](std::size_t*) { return count(); },
          [&](const MemorySize&) { return count(); },
          [&](double*) { return number("number"); },
          [&](std::vector<double>*) { return list(number("number")); },
          [&](TokenIds*) {
            ordered_json ids =
                list({{"type", "integer"}, {"minimum", 0}, {"maximum", std::numeric_limits<TokenId>::max()}});
            if (ids.contains("maxItems")) ids["maxItems"] = limits.text_bytes;
            return ids;
          },
          [&](std::string*) { return text(); },
          [&](std::filesystem::path*) { return text(); },
          [&](std::optional<std::string>*) { return text(); },
          [&](std::vector<std::string>*) { return list(text()); },
          [&](const TextsOfFile&) { return list(text()); },
          [&](const PromptsOfFile&) {
            const ordered_json target = {{"type", {"array", "string"}}}, id = {{"type", {"array", "integer"}}};
            return list({{"type", "object"},
                         {"properties", {{"text", text()}, {"corrupt", text()}, {"target", target}, {"target_id", id}}},
                         {"required", {"text"}},
                         {"additionalProperties", false}});
          },
          [&](const ChoicesOfFile&) {
            return list({{"type", "object"},
                         {"properties",
                          {{"text", text()},
                           {"ctx", text()},
                           {"choices", list(text())},
                           {"endings", list(text())},
                           {"label", {{"type", {"integer", "string", "null"}}}}}}});
          },
          [&](Index*) { return index; },
          [&](std::optional<Index>*) { return index; },
          [&](IndexList*) { return indices; },
          [&](std::optional<IndexList>*) { return indices; },
          [&](std::optional<TokenChoice>*) { return index; },
          [&](std::optional<TargetChoice>*) { return index; },
          [&](std::vector<TargetChoice>*) { return list(index); },
          [&](const TargetIds&) {
            return list({{"type", "integer"}});
          },
          [&](HookExpression*) { return expression(); },
          [&]<class T>(std::vector<T>*) { return list(expression()); },
          [&](const EnumValue& value) { return choice(value.names); },
          [&](const EnumList& value) { return list(choice(value.names)); },
          [&](const InputFile&) { return text(); },
          [&](const OutputFile&) { return text(); },
      },
      field.target);
}

// Null where the field has no default, or its default says nothing: an empty text, an empty list.
ordered_json default_of(const Field& field) {
  if (field.is_required) return {};
  const auto unless_empty = [](const auto& value) { return value.empty() ? ordered_json() : ordered_json(value); };
  return std::visit(Overloaded{
                        [](bool* value) { return ordered_json(*value); },
                        [](std::size_t* value) { return ordered_json(*value); },
                        [](double* value) { return ordered_json(*value); },
                        [&](std::vector<double>* values) { return unless_empty(*values); },
                        [&](std::string* value) { return unless_empty(*value); },
                        [&](std::vector<std::string>* values) { return unless_empty(*values); },
                        [&](std::filesystem::path* value) { return unless_empty(value->string()); },
                        [](Index* value) { return ordered_json(value->number()); },
                        [&](IndexList* value) { return unless_empty(value->text()); },
                        [&](HookExpression* value) { return unless_empty(value->text); },
                        [&](const EnumValue& value) { return unless_empty(value.get()); },
                        [&](const EnumList& value) { return unless_empty(value.get()); },
                        [](const auto&) { return ordered_json(); },
                    },
                    field.target);
}

}  // namespace

void read_json(Fields& fields, const json& object, const BodyLimits& limits) {
  if (!object.is_object()) throw Error("request", "the body is not a JSON object");
  std::vector<std::string> names;
  for (const Field& field : fields.all())
    if (is_known(field, limits)) names.push_back(field.name);
  for (const auto& [name, value] : object.items())
    if (std::find(names.begin(), names.end(), name) == names.end())
      throw Error("request", "there is no field " + in_quotes(name), did_you_mean(name, names));
  for (Field& field : fields.all())  // in their order: targets before target_ids
    if (const auto value = object.find(field.name); value != object.end() && !value->is_null())
      MemberReader(field, *value, limits).read();
  for (const Field& field : fields.all())
    if (fields.lacks(field)) throw Error("request", "field " + in_quotes(field.name) + " is missing");
}

ordered_json schema_of(const Fields& fields, const BodyLimits& limits) {
  ordered_json properties = ordered_json::object(), required = ordered_json::array();
  for (const Field& field : fields.all()) {
    if (!is_known(field, limits)) continue;
    ordered_json schema = value_schema(field, limits);
    schema["description"] = field.help;
    if (ordered_json value = default_of(field); !value.is_null()) schema["default"] = std::move(value);
    if (field.is_required && field.unless.empty()) required.push_back(field.name);
    properties[field.name] = std::move(schema);
  }
  ordered_json schema = {{"type", "object"}, {"properties", std::move(properties)}};
  if (!required.empty()) schema["required"] = std::move(required);
  schema["additionalProperties"] = false;
  return schema;
}

}  // namespace stratoscope
