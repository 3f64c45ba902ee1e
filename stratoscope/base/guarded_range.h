// A mapped range in the table of the SIGBUS handler.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace stratoscope {

struct GuardedRange {
  std::atomic<std::uintptr_t> begin{0};  // 0: free for the next mapping
  std::atomic<std::size_t> size{0};
  std::atomic<bool> damaged{false};  // a part of it could not be read
  GuardedRange* next = nullptr;
};

GuardedRange* add_guarded_range(const void* begin, std::size_t size);
void remove_guarded_range(GuardedRange* range);

}  // namespace stratoscope
