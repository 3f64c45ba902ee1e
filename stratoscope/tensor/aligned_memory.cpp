#include "stratoscope/tensor/aligned_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <new>
#include <vector>

namespace stratoscope {
namespace {

constexpr std::size_t kAlignment = 64, kHugePage = std::size_t{2} << 20;
constexpr std::size_t kSmallestKept = std::size_t{64} << 10;

// AddressSanitizer finds uses of freed memory only if that is not kept.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kKeeps = false;
#elif defined(__has_feature)
constexpr bool kKeeps = !__has_feature(address_sanitizer);
#else
constexpr bool kKeeps = true;
#endif

std::uintptr_t rounded_up(std::uintptr_t value, std::size_t step) { return (value + step - 1) / step * step; }

// Only whole huge pages, so that neighbouring memory does not grow. If the system ignores the advice, nothing changes.
void prefer_huge_pages(void* memory, std::size_t bytes) {
  const auto address = reinterpret_cast<std::uintptr_t>(memory);
  const std::uintptr_t first = rounded_up(address, kHugePage), end = (address + bytes) / kHugePage * kHugePage;
  if (first < end) ::madvise(static_cast<char*>(memory) + (first - address), end - first, MADV_HUGEPAGE);
}

struct Block {
  void* data;
  std::size_t bytes;
};

// Freed blocks, the oldest first.
class KeptBlocks {
 public:
  // Reserves room for all blocks, so that freeing never allocates.
  KeptBlocks() { blocks_.reserve(AlignedMemory::kMostKept / kSmallestKept + 1); }

  // A block of at least this size and not much larger, or a null block.
  Block take(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    auto best = blocks_.end();
    for (auto block = blocks_.begin(); block != blocks_.end(); ++block)
      if (block->bytes >= bytes && block->bytes <= bytes + bytes / 4 &&
          (best == blocks_.end() || block->bytes < best->bytes))
        best = block;
    if (best == blocks_.end()) return {nullptr, 0};
    const Block found = *best;
    blocks_.erase(best);
    total_ -= found.bytes;
    return found;
  }

  void keep(Block given) {
    const std::lock_guard lock(mutex_);
    blocks_.push_back(given);
    total_ += given.bytes;
    free_surplus();
  }

  void plan(int change) {
    const std::lock_guard lock(mutex_);
    plans_ += change;
    free_surplus();
  }

  std::size_t total() {
    const std::lock_guard lock(mutex_);
    return total_;
  }

 private:
  void free_surplus() {
    const std::size_t most = plans_ > 0 ? PlannedMemory::kMostKept : AlignedMemory::kMostKept;
    auto kept = blocks_.begin();
    for (; total_ > most; ++kept) {
      total_ -= kept->bytes;
      std::free(kept->data);
    }
    blocks_.erase(blocks_.begin(), kept);
  }

  std::mutex mutex_;
  std::vector<Block> blocks_;
  std::size_t total_ = 0;
  int plans_ = 0;  // number of PlannedMemory objects
};

// Never destroyed, since arrays in static storage may be freed later.
KeptBlocks& kept_blocks() {
  static auto* const blocks = new KeptBlocks;
  return *blocks;
}

bool is_kept_size(std::size_t bytes) { return kKeeps && bytes >= kSmallestKept && bytes <= AlignedMemory::kMostKept; }

}  // namespace

AlignedMemory::AlignedMemory(std::size_t bytes) {
  if (bytes > static_cast<std::size_t>(-1) - kAlignment) throw std::bad_alloc();
  bytes_ = std::max(rounded_up(bytes, kAlignment), kAlignment);
  if (is_kept_size(bytes_))
    if (const Block block = kept_blocks().take(bytes_); block.data != nullptr) {
      data_ = block.data;
      bytes_ = block.bytes;
      return;
    }
  data_ = std::aligned_alloc(kAlignment, bytes_);
  if (data_ == nullptr) throw std::bad_alloc();
  if (bytes_ >= kHugePage) prefer_huge_pages(data_, bytes_);
}

AlignedMemory::~AlignedMemory() {
  if (is_kept_size(bytes_))
    kept_blocks().keep({data_, bytes_});
  else
    std::free(data_);
}

std::size_t kept_bytes() { return kept_blocks().total(); }

PlannedMemory::PlannedMemory() { kept_blocks().plan(1); }
PlannedMemory::~PlannedMemory() { kept_blocks().plan(-1); }

}  // namespace stratoscope
