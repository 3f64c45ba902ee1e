// The answers of npm tokenizers, written by tests/oracle/tokenizer.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>

#include "stratoscope/base/mapped_file.h"

namespace stratoscope {

inline const std::filesystem::path kOracle = TOKENIZER_ORACLE_DIR;

// Reads little-endian numbers and texts from the oracle's file.
class OracleReader {
 public:
  explicit OracleReader(const std::filesystem::path& path) : bytes_(read_text_file(path, std::size_t{1} << 31)) {}
  bool at_end() const { return at_ == bytes_.size(); }
  std::uint32_t number() {
    std::uint32_t value = 0;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  std::string_view take(std::size_t count) {
    if (count > bytes_.size() - at_) throw std::runtime_error("the oracle's file is cut short");
    at_ += count;
    return std::string_view{bytes_}.substr(at_ - count, count);
  }

 private:
  std::string bytes_;
  std::size_t at_ = 0;
};

class TokenizerOracle : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto reason = kOracle / "missing.txt"; std::filesystem::exists(reason))
      GTEST_SKIP() << "NOT COMPARED with npm tokenizers: " << read_text_file(reason);
    if (!std::filesystem::exists(kOracle / "stamp.txt"))
      GTEST_SKIP() << "NOT COMPARED with npm tokenizers: run CTest's text.make_tokenizer_oracle in the release tree";
  }
};

}  // namespace stratoscope
