#include "apps/server/fields.h"

#include <algorithm>

#include "apps/server/limits.h"
#include "apps/server/refusal.h"
#include "stratoscope/base/json.h"
#include "stratoscope/base/names.h"

namespace stratoscope::server {
namespace {

[[noreturn]] void refuse(const std::string& name, const std::string& problem) {
  throw Refusal(400, "request", "field " + in_quotes(name) + " " + problem);
}

std::string checked_text(const std::string& name, const nlohmann::json& value, std::size_t most_bytes) {
  if (!value.is_string()) refuse(name, "is no text");
  auto text = value.get<std::string>();
  if (text.size() > most_bytes)
    refuse(name, "has " + std::to_string(text.size()) + " bytes, more than the limit of " + std::to_string(most_bytes));
  return text;
}

const nlohmann::json& checked_list(const std::string& name, const nlohmann::json& value, std::size_t most) {
  if (!value.is_array()) refuse(name, "is no list");
  if (value.size() > most)
    refuse(name, "has " + std::to_string(value.size()) + " entries, more than the limit of " + std::to_string(most));
  return value;
}

nlohmann::json checked_object(nlohmann::json value) {
  if (!value.is_object()) throw Refusal(400, "request", "the body is no JSON object");
  return value;
}

}  // namespace

Fields::Fields(const std::string& body) : object_(checked_object(parse_json(body, "request", "body", kBodyValues))) {}

Fields Fields::of(nlohmann::json object) {
  Fields fields("{}");
  fields.object_ = checked_object(std::move(object));
  return fields;
}

const nlohmann::json* Fields::find(const std::string& name) {
  known_.push_back(name);
  const auto found = object_.find(name);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

std::string Fields::text(const std::string& name, std::size_t most_bytes) {
  const nlohmann::json* value = find(name);
  if (value == nullptr) refuse(name, "is missing");
  return checked_text(name, *value, most_bytes);
}

std::string Fields::text_or(const std::string& name, std::size_t most_bytes, const std::string& otherwise) {
  return optional_text(name, most_bytes).value_or(otherwise);
}

std::optional<std::string> Fields::optional_text(const std::string& name, std::size_t most_bytes) {
  const nlohmann::json* value = find(name);
  return value == nullptr ? std::nullopt : std::optional(checked_text(name, *value, most_bytes));
}

std::vector<std::string> Fields::texts(const std::string& name, std::size_t most, std::size_t most_bytes) {
  std::vector<std::string> list;
  if (const nlohmann::json* value = find(name))
    for (const auto& entry : checked_list(name, *value, most)) list.push_back(checked_text(name, entry, most_bytes));
  return list;
}

std::size_t Fields::count_or(const std::string& name, std::size_t most, std::size_t otherwise) {
  return optional_count(name, most).value_or(otherwise);
}

std::optional<std::size_t> Fields::optional_count(const std::string& name, std::size_t most) {
  const nlohmann::json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number_unsigned()) refuse(name, "is no whole number from 0 on");
  const auto count = value->get<std::size_t>();
  if (count > most) refuse(name, "is " + std::to_string(count) + ", more than the limit of " + std::to_string(most));
  return count;
}

std::vector<long> Fields::ids(const std::string& name, std::size_t most) {
  std::vector<long> list;
  if (const nlohmann::json* value = find(name))
    for (const auto& entry : checked_list(name, *value, most)) {
      if (!entry.is_number_integer()) refuse(name, "holds what is no whole number");
      list.push_back(entry.get<long>());
    }
  return list;
}

bool Fields::flag(const std::string& name) { return optional_flag(name).value_or(false); }

std::optional<bool> Fields::optional_flag(const std::string& name) {
  const nlohmann::json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) refuse(name, "is neither true nor false");
  return value->get<bool>();
}

nlohmann::json Fields::anything(const std::string& name) {
  const nlohmann::json* value = find(name);
  return value == nullptr ? nlohmann::json() : *value;
}

void Fields::refuse_others() const {
  for (const auto& [name, value] : object_.items())
    if (std::find(known_.begin(), known_.end(), name) == known_.end())
      throw Refusal(400, "request", "there is no field " + in_quotes(name), did_you_mean(name, known_));
}

}  // namespace stratoscope::server
