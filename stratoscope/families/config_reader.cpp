#include "stratoscope/families/config_reader.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "stratoscope/base/names.h"
#include "stratoscope/families/families.h"

namespace stratoscope {
namespace {

using nlohmann::json;

std::string shown(const json& value) {
  return value.is_string()       ? in_quotes(value.get<std::string>())
         : value.is_structured() ? (value.is_array() ? "a list" : "an object")
                                 : value.dump();
}

}  // namespace

ConfigReader::ConfigReader(const json& object, std::string source, std::string section)
    : object_(object), source_(std::move(source)), section_(std::move(section)) {}

bool ConfigReader::has(const char* key) const { return object_.contains(key) && !object_[key].is_null(); }

bool ConfigReader::is_null(const char* key) const { return object_.contains(key) && object_[key].is_null(); }

const json& ConfigReader::value(const char* key) const {
  static const json nothing;
  return object_.contains(key) ? object_[key] : nothing;
}

std::optional<ConfigReader> ConfigReader::section(const char* key) const {
  if (!has(key)) return std::nullopt;
  if (!object_[key].is_object()) fail(named(key) + " is " + shown(object_[key]) + ", expected an object");
  if (object_[key].empty()) return std::nullopt;
  return ConfigReader(object_[key], source_, named(key) + ".");
}

std::optional<std::size_t> ConfigReader::size_unless_null(const char* key, std::optional<std::size_t> otherwise) const {
  return object_.contains(key) ? size(key) : otherwise;
}

std::optional<std::size_t> ConfigReader::size(const char* key, std::size_t most) const {
  if (!has(key)) return std::nullopt;
  const json& value = object_[key];
  if (!value.is_number_integer() || value < 1 || value > most)
    fail(named(key) + " is " + shown(value) + ", expected a whole number from 1 to " + std::to_string(most));
  return value.get<std::size_t>();
}

std::size_t ConfigReader::size_or_zero(const char* key, std::size_t otherwise) const {
  return has(key) && object_[key] == 0 ? 0 : size(key).value_or(otherwise);
}

std::size_t ConfigReader::required_size(const char* key, std::size_t most) const {
  const auto value = size(key, most);
  if (!value) fail(named(key) + " is missing");
  return *value;
}

bool ConfigReader::flag(const char* key, bool otherwise) const {
  if (!has(key)) return otherwise;
  if (!object_[key].is_boolean()) fail(named(key) + " is " + shown(object_[key]) + ", expected true or false");
  return object_[key].get<bool>();
}

std::vector<std::size_t> ConfigReader::ids(const char* key) const {
  std::vector<std::size_t> found;
  if (!has(key)) return found;
  for (const json& id : object_[key].is_array() ? object_[key] : json::array({object_[key]})) {
    if (!id.is_number_integer()) fail(named(key) + " is " + shown(object_[key]) + ", expected token ids");
    if (id >= 0) found.push_back(id.get<std::size_t>());
  }
  return found;
}

double ConfigReader::positive(const char* key, double otherwise, double most) const {
  if (!has(key)) return otherwise;
  const json& value = object_[key];
  if (!value.is_number() || !(value.get<double>() > 0) || value.get<double>() > most)
    fail(named(key) + " is " + shown(value) + ", expected a number above 0, at most " + json(most).dump());
  return value.get<double>();
}

std::vector<double> ConfigReader::positives(const char* key, std::size_t count) const {
  const auto is_positive = [](const json& number) {
    return number.is_number() && number.get<double>() > 0 && std::isfinite(number.get<double>());
  };
  if (!has(key) || !object_[key].is_array() || object_[key].size() != count ||
      !std::all_of(object_[key].begin(), object_[key].end(), is_positive))
    fail(named(key) + " is not a list of " + std::to_string(count) + " numbers above 0");
  return object_[key].get<std::vector<double>>();
}

std::vector<std::string> ConfigReader::texts(const char* key, std::size_t count) const {
  if (!has(key)) return {};
  const json& list = object_[key];
  if (!list.is_array() || list.size() != count)
    fail(named(key) + " is not a list of " + std::to_string(count) + " entries, one for each block");
  std::vector<std::string> texts;
  for (const json& entry : list) {
    if (!entry.is_string() && !entry.is_number_integer()) fail(named(key) + " has an entry that is " + shown(entry));
    texts.push_back(entry.is_string() ? entry.get<std::string>() : entry.dump());
  }
  return texts;
}

std::string ConfigReader::text(const char* key, const std::string& otherwise) const {
  if (!has(key)) return otherwise;
  if (!object_[key].is_string()) fail(named(key) + " is " + shown(object_[key]) + ", expected a string");
  return object_[key].get<std::string>();
}

Activation ConfigReader::activation(const char* key, const std::string& otherwise) const {
  const std::string name = text(key, otherwise);
  if (name == "gelu_new" || name == "gelu_pytorch_tanh") return Activation::gelu_new;
  if (name == "gelu") return Activation::gelu;
  if (name == "relu") return Activation::relu;
  if (name == "relu2") return Activation::relu2;
  if (name == "silu" || name == "swish") return Activation::silu;
  if (name == "quick_gelu") return Activation::quick_gelu;
  refuse(named(key) + " " + in_quotes(name) + " is not implemented",
         "gelu_new, gelu_pytorch_tanh, gelu, relu, relu2, silu and quick_gelu are implemented");
}

void ConfigReader::fail(const std::string& problem, const std::string& hint) const {
  throw Error("config", source_ + ": " + problem, hint);
}

void ConfigReader::refuse(const std::string& what, const std::string& hint) const {
  throw NotImplemented("config", source_ + ": " + what, hint);
}

}  // namespace stratoscope
