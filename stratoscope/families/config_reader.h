// Typed look-ups in a config.json; errors have the names of the file and the key. A null key counts as missing unless
// stated otherwise.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "stratoscope/ops/activation.h"

namespace stratoscope {

// Limits above all transformers; a larger value is an invalid file.
constexpr std::size_t kLargestSize = std::size_t{1} << 24;
constexpr std::size_t kMostLayers = 1024;
constexpr std::size_t kMostHeads = std::size_t{1} << 16;
constexpr double kLargestFactor = 1e9;  // of multipliers and divisors

class ConfigReader {
 public:
  // `source` is the file's name in errors, and `section` the path of the object in it: "rope_scaling.". The object must
  // outlive the reader.
  ConfigReader(const nlohmann::json& object, std::string source, std::string section = {});

  bool has(const char* key) const;
  bool is_null(const char* key) const;
  // The raw value; null if missing.
  const nlohmann::json& value(const char* key) const;
  // An object within this one; nullopt if missing or empty.
  std::optional<ConfigReader> section(const char* key) const;
  // An integer from 1 to `most`.
  std::optional<std::size_t> size(const char* key, std::size_t most = kLargestSize) const;
  std::size_t required_size(const char* key, std::size_t most = kLargestSize) const;
  // The same from 0 on.
  std::size_t size_or_zero(const char* key, std::size_t otherwise) const;
  // `otherwise` if the key is missing, nullopt if it is null, which disables the feature.
  std::optional<std::size_t> size_unless_null(const char* key, std::optional<std::size_t> otherwise) const;
  bool flag(const char* key, bool otherwise) const;
  // A number or a list of numbers. Negative ones are omitted.
  std::vector<std::size_t> ids(const char* key) const;
  // A number above 0, at most `most`.
  double positive(const char* key, double otherwise, double most = 1) const;
  // A list of so many numbers above 0.
  std::vector<double> positives(const char* key, std::size_t count) const;
  // A list of so many strings or integers, as text; empty if missing.
  std::vector<std::string> texts(const char* key, std::size_t count) const;
  std::string text(const char* key, const std::string& otherwise) const;
  Activation activation(const char* key, const std::string& otherwise) const;

  // A key with its section: "rope_scaling.factor".
  std::string named(const char* key) const { return section_ + key; }
  [[noreturn]] void fail(const std::string& problem, const std::string& hint = {}) const;  // Error
  [[noreturn]] void refuse(const std::string& what, const std::string& hint = {}) const;   // NotImplemented

 private:
  const nlohmann::json& object_;
  std::string source_, section_;
};

}  // namespace stratoscope
