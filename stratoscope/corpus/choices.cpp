#include "stratoscope/corpus/choices.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"
#include "stratoscope/corpus/choices_json.h"
#include "stratoscope/corpus/json_lines.h"

namespace stratoscope {
namespace {

[[noreturn]] void refuse_item(const std::string& source, const std::string& problem) {
  throw Error("choices", source + " " + problem,
              R"(such as {"text": "He", "choices": [" ran.", " slept."], "label": 0})");
}

// The value of the first of two names.
const nlohmann::json& member(const nlohmann::json& object, const char* name, const char* other,
                             const std::string& source) {
  const auto found = object.find(name), second = object.find(other);
  if (found != object.end()) return *found;
  if (second == object.end()) refuse_item(source, "has no \"" + std::string(name) + "\" and no \"" + other + "\"");
  return *second;
}

std::optional<std::size_t> label_of(const nlohmann::json& object, std::size_t choices, const std::string& source) {
  const auto label = object.find("label");
  if (label == object.end() || label->is_null() || (label->is_string() && label->get<std::string>().empty()))
    return std::nullopt;
  std::size_t number = choices;
  if (label->is_number_unsigned()) {
    number = label->get<std::size_t>();
  } else if (label->is_string()) {
    const auto text = label->get<std::string>();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) number = choices;
  }
  if (number >= choices)
    refuse_item(source, "has the label " + label->dump(-1, ' ', true) + ", which is none of 0 to " +
                            std::to_string(choices - 1));
  return number;
}

}  // namespace

ChoiceItem choice_item_of(const nlohmann::json& object, const std::string& source) {
  if (!object.is_object()) refuse_item(source, "is not a JSON object");
  ChoiceItem item;
  const nlohmann::json& text = member(object, "text", "ctx", source);
  const nlohmann::json& choices = member(object, "choices", "endings", source);
  if (!text.is_string()) refuse_item(source, "has a text that is not a string");
  item.text = text.get<std::string>();
  if (!choices.is_array() || choices.size() < 2) refuse_item(source, "has no list of two or more choices");
  for (const nlohmann::json& choice : choices) {
    if (!choice.is_string() || choice.get<std::string>().empty())
      refuse_item(source, "has a choice that is not a text, or is empty");
    item.choices.push_back(choice.get<std::string>());
  }
  item.label = label_of(object, item.choices.size(), source);
  return item;
}

std::vector<ChoiceItem> read_choices(const std::filesystem::path& path) {
  std::vector<ChoiceItem> items;
  for_each_json_line(path, "choices", "item", [&](const nlohmann::json& json, const std::string& place) {
    items.push_back(choice_item_of(json, place));
  });
  return items;
}

}  // namespace stratoscope
