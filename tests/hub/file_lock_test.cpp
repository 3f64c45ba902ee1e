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
  const Folder locks(folder.path());
  {
    const auto first = FileLock::try_lock(locks, "x.lock");
    ASSERT_TRUE(first);
    EXPECT_FALSE(FileLock::try_lock(locks, "x.lock"));
    EXPECT_TRUE(FileLock::try_lock(locks, "y.lock"));
    const auto give_up = [] { throw Error("test", "waited"); };
    EXPECT_TRUE(refuses([&] { FileLock(locks, "x.lock", give_up); }, "waited"));
  }
  EXPECT_TRUE(FileLock::try_lock(locks, "x.lock"));
}

TEST(FileLock, IsWaitedFor) {
  const TemporaryFolder folder;
  auto first = FileLock::try_lock(Folder(folder.path()), "x.lock");
  int waits = 0;
  const FileLock second(Folder(folder.path()), "x.lock", [&] {
    if (++waits == 2) first.reset();
  });
  EXPECT_EQ(waits, 2);
}

TEST(FileLock, OfAFileThatWasRemovedLocksNothing) {
  const TemporaryFolder folder;
  const auto first = FileLock::try_lock(Folder(folder.path()), "x.lock");
  std::filesystem::remove(folder / "x.lock");
  EXPECT_TRUE(FileLock::try_lock(Folder(folder.path()), "x.lock"));
}

TEST(FileLock, WhereNoFileCanBe) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "folder");
  std::filesystem::create_symlink(folder.file("file", "mine"), folder / "link");
  for (const char* name : {"folder", "link", "..", "a/b", ""})
    EXPECT_TRUE(refuses([&] { FileLock::try_lock(Folder(folder.path()), name); }, "cannot be made")) << name;
}

}  // namespace
}  // namespace stratoscope
