// The C interface as the tests call it: handles that close themselves, JSON and arrays read.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "stratoscope/c/stratoscope.h"
#include "tests/support/built_in_model.h"

namespace stratoscope::test {

using nlohmann::json;

class CModel {
 public:
  explicit CModel(const json& options = {{"model", (kSource / "models/novella-7m").string()}}) {
    EXPECT_EQ(stratoscope_open(options.dump().c_str(), nullptr, &model_), STRATOSCOPE_OK) << problem();
  }
  ~CModel() { stratoscope_close(model_); }
  CModel(const CModel&) = delete;
  CModel& operator=(const CModel&) = delete;

  stratoscope_model* get() const { return model_; }
  void close() { stratoscope_close(std::exchange(model_, nullptr)); }

  static std::string problem() { return stratoscope_last_error()->problem; }

 private:
  stratoscope_model* model_ = nullptr;
};

// The built-in model in float32, opened once.
inline const CModel& c_built_in() {
  static const CModel model;
  return model;
}

class CResult {
 public:
  CResult() = default;
  ~CResult() { stratoscope_result_free(result_); }
  CResult(CResult&& other) noexcept : status(other.status), result_(std::exchange(other.result_, nullptr)) {}
  CResult& operator=(CResult&&) = delete;

  int status = STRATOSCOPE_INTERNAL;
  stratoscope_result** to() { return &result_; }
  stratoscope_result* get() const { return result_; }

  json document() const {
    const char* text = stratoscope_result_json(result_);
    EXPECT_NE(text, nullptr) << "status " << status << ": " << CModel::problem();
    return text == nullptr ? json() : json::parse(text);
  }
  stratoscope_array array(const std::string& name) const {
    stratoscope_array array{};
    EXPECT_EQ(stratoscope_result_array_named(result_, name.c_str(), &array), STRATOSCOPE_OK) << name;
    return array;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < stratoscope_result_array_count(result_); ++i) {
      stratoscope_array array{};
      EXPECT_EQ(stratoscope_result_array(result_, i, &array), STRATOSCOPE_OK);
      names.emplace_back(array.name);
    }
    return names;
  }
  // Checks that it is row-major and of this format.
  template <class T>
  std::vector<T> values(const std::string& name, const char* format) const {
    const stratoscope_array found = array(name);
    EXPECT_STREQ(found.format, format) << name;
    EXPECT_EQ(found.read_only, 0) << name;
    std::size_t count = 1;
    for (std::size_t axis = found.rank; axis-- > 0;) {
      EXPECT_EQ(found.strides[axis], static_cast<std::ptrdiff_t>(count * sizeof(T))) << name;
      count *= found.shape[axis];
    }
    std::vector<T> values(count);
    if (count > 0) std::memcpy(values.data(), found.data, count * sizeof(T));
    return values;
  }
  std::vector<std::size_t> shape(const std::string& name) const {
    const stratoscope_array found = array(name);
    return {found.shape, found.shape + found.rank};
  }

 private:
  stratoscope_result* result_ = nullptr;
};

inline CResult c_run(const CModel& model, const json& request, const stratoscope_callbacks* callbacks = nullptr) {
  CResult result;
  result.status = stratoscope_run(model.get(), request.dump().c_str(), callbacks, result.to());
  return result;
}

inline CResult c_request(const CModel& model, const std::string& experiment, const json& request,
                         const stratoscope_callbacks* callbacks = nullptr) {
  CResult result;
  result.status = stratoscope_request(model.get(), experiment.c_str(), request.dump().c_str(), callbacks, result.to());
  return result;
}

inline stratoscope_callbacks no_callbacks() {
  stratoscope_callbacks callbacks{};
  callbacks.size = sizeof callbacks;
  return callbacks;
}

// The last error of this thread has this status, and its text contains `part`.
inline ::testing::AssertionResult failed_with(int status, const std::string& part) {
  const stratoscope_error& error = *stratoscope_last_error();
  const std::string text = std::string(error.where) + ": " + error.problem + "; " + error.hint;
  if (error.status == status && text.find(part) != std::string::npos) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "status " << error.status << ", '" << text << "'; expected " << status
                                       << " with '" << part << "'";
}

}  // namespace stratoscope::test
