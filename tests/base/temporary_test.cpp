#include "stratoscope/base/temporary.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "stratoscope/base/atomic_file.h"
#include "stratoscope/base/staged_folder.h"
#include "tests/base/temporary_folder.h"

namespace stratoscope {
namespace {

namespace fs = std::filesystem;
using testing::bytes_of;
using testing::TemporaryFolder;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() { ::close(fd_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

TEST(Temporary, FilesAndFoldersAreHiddenAndDiffer) {
  const TemporaryFolder folder;
  fs::path one, two, three;
  const Descriptor a(create_temporary_file(folder.path(), one)), b(create_temporary_file(folder.path(), two)),
      c(create_temporary_folder(folder.path(), 0700, three));
  ASSERT_TRUE(a.get() >= 0 && b.get() >= 0 && c.get() >= 0);
  EXPECT_EQ(folder.entry_count(), 3U);
  EXPECT_TRUE(fs::is_regular_file(one) && fs::is_regular_file(two) && fs::is_directory(three));
  EXPECT_TRUE(is_temporary(one) && is_temporary(three));
  EXPECT_FALSE(is_temporary("a.npz") || is_temporary(".stratoscope-demo") || is_temporary("x.tmp"));
  struct stat info {};
  ASSERT_EQ(::stat(three.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0700U);
}

TEST(Temporary, WhatAKilledRunLeftIsRemoved) {
  const TemporaryFolder folder;
  folder.file(".stratoscope-99999999-0.tmp", "half of an array");
  fs::create_directories(folder / ".stratoscope-99999999-1.tmp/inner");
  folder.file(".stratoscope-99999999-1.tmp/inner/page", "half of a page");
  write_file_atomically(folder / "a.txt", "text");
  EXPECT_EQ(folder.entry_count(), 1U);
  EXPECT_EQ(bytes_of(folder / "a.txt"), "text");
}

TEST(Temporary, WhatALivingRunWritesStays) {
  const TemporaryFolder folder;
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
  const TemporaryFolder folder;
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&, i] {
      for (int n = 0; n < 100; ++n) {
        fs::path path;
        const Descriptor made(create_temporary_folder(folder.path(), 0700, path));
        EXPECT_GE(made.get(), 0);
        EXPECT_TRUE(fs::remove(path));
        write_file_atomically(folder / std::to_string(i), "text");
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(folder.entry_count(), 4U);
}

TEST(Temporary, WhatOnlyLooksLikeItStays) {
  const TemporaryFolder folder, elsewhere;
  folder.file(".stratoscope-notes", "mine");
  folder.file("stratoscope-1-1.tmp", "mine");
  elsewhere.file("precious", "mine");
  fs::create_directory_symlink(elsewhere.path(), folder / ".stratoscope-9-9.tmp");
  write_file_atomically(folder / "a.txt", "text");
  EXPECT_EQ(folder.entry_count(), 4U) << "a link is not followed";
  EXPECT_TRUE(fs::exists(elsewhere / "precious"));
}

TEST(Temporary, AFolderOfOursMayHoldWhatAKilledRunLeft) {
  const TemporaryFolder parent;
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
