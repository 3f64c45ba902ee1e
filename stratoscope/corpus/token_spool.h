// Token ids of many texts, kept until they are run: in memory while they are few, else in a file without a name, 4
// bytes for each. What follows from their number can so be known before the first of them is run, also of a pipe.
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
  // `folder` is where the file would be. `in_memory` is how many numbers are kept before it is made.
  explicit TokenSpool(std::filesystem::path folder, std::size_t in_memory = std::size_t{1} << 20);
  ~TokenSpool();
  TokenSpool(const TokenSpool&) = delete;
  TokenSpool& operator=(const TokenSpool&) = delete;

  // Each throws Error when the file cannot be written or read.
  void append(const TokenIds& ids);
  void rewind();  // after the last append: next() then gives the first text
  bool next(TokenIds& ids);

 private:
  void write_out();
  void take(std::int32_t* out, std::size_t count);
  [[noreturn]] void fail() const;

  std::filesystem::path folder_;
  std::size_t in_memory_, texts_ = 0, left_ = 0;
  int descriptor_ = -1;                // of the file, where there is one
  off_t read_ = 0;                     // bytes of it
  std::vector<std::int32_t> numbers_;  // of each text how many, and its ids
  std::size_t at_ = 0;
};

}  // namespace stratoscope
