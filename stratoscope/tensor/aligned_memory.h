// The memory of arrays of numbers.
#pragma once

#include <cstddef>
#include <utility>

#include "stratoscope/base/api.h"

namespace STRATOSCOPE_API stratoscope {

// Owned memory, 64-byte aligned, uninitialised. Large blocks are on huge pages if the system has them. Freed blocks of
// medium size are kept for reuse, up to kMostKept bytes in total: newly allocated memory costs a page fault for each
// page, and the system clears it.
class AlignedMemory {
 public:
  static constexpr std::size_t kMostKept = std::size_t{256} << 20;

  AlignedMemory() = default;
  // At least `bytes` bytes. Throws std::bad_alloc.
  explicit AlignedMemory(std::size_t bytes);
  ~AlignedMemory();
  AlignedMemory(AlignedMemory&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  AlignedMemory& operator=(AlignedMemory&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }

  void* data() const { return data_; }

 private:
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
};

// Bytes that are kept for later blocks.
std::size_t kept_bytes();

// For work whose memory was planned: while an object exists, only this smaller kMostKept is kept in total.
class PlannedMemory {
 public:
  static constexpr std::size_t kMostKept = std::size_t{4} << 20;

  PlannedMemory();
  ~PlannedMemory();
  PlannedMemory(const PlannedMemory&) = delete;
  PlannedMemory& operator=(const PlannedMemory&) = delete;
};

}  // namespace stratoscope
