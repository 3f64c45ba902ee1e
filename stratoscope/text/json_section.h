// One JSON object of a file, with its name for messages.
#pragma once

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace stratoscope {

class JsonSection {
 public:
  // Throws Error if `object` is not one; it must outlive this.
  JsonSection(const nlohmann::json& object, std::string name);

  const std::string& name() const { return name_; }
  bool has(const char* key) const;  // and it is not null
  // Each throws Error for a missing key and for a value of another kind.
  const nlohmann::json& at(const char* key) const;
  JsonSection section(const char* key) const;
  const nlohmann::json& list(const char* key) const;
  const std::string& text(const char* key) const;
  bool flag(const char* key, bool otherwise) const;  // `otherwise` if it is missing
  std::size_t count(const char* key) const;          // an integer from 0 to 1,000,000

  // Throws Error for an existing setting with another value.
  void require(const char* key, std::initializer_list<nlohmann::json> accepted) const;
  // Throws Error for an unknown setting.
  void require_known(std::initializer_list<std::string_view> names) const;
  [[noreturn]] void refuse(const char* key) const;  // reports its value

 private:
  const nlohmann::json& object_;
  std::string name_;
};

}  // namespace stratoscope
