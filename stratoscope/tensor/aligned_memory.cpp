#include "stratoscope/tensor/aligned_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace stratoscope {
namespace {

constexpr std::size_t kAlignment = 64, kHugePage = std::size_t{2} << 20;

std::uintptr_t rounded_up(std::uintptr_t value, std::size_t step) { return (value + step - 1) / step * step; }

// Whole huge pages only, so that no neighbour's memory grows by it. Advice that is not taken does no harm.
void prefer_huge_pages(void* memory, std::size_t bytes) {
  const auto address = reinterpret_cast<std::uintptr_t>(memory);
  const std::uintptr_t first = rounded_up(address, kHugePage), end = (address + bytes) / kHugePage * kHugePage;
  if (first < end) ::madvise(static_cast<char*>(memory) + (first - address), end - first, MADV_HUGEPAGE);
}

}  // namespace

void* allocate_aligned(std::size_t bytes) {
  if (bytes > static_cast<std::size_t>(-1) - kAlignment) throw std::bad_alloc();
  void* memory = std::aligned_alloc(kAlignment, std::max(rounded_up(bytes, kAlignment), kAlignment));
  if (memory == nullptr) throw std::bad_alloc();
  if (bytes >= kHugePage) prefer_huge_pages(memory, bytes);
  return memory;
}

}  // namespace stratoscope
