#include "stratoscope/base/memory.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace stratoscope {
namespace {

TEST(Memory, IsSomeAndNotMoreThanTheMachineHas) {
  const auto available = available_memory();
  ASSERT_TRUE(available.has_value());
  EXPECT_GT(*available, std::size_t{1} << 20);
  EXPECT_LE(*available, static_cast<std::size_t>(::sysconf(_SC_PHYS_PAGES) * ::sysconf(_SC_PAGESIZE)));
}

TEST(Memory, IsWrittenForPeople) {
  EXPECT_EQ(memory_text(0), "0 KiB");
  EXPECT_EQ(memory_text(7000), "7 KiB");
  EXPECT_EQ(memory_text(std::size_t{410} << 20), "410 MiB");
  EXPECT_EQ(memory_text((std::size_t{12} << 30) + (std::size_t{300} << 20)), "12.3 GiB");
}

}  // namespace
}  // namespace stratoscope
