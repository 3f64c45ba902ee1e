// The JSON body of a request, field by field: each of its type and size, none unknown.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace stratoscope::server {

class Fields {
 public:
  // Throws Refusal (400) for what is no JSON object.
  explicit Fields(const std::string& body);
  // Of a body within another.
  static Fields of(nlohmann::json object);

  // Each throws Refusal (400) for a missing field without default, another type, and what is beyond the limit.
  std::string text(const std::string& name, std::size_t most_bytes);
  std::string text_or(const std::string& name, std::size_t most_bytes, const std::string& otherwise);
  std::optional<std::string> optional_text(const std::string& name, std::size_t most_bytes);
  std::vector<std::string> texts(const std::string& name, std::size_t most, std::size_t most_bytes);
  std::size_t count_or(const std::string& name, std::size_t most, std::size_t otherwise);
  std::optional<std::size_t> optional_count(const std::string& name, std::size_t most);
  std::vector<long> ids(const std::string& name, std::size_t most);
  bool flag(const std::string& name);
  std::optional<bool> optional_flag(const std::string& name);
  // Anything; null when absent.
  nlohmann::json anything(const std::string& name);

  // Throws Refusal for a field that nobody asked for.
  void refuse_others() const;

 private:
  const nlohmann::json* find(const std::string& name);

  nlohmann::json object_;
  std::vector<std::string> known_;
};

}  // namespace stratoscope::server
