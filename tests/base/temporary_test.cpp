#include "stratoscope/base/temporary.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>
#include <thread>
#include <vector>

#include "stratoscope/base/atomic_file.h"
#include "stratoscope/base/staged_folder.h"
#include "tests/base/temporary_folder.h"
#include "tests/support/environment.h"

namespace stratoscope {
namespace {

namespace fs = std::filesystem;
using testing::bytes_of;

TEST(Temporary, FilesAndFoldersAreHiddenAndDiffer) {
  const testing::TemporaryFolder folder;
  const Folder parent(folder.path());
  std::string one, two;
  const Folder a(create_temporary_file(parent, one), {}), b(create_temporary_file(parent, two), {});
  const stratoscope::TemporaryFolder c(Folder(folder.path()));
  ASSERT_TRUE(a.descriptor() >= 0 && b.descriptor() >= 0);
  EXPECT_EQ(folder.entry_count(), 3U);
  EXPECT_TRUE(parent.kind(one) == Folder::Kind::file && parent.kind(two) == Folder::Kind::file);
  EXPECT_TRUE(is_temporary(one) && is_temporary(c.path()));
  EXPECT_FALSE(is_temporary("a.npz") || is_temporary(".stratoscope-demo") || is_temporary("x.tmp"));
  struct stat info {};
  ASSERT_EQ(::stat(c.path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0700U);
}

TEST(Temporary, WhatAKilledRunLeftIsRemoved) {
  const testing::TemporaryFolder folder;
  folder.file(".stratoscope-99999999-0.tmp", "half of an array");
  fs::create_directories(folder / ".stratoscope-99999999-1.tmp/inner");
  folder.file(".stratoscope-99999999-1.tmp/inner/page", "half of a page");
  mark_as_temporary(Folder(folder / ".stratoscope-99999999-1.tmp"), true);
  write_file_atomically(folder / "a.txt", "text");
  EXPECT_EQ(folder.entry_count(), 1U);
  EXPECT_EQ(bytes_of(folder / "a.txt"), "text");
}

TEST(Temporary, AFolderThatWasOnlyRenamedSoStays) {
  const testing::TemporaryFolder folder;
  fs::create_directories(folder / ".stratoscope-99999999-1.tmp/inner");
  folder.file(".stratoscope-99999999-1.tmp/inner/thesis", "mine");
  write_file_atomically(folder / "a.txt", "text");
  EXPECT_EQ(bytes_of(folder / ".stratoscope-99999999-1.tmp/inner/thesis"), "mine");
}

TEST(Temporary, LinksInWhatAKilledRunLeftAreNotFollowed) {
  const testing::TemporaryFolder folder, elsewhere;
  elsewhere.file("precious", "mine");
  fs::create_directory(folder / ".stratoscope-99999999-1.tmp");
  fs::create_directory_symlink(elsewhere.path(), folder / ".stratoscope-99999999-1.tmp/link");
  mark_as_temporary(Folder(folder / ".stratoscope-99999999-1.tmp"), true);
  write_file_atomically(folder / "a.txt", "text");
  EXPECT_EQ(folder.entry_count(), 1U);
  EXPECT_EQ(bytes_of(elsewhere / "precious"), "mine");
}

TEST(Temporary, FoldersGoWithTheirFiles) {
  fs::path path;
  {
    const stratoscope::TemporaryFolder folder;
    path = folder.path();
    write_file_atomically(path / "file", "x");
    EXPECT_TRUE(fs::exists(path / "file"));
  }
  EXPECT_FALSE(fs::exists(path));
}

TEST(Temporary, PassesOverATmpdirThatDoesNotExist) {
  const testing::TemporaryFolder folder;
  const test::EnvironmentVariable place("TMPDIR", (folder / "gone").string());
  const stratoscope::TemporaryFolder made;
  EXPECT_TRUE(fs::is_directory(made.path()));
}

TEST(Temporary, WhatALivingRunWritesStays) {
  const testing::TemporaryFolder folder;
  AtomicFile file(folder / "a.txt");
  file.write("one");
  StagedFolder staged(folder / "demo", ".ours");
  write_file_atomically(staged.temporary() / "page", "two");
  write_file_atomically(folder / "b.txt", "three");
  file.commit();
  staged.commit();
  EXPECT_EQ(bytes_of(folder / "a.txt"), "one");
  EXPECT_EQ(bytes_of(folder / "demo/page"), "two");
  EXPECT_EQ(folder.entry_count(), 3U);
}

TEST(Temporary, ManyMayBeginAtOnceInOneFolder) {
  const testing::TemporaryFolder folder;
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&, i] {
      for (int n = 0; n < 100; ++n) {
        { const stratoscope::TemporaryFolder made(Folder(folder.path())); }
        write_file_atomically(folder / std::to_string(i), "text");
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(folder.entry_count(), 4U);
}

TEST(Temporary, WhatOnlyLooksLikeItStays) {
  const testing::TemporaryFolder folder, elsewhere;
  folder.file(".stratoscope-notes", "mine");
  folder.file("stratoscope-1-1.tmp", "mine");
  elsewhere.file("precious", "mine");
  fs::create_directory_symlink(elsewhere.path(), folder / ".stratoscope-9-9.tmp");
  write_file_atomically(folder / "a.txt", "text");
  EXPECT_EQ(folder.entry_count(), 4U) << "a link is not followed";
  EXPECT_TRUE(fs::exists(elsewhere / "precious"));
}

TEST(Temporary, AFolderOfOursMayHoldWhatAKilledRunLeft) {
  const testing::TemporaryFolder parent;
  const auto write = [&](const char* text) {
    StagedFolder folder(parent / "demo", ".ours");
    write_file_atomically(folder.temporary() / "page", text);
    folder.commit();
  };
  write("one");
  parent.file("demo/.stratoscope-99999999-0.tmp", "half of a figure");
  write("two");
  EXPECT_EQ(bytes_of(parent / "demo/page"), "two");
  EXPECT_FALSE(fs::exists(parent / "demo/.stratoscope-99999999-0.tmp"));
}

}  // namespace
}  // namespace stratoscope
