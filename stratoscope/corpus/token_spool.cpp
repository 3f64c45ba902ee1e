#include "stratoscope/corpus/token_spool.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "stratoscope/base/error.h"
#include "stratoscope/base/temporary.h"

namespace stratoscope {

TokenSpool::TokenSpool(std::filesystem::path folder, std::size_t in_memory)
    : folder_(std::move(folder)), in_memory_(in_memory) {}

TokenSpool::~TokenSpool() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void TokenSpool::fail() const {
  const int reason = errno;
  throw Error("texts", "their tokens cannot be kept in " + (folder_.empty() ? "." : folder_.string()) + ": " +
                           std::strerror(reason));
}

void TokenSpool::append(const TokenIds& ids) {
  numbers_.push_back(static_cast<std::int32_t>(ids.size()));
  numbers_.insert(numbers_.end(), ids.begin(), ids.end());
  ++texts_;
  if (numbers_.size() > in_memory_) write_out();
}

void TokenSpool::write_out() {
  if (descriptor_ < 0) {
    const auto folder = open_to_write(folder_);
    std::string name;
    if (folder) descriptor_ = create_temporary_file(*folder, name);
    if (descriptor_ < 0) fail();
    folder->remove_file(name);
  }
  const char* bytes = reinterpret_cast<const char*>(numbers_.data());
  for (std::size_t left = numbers_.size() * sizeof(std::int32_t); left > 0;) {
    const ssize_t count = ::write(descriptor_, bytes, left);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail();
    bytes += count;
    left -= static_cast<std::size_t>(count);
  }
  numbers_.clear();
}

void TokenSpool::rewind() {
  if (descriptor_ >= 0) write_out();
  read_ = 0;
  at_ = 0;
  left_ = texts_;
}

void TokenSpool::take(std::int32_t* out, std::size_t count) {
  while (count > 0) {
    if (at_ == numbers_.size()) {
      constexpr std::size_t kPiece = std::size_t{1} << 16;
      numbers_.resize(kPiece);
      std::size_t bytes = 0;
      for (ssize_t got = 1; got != 0 && bytes < kPiece * sizeof(std::int32_t);) {
        got = ::pread(descriptor_, reinterpret_cast<char*>(numbers_.data()) + bytes,
                      kPiece * sizeof(std::int32_t) - bytes, read_);
        if (got < 0 && errno != EINTR) fail();
        read_ += std::max<ssize_t>(got, 0);
        bytes += static_cast<std::size_t>(std::max<ssize_t>(got, 0));
      }
      numbers_.resize(bytes / sizeof(std::int32_t));
      at_ = 0;
      if (numbers_.empty()) {
        errno = EIO;  // the file was truncated by another program
        fail();
      }
    }
    const std::size_t part = std::min(count, numbers_.size() - at_);
    out = std::copy_n(numbers_.data() + at_, part, out);
    at_ += part;
    count -= part;
  }
}

bool TokenSpool::next(TokenIds& ids) {
  if (left_ == 0) return false;
  --left_;
  std::int32_t length = 0;
  take(&length, 1);
  ids.resize(static_cast<std::size_t>(length));
  take(ids.data(), ids.size());
  return true;
}

}  // namespace stratoscope
