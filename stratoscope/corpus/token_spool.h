// Stores the token ids of many texts until they are run: in memory while they are few, else in an unnamed file with 4
// bytes for each. So their number is known before the first run, also for a pipe.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "stratoscope/model/run.h"

namespace stratoscope {

class TokenSpool {
 public:
  // `folder` is for the file. `in_memory` is the count of numbers from which on it is used.
  explicit TokenSpool(std::filesystem::path folder, std::size_t in_memory = std::size_t{1} << 20);
  ~TokenSpool();
  TokenSpool(const TokenSpool&) = delete;
  TokenSpool& operator=(const TokenSpool&) = delete;

  // Each throws Error if the file cannot be written or read.
  void append(const TokenIds& ids);
  void rewind();  // after the last append: next() then returns the first text
  bool next(TokenIds& ids);

 private:
  void write_out();
  void take(std::int32_t* out, std::size_t count);
  [[noreturn]] void fail() const;

  std::filesystem::path folder_;
  std::size_t in_memory_, texts_ = 0, left_ = 0;
  int descriptor_ = -1;                // of the file, if it exists
  off_t read_ = 0;                     // bytes read from it
  std::vector<std::int32_t> numbers_;  // for each text its length and its ids
  std::size_t at_ = 0;
};

}  // namespace stratoscope
