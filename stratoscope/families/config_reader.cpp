#include "stratoscope/families/config_reader.h"

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

ConfigReader::ConfigReader(const json& object, std::string source) : object_(object), source_(std::move(source)) {}

bool ConfigReader::has(const char* key) const { return object_.contains(key) && !object_[key].is_null(); }

std::optional<std::size_t> ConfigReader::size(const char* key, std::size_t most) const {
  if (!has(key)) return std::nullopt;
  const json& value = object_[key];
  if (!value.is_number_integer() || value < 1 || value > most)
    fail(std::string(key) + " is " + shown(value) + ", expected a whole number from 1 to " + std::to_string(most));
  return value.get<std::size_t>();
}

std::size_t ConfigReader::required_size(const char* key, std::size_t most) const {
  const auto value = size(key, most);
  if (!value) fail(std::string(key) + " is missing");
  return *value;
}

bool ConfigReader::flag(const char* key, bool otherwise) const {
  if (!has(key)) return otherwise;
  if (!object_[key].is_boolean()) fail(std::string(key) + " is " + shown(object_[key]) + ", expected true or false");
  return object_[key].get<bool>();
}

std::vector<std::size_t> ConfigReader::ids(const char* key) const {
  std::vector<std::size_t> found;
  if (!has(key)) return found;
  for (const json& id : object_[key].is_array() ? object_[key] : json::array({object_[key]})) {
    if (!id.is_number_integer()) fail(std::string(key) + " is " + shown(object_[key]) + ", expected token ids");
    if (id >= 0) found.push_back(id.get<std::size_t>());
  }
  return found;
}

double ConfigReader::positive(const char* key, double otherwise) const {
  if (!has(key)) return otherwise;
  const json& value = object_[key];
  if (!value.is_number() || !(value.get<double>() > 0) || value.get<double>() > 1)
    fail(std::string(key) + " is " + shown(value) + ", expected a number above 0, at most 1");
  return value.get<double>();
}

std::string ConfigReader::text(const char* key, const std::string& otherwise) const {
  if (!has(key)) return otherwise;
  if (!object_[key].is_string()) fail(std::string(key) + " is " + shown(object_[key]) + ", expected a string");
  return object_[key].get<std::string>();
}

Activation ConfigReader::activation(const char* key, const std::string& otherwise) const {
  const std::string name = text(key, otherwise);
  if (name == "gelu_new" || name == "gelu_pytorch_tanh") return Activation::gelu_new;
  if (name == "gelu") return Activation::gelu;
  if (name == "relu") return Activation::relu;
  refuse(std::string(key) + " " + in_quotes(name) + " is not implemented", "gelu_new, gelu and relu are");
}

void ConfigReader::fail(const std::string& problem, const std::string& hint) const {
  throw Error("config", source_ + ": " + problem, hint);
}

void ConfigReader::refuse(const std::string& what, const std::string& hint) const {
  throw NotImplemented("config", source_ + ": " + what, hint);
}

}  // namespace stratoscope
