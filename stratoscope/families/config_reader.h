// Typed look-ups in a config.json that name the file and the key when they fail. A key that is null counts as absent.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "stratoscope/ops/activation.h"

namespace stratoscope {

// No transformer is near these; a larger size is a broken file, refused before anything is computed from it.
constexpr std::size_t kLargestSize = std::size_t{1} << 24;
constexpr std::size_t kMostLayers = 1024;

class ConfigReader {
 public:
  // `source` names the file in errors. The object must outlive the reader.
  ConfigReader(const nlohmann::json& object, std::string source);

  bool has(const char* key) const;
  // A whole number from 1 to `most`.
  std::optional<std::size_t> size(const char* key, std::size_t most = kLargestSize) const;
  std::size_t required_size(const char* key, std::size_t most = kLargestSize) const;
  bool flag(const char* key, bool otherwise) const;
  // A number or a list of them. Those below 0 mean none.
  std::vector<std::size_t> ids(const char* key) const;
  // A number above 0, at most 1.
  double positive(const char* key, double otherwise) const;
  std::string text(const char* key, const std::string& otherwise) const;
  Activation activation(const char* key, const std::string& otherwise) const;

  [[noreturn]] void fail(const std::string& problem, const std::string& hint = {}) const;  // Error
  [[noreturn]] void refuse(const std::string& what, const std::string& hint = {}) const;   // NotImplemented

 private:
  const nlohmann::json& object_;
  std::string source_;
};

}  // namespace stratoscope
