// One JSON object of a file, and its name in messages.
#pragma once

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace stratoscope {

class JsonSection {
 public:
  // Throws Error where `object` is none; it outlives this.
  JsonSection(const nlohmann::json& object, std::string name);

  const std::string& name() const { return name_; }
  bool has(const char* key) const;  // and it is not null
  // All of these throw Error for a key that is missing or of another kind.
  const nlohmann::json& at(const char* key) const;
  JsonSection section(const char* key) const;
  const nlohmann::json& list(const char* key) const;
  const std::string& text(const char* key) const;
  bool flag(const char* key, bool otherwise) const;  // `otherwise` where there is none
  std::size_t count(const char* key) const;          // an integer from 0 to 1,000,000

  // Throws Error for a setting that is there and has none of the values.
  void require(const char* key, std::initializer_list<nlohmann::json> accepted) const;
  // Throws Error for a setting of another name.
  void require_known(std::initializer_list<std::string_view> names) const;
  [[noreturn]] void refuse(const char* key) const;  // its value

 private:
  const nlohmann::json& object_;
  std::string name_;
};

}  // namespace stratoscope
