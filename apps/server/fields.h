// The JSON body of a request, read field by field with checks of type and size; unknown fields are errors.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace stratoscope::server {

class Fields {
 public:
  // Throws HttpError (400) for a body that is not a JSON object.
  explicit Fields(const std::string& body);
  // For an object within a body.
  static Fields of(nlohmann::json object);

  // Each throws HttpError (400) for a missing field without a default, another type, and a value over the limit.
  // `limit` bounds a number or the length of a list.
  std::string text(const std::string& name, std::size_t max_bytes);
  std::string text_or(const std::string& name, std::size_t max_bytes, const std::string& fallback);
  std::optional<std::string> optional_text(const std::string& name, std::size_t max_bytes);
  std::vector<std::string> texts(const std::string& name, std::size_t limit, std::size_t max_bytes);
  std::size_t count_or(const std::string& name, std::size_t limit, std::size_t fallback);
  std::optional<std::size_t> optional_count(const std::string& name, std::size_t limit);
  std::vector<long> ids(const std::string& name, std::size_t limit);
  bool flag(const std::string& name);
  std::optional<bool> optional_flag(const std::string& name);
  // A field of any type; null when absent.
  nlohmann::json value(const std::string& name);

  // Throws HttpError (400) for a field that none of the functions above has read.
  void reject_unknown() const;

 private:
  const nlohmann::json* find(const std::string& name);

  nlohmann::json object_;
  std::vector<std::string> read_names_;
};

}  // namespace stratoscope::server
