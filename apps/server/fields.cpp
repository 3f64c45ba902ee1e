#include "apps/server/fields.h"

#include <algorithm>

#include "apps/server/http_error.h"
#include "apps/server/limits.h"
#include "stratoscope/base/json.h"
#include "stratoscope/base/names.h"

namespace stratoscope::server {
namespace {

[[noreturn]] void reject(const std::string& name, const std::string& problem) {
  throw HttpError(400, "request", "field " + in_quotes(name) + " " + problem);
}

std::string checked_text(const std::string& name, const nlohmann::json& value, std::size_t max_bytes) {
  if (!value.is_string()) reject(name, "is not a string");
  auto text = value.get<std::string>();
  if (text.size() > max_bytes)
    reject(name, "has " + std::to_string(text.size()) + " bytes, more than the limit of " + std::to_string(max_bytes));
  return text;
}

const nlohmann::json& checked_list(const std::string& name, const nlohmann::json& value, std::size_t limit) {
  if (!value.is_array()) reject(name, "is not an array");
  if (value.size() > limit)
    reject(name, "has " + std::to_string(value.size()) + " entries, more than the limit of " + std::to_string(limit));
  return value;
}

nlohmann::json checked_object(nlohmann::json value) {
  if (!value.is_object()) throw HttpError(400, "request", "the body is not a JSON object");
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
  read_names_.push_back(name);
  const auto found = object_.find(name);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

std::string Fields::text(const std::string& name, std::size_t max_bytes) {
  const nlohmann::json* value = find(name);
  if (value == nullptr) reject(name, "is missing");
  return checked_text(name, *value, max_bytes);
}

std::string Fields::text_or(const std::string& name, std::size_t max_bytes, const std::string& fallback) {
  return optional_text(name, max_bytes).value_or(fallback);
}

std::optional<std::string> Fields::optional_text(const std::string& name, std::size_t max_bytes) {
  const nlohmann::json* value = find(name);
  return value == nullptr ? std::nullopt : std::optional(checked_text(name, *value, max_bytes));
}

std::vector<std::string> Fields::texts(const std::string& name, std::size_t limit, std::size_t max_bytes) {
  std::vector<std::string> list;
  if (const nlohmann::json* value = find(name))
    for (const auto& entry : checked_list(name, *value, limit)) list.push_back(checked_text(name, entry, max_bytes));
  return list;
}

std::size_t Fields::count_or(const std::string& name, std::size_t limit, std::size_t fallback) {
  return optional_count(name, limit).value_or(fallback);
}

std::optional<std::size_t> Fields::optional_count(const std::string& name, std::size_t limit) {
  const nlohmann::json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number_unsigned()) reject(name, "is not a non-negative integer");
  const auto count = value->get<std::size_t>();
  if (count > limit) reject(name, "is " + std::to_string(count) + ", more than the limit of " + std::to_string(limit));
  return count;
}

std::vector<long> Fields::ids(const std::string& name, std::size_t limit) {
  std::vector<long> list;
  if (const nlohmann::json* value = find(name))
    for (const auto& entry : checked_list(name, *value, limit)) {
      if (!entry.is_number_integer()) reject(name, "has an entry that is not an integer");
      list.push_back(entry.get<long>());
    }
  return list;
}

bool Fields::flag(const std::string& name) { return optional_flag(name).value_or(false); }

std::optional<bool> Fields::optional_flag(const std::string& name) {
  const nlohmann::json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) reject(name, "is not a boolean");
  return value->get<bool>();
}

nlohmann::json Fields::value(const std::string& name) {
  const nlohmann::json* value = find(name);
  return value == nullptr ? nlohmann::json() : *value;
}

void Fields::reject_unknown() const {
  for (const auto& [name, value] : object_.items())
    if (std::find(read_names_.begin(), read_names_.end(), name) == read_names_.end())
      throw HttpError(400, "request", "there is no field " + in_quotes(name), did_you_mean(name, read_names_));
}

}  // namespace stratoscope::server
