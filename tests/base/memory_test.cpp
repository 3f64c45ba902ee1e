#include "stratoscope/base/memory.h"

#include <gtest/gtest.h>

#include <new>

namespace stratoscope {
namespace {

TEST(RequireMemory, ThrowsWhereThereIsNone) {
  EXPECT_NO_THROW(require_memory(1 << 20));
  EXPECT_THROW(require_memory(std::size_t{1} << 60), std::bad_alloc);
}

}  // namespace
}  // namespace stratoscope
