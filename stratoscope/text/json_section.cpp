#include "stratoscope/text/json_section.h"

#include <algorithm>
#include <utility>

#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"

namespace stratoscope {

using nlohmann::json;

JsonSection::JsonSection(const json& object, std::string name) : object_(object), name_(std::move(name)) {
  if (!object_.is_object()) throw Error("tokenizer", name_ + " is not a JSON object");
}

bool JsonSection::has(const char* key) const { return object_.contains(key) && !object_.at(key).is_null(); }

const json& JsonSection::at(const char* key) const {
  if (!object_.contains(key)) throw Error("tokenizer", name_ + " has no '" + key + "'");
  return object_.at(key);
}

JsonSection JsonSection::section(const char* key) const { return {at(key), name_ + ": '" + key + "'"}; }

const json& JsonSection::list(const char* key) const {
  if (!at(key).is_array()) throw Error("tokenizer", name_ + ": '" + key + "' is not a list");
  return at(key);
}

const std::string& JsonSection::text(const char* key) const {
  if (!at(key).is_string()) throw Error("tokenizer", name_ + ": '" + key + "' is not a string");
  return at(key).get_ref<const std::string&>();
}

bool JsonSection::flag(const char* key, bool otherwise) const {
  if (!has(key)) return otherwise;
  if (!at(key).is_boolean()) throw Error("tokenizer", name_ + ": '" + key + "' is neither true nor false");
  return at(key).get<bool>();
}

std::size_t JsonSection::count(const char* key) const {
  const json& value = at(key);
  if (!value.is_number_unsigned() || value.get<std::size_t>() > 1'000'000)
    throw Error("tokenizer", name_ + ": '" + key + "' is not an integer from 0 to 1,000,000");
  return value.get<std::size_t>();
}

void JsonSection::require(const char* key, std::initializer_list<json> accepted) const {
  if (has(key) && std::find(accepted.begin(), accepted.end(), at(key)) == accepted.end()) refuse(key);
}

void JsonSection::require_known(std::initializer_list<std::string_view> names) const {
  for (const auto& [key, value] : object_.items())
    if (std::find(names.begin(), names.end(), key) == names.end())
      throw Error("tokenizer", name_ + ": the setting " + in_quotes(key) + " is not implemented");
}

void JsonSection::refuse(const char* key) const {
  throw Error("tokenizer", name_ + ": '" + key + "' is " + in_quotes(at(key).dump()) + ", which is not implemented");
}

}  // namespace stratoscope
