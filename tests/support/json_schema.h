// Whether a JSON schema allows a JSON value, for the keywords that schemas of requests use.
#pragma once

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace stratoscope::test {

inline bool has_type(const nlohmann::json& value, const std::string& type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_boolean();
  if (type == "number") return value.is_number();
  if (type == "integer") return value.is_number_integer();
  throw std::invalid_argument("the schema has the type " + type);
}

inline std::size_t code_points_of(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

// Throws std::invalid_argument for an unknown keyword, so that no check is omitted.
inline bool schema_allows(const nlohmann::json& schema, const nlohmann::json& value) {
  for (const auto& [keyword, argument] : schema.items()) {
    if (keyword == "description" || keyword == "default") continue;
    if (keyword == "type") {
      const auto types = argument.is_array() ? argument : nlohmann::json::array({argument});
      if (std::none_of(types.begin(), types.end(), [&](const auto& type) { return has_type(value, type); }))
        return false;
    } else if (keyword == "enum") {
      if (std::find(argument.begin(), argument.end(), value) == argument.end()) return false;
    } else if (keyword == "minimum") {
      if (value.is_number() && value.get<double>() < argument.get<double>()) return false;
    } else if (keyword == "maximum") {
      if (value.is_number() && value.get<double>() > argument.get<double>()) return false;
    } else if (keyword == "maxLength") {
      if (value.is_string() && code_points_of(value.get<std::string>()) > argument.get<std::size_t>()) return false;
    } else if (keyword == "maxItems") {
      if (value.is_array() && value.size() > argument.get<std::size_t>()) return false;
    } else if (keyword == "items") {
      if (value.is_array() && !std::all_of(value.begin(), value.end(),
                                           [&items = argument](const auto& one) { return schema_allows(items, one); }))
        return false;
    } else if (keyword == "required") {
      if (value.is_object() &&
          !std::all_of(argument.begin(), argument.end(), [&](const auto& name) { return value.contains(name); }))
        return false;
    } else if (keyword == "properties") {
      if (value.is_object())
        for (const auto& [name, property] : argument.items())
          if (value.contains(name) && !schema_allows(property, value[name])) return false;
    } else if (keyword == "additionalProperties" && argument == false) {
      if (value.is_object())
        for (const auto& [name, member] : value.items())
          if (!schema["properties"].contains(name)) return false;
    } else {
      throw std::invalid_argument("the schema has the keyword " + keyword);
    }
  }
  return true;
}

// Values of every JSON type, small and large, some of which a schema allows and some not.
inline std::vector<nlohmann::json> values_of_every_type() {
  std::vector<nlohmann::json> values;
  for (const char* text : {"true",
                           "false",
                           "0",
                           "1",
                           "-1",
                           "7",
                           "1.5",
                           "-0.25",
                           "101",
                           "5000000000",
                           "18446744073709551615",
                           "1e300",
                           R"("")",
                           R"("dark")",
                           R"("0..3,-1")",
                           R"("-1")",
                           R"("blocks.0.hook_mlp_out = zero")",
                           "[]",
                           "{}",
                           "[true]",
                           "[1]",
                           "[1.5]",
                           "[-1]",
                           "[1,2,3,4,5]",
                           R"(["dark"])",
                           R"(["light",1])",
                           R"(["a","b"])",
                           R"([["a"]])",
                           R"([{}])",
                           R"([{"text":"a"}])",
                           R"([{"text":1}])",
                           R"([{"text":"a","other":1}])",
                           R"({"text":"a"})"})
    values.push_back(nlohmann::json::parse(text));
  values.emplace_back(std::string(200, 'a'));
  values.push_back({std::string(200, 'a')});
  values.push_back({{{"text", std::string(200, 'a')}}});
  return values;
}

}  // namespace stratoscope::test
