#include "stratoscope/tensor/aligned_memory.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <limits>
#include <new>
#include <thread>
#include <vector>

#include "tests/support/watched.h"

namespace stratoscope {
namespace {

constexpr std::size_t kMebibyte = std::size_t{1} << 20;

TEST(AlignedMemory, IsAlignedAndWritable) {
  for (const std::size_t bytes :
       {std::size_t{0}, std::size_t{1}, std::size_t{64}, 100 * kMebibyte / 64, 5 * kMebibyte}) {
    const AlignedMemory memory(bytes);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory.data()) % 64, 0U) << bytes;
    std::memset(memory.data(), 1, bytes);
  }
}

TEST(AlignedMemory, RefusesWhatNoMachineHas) {
  constexpr std::size_t kMost = std::numeric_limits<std::size_t>::max();
  EXPECT_THROW(AlignedMemory{kMost}, std::bad_alloc);
  if (test::kWatched) return;  // a sanitizer ends the process
  EXPECT_THROW(AlignedMemory{kMost / 2}, std::bad_alloc);
}

TEST(AlignedMemory, MovesItsBlock) {
  AlignedMemory from(100), to;
  void* const data = from.data();
  to = std::move(from);
  EXPECT_EQ(to.data(), data);
  const AlignedMemory third(std::move(to));
  EXPECT_EQ(third.data(), data);
}

// No more memory than the bound is kept, whatever the freed sizes.
TEST(AlignedMemory, KeepsNoMoreThanItsBound) {
  for (std::size_t round = 0; round < 20; ++round) {
    std::vector<AlignedMemory> blocks;
    for (std::size_t i = 1; i <= 12; ++i) blocks.emplace_back(i * kMebibyte + round * 4096);
    blocks.clear();
    ASSERT_LE(kept_bytes(), AlignedMemory::kMostKept) << round;
  }
  AlignedMemory(2 * AlignedMemory::kMostKept);
  EXPECT_LE(kept_bytes(), AlignedMemory::kMostKept);
}

TEST(AlignedMemory, HardlyKeepsAnythingForPlannedWork) {
  { const AlignedMemory large(20 * kMebibyte); }
  const PlannedMemory plan;
  EXPECT_LE(kept_bytes(), PlannedMemory::kMostKept) << "of what was kept before";
  for (std::size_t i = 1; i <= 12; ++i) {
    { const AlignedMemory block(i * kMebibyte); }
    ASSERT_LE(kept_bytes(), PlannedMemory::kMostKept) << i;
  }
}

// Two owners never share a byte, however blocks go round.
TEST(AlignedMemory, OwnersInManyThreadsNeverShare) {
  std::vector<std::thread> threads;
  std::vector<int> faults(8, 0);
  for (std::size_t t = 0; t < faults.size(); ++t)
    threads.emplace_back([&, t] {
      for (std::size_t round = 0; round < 50; ++round) {
        const std::size_t bytes = (64 << 10) + ((round * 37 + t * 11) % 5) * 8192;
        const AlignedMemory memory(bytes);
        auto* const numbers = static_cast<unsigned char*>(memory.data());
        std::memset(numbers, static_cast<int>(t + 1), bytes);
        std::this_thread::yield();
        for (std::size_t i = 0; i < bytes; i += 997) faults[t] += numbers[i] == t + 1 ? 0 : 1;
      }
    });
  for (std::thread& thread : threads) thread.join();
  for (const int count : faults) EXPECT_EQ(count, 0);
}

}  // namespace
}  // namespace stratoscope
