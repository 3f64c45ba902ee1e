// A lock between processes, which are here two descriptors of one process.
#include "stratoscope/hub/file_lock.h"

#include <gtest/gtest.h>

#include "tests/base/temporary_folder.h"
#include "tests/support/errors.h"

namespace stratoscope {
namespace {

using stratoscope::testing::TemporaryFolder;
using test::refuses;

TEST(FileLock, IsHeldByOne) {
  const TemporaryFolder folder;
  const auto path = folder / "a/b/x.lock";
  {
    const auto first = FileLock::try_lock(path);
    ASSERT_TRUE(first);
    EXPECT_FALSE(FileLock::try_lock(path));
    EXPECT_TRUE(FileLock::try_lock(folder / "a/b/y.lock"));
    const auto give_up = [] { throw Error("test", "waited"); };
    EXPECT_TRUE(refuses([&] { FileLock(path, give_up); }, "waited"));
  }
  EXPECT_TRUE(FileLock::try_lock(path));
}

TEST(FileLock, IsWaitedFor) {
  const TemporaryFolder folder;
  auto first = FileLock::try_lock(folder / "x.lock");
  int waits = 0;
  const FileLock second(folder / "x.lock", [&] {
    if (++waits == 2) first.reset();
  });
  EXPECT_EQ(waits, 2);
}

TEST(FileLock, OfAFileThatWasRemovedLocksNothing) {
  const TemporaryFolder folder;
  const auto first = FileLock::try_lock(folder / "x.lock");
  std::filesystem::remove(folder / "x.lock");
  EXPECT_TRUE(FileLock::try_lock(folder / "x.lock"));
}

TEST(FileLock, WhereNoFileCanBe) {
  const TemporaryFolder folder;
  folder.file("file", "");
  EXPECT_TRUE(refuses([&] { FileLock::try_lock(folder / "file/x.lock"); }, "cannot be made"));
}

}  // namespace
}  // namespace stratoscope
