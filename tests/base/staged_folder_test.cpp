#include "stratoscope/base/staged_folder.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "stratoscope/base/atomic_file.h"
#include "tests/base/error_text.h"
#include "tests/base/temporary_folder.h"

namespace stratoscope {
namespace {

namespace fs = std::filesystem;
using stratoscope::testing::bytes_of;
using stratoscope::testing::error_text;
using stratoscope::testing::holds;
using stratoscope::testing::TemporaryFolder;

constexpr const char* kMarker = ".ours";

void write_demo(const fs::path& path, const std::string& content) {
  StagedFolder folder(path, kMarker);
  write_file_atomically(folder.temporary() / "page", content);
  folder.commit();
}

TEST(StagedFolder, AppearsWholeAndIsReplacedWhole) {
  const TemporaryFolder parent;
  write_demo(parent / "demo", "one");
  EXPECT_EQ(bytes_of(parent / "demo/page"), "one");
  EXPECT_TRUE(fs::exists(parent / "demo" / kMarker));
  write_demo(parent / "demo/", "two");
  EXPECT_EQ(bytes_of(parent / "demo/page"), "two");
  EXPECT_EQ(parent.entry_count(), 1U) << "nothing temporary stays";
}

TEST(StagedFolder, AUsersFileInOneOfOursIsNeverLost) {
  const TemporaryFolder parent;
  write_demo(parent / "demo", "one");
  parent.file("demo/notes", "mine");
  const std::string refusal = error_text([&] { StagedFolder(parent / "demo", kMarker); });
  EXPECT_TRUE(holds(refusal, "holds 'notes', which this program did not make"));
  EXPECT_EQ(bytes_of(parent / "demo/notes"), "mine");
  EXPECT_EQ(parent.entry_count(), 1U);
}

TEST(StagedFolder, ALinkToOneOfOursStaysALink) {
  const TemporaryFolder parent;
  write_demo(parent / "demo", "one");
  fs::create_directory_symlink(parent / "demo", parent / "link");
  write_demo(parent / "link", "two");
  EXPECT_TRUE(fs::is_symlink(parent / "link"));
  EXPECT_EQ(bytes_of(parent / "demo/page"), "two");
  EXPECT_EQ(parent.entry_count(), 2U) << "nothing temporary stays";
}

TEST(StagedFolder, NothingChangesWithoutCommit) {
  const TemporaryFolder parent;
  write_demo(parent / "demo", "one");
  {
    const StagedFolder folder(parent / "demo", kMarker);
    write_file_atomically(folder.temporary() / "page", "two");
    EXPECT_EQ(bytes_of(parent / "demo/page"), "one");
  }
  EXPECT_EQ(bytes_of(parent / "demo/page"), "one");
  EXPECT_EQ(parent.entry_count(), 1U);
}

TEST(StagedFolder, AnEmptyFolderMayBeTaken) {
  const TemporaryFolder parent;
  fs::create_directory(parent / "demo");
  write_demo(parent / "demo", "one");
  EXPECT_EQ(bytes_of(parent / "demo/page"), "one");
}

TEST(StagedFolder, WhatIsNotOursIsLeftAlone) {
  const TemporaryFolder parent;
  const auto refusal = [&](const fs::path& path) { return error_text([&] { StagedFolder(path, kMarker); }); };
  fs::create_directory(parent / "theirs");
  parent.file("theirs/letter", "dear");
  EXPECT_TRUE(holds(refusal(parent / "theirs"), "a folder that this program did not make"));
  EXPECT_EQ(bytes_of(parent / "theirs/letter"), "dear");
  const fs::path file = parent.file("file", "x");
  EXPECT_TRUE(holds(refusal(file), "exists already and is not a folder"));
  fs::create_symlink(parent / "nowhere", parent / "dangling");
  EXPECT_TRUE(holds(refusal(parent / "dangling"), "exists already and is not a folder"));
  EXPECT_TRUE(holds(refusal(parent / "none/demo"), "cannot be written"));
  for (const char* path : {"", ".", "..", "a/.."})
    EXPECT_TRUE(holds(refusal(path), "is not a path where a folder can be made")) << path;
  EXPECT_TRUE(holds(refusal("/"), "did not make, so it is not changed"));
  EXPECT_EQ(parent.entry_count(), 3U);
}

TEST(StagedFolder, WhatCameMeanwhileIsLeftAlone) {
  const TemporaryFolder parent;
  write_demo(parent / "demo", "one");
  {
    StagedFolder folder(parent / "demo", kMarker);
    write_file_atomically(folder.temporary() / "page", "two");
    parent.file("demo/notes", "mine");
    EXPECT_TRUE(holds(error_text([&] { folder.commit(); }), "holds 'notes', which this program did not make"));
  }
  EXPECT_EQ(bytes_of(parent / "demo/page"), "one");
  EXPECT_EQ(bytes_of(parent / "demo/notes"), "mine");
  EXPECT_EQ(parent.entry_count(), 1U);
}

TEST(StagedFolder, NeverFollowsALinkInItsPlace) {
  const TemporaryFolder parent, elsewhere;
  elsewhere.file("page", "mine");
  elsewhere.file(kMarker, "page\n");
  {
    StagedFolder folder(parent / "demo", kMarker);
    fs::create_directory_symlink(elsewhere.path(), parent / "demo");
    EXPECT_TRUE(holds(error_text([&] { folder.commit(); }), "demo: is a link"));
    // The temporary folder, too, is held and not looked up.
    fs::rename(folder.temporary(), parent / "moved");
    fs::create_directory_symlink(elsewhere.path(), folder.temporary());
    EXPECT_TRUE(
        holds(error_text([&] { write_file_atomically(folder.temporary() / "page", "x"); }), "cannot be written"));
  }
  EXPECT_EQ(bytes_of(elsewhere / "page"), "mine");
  EXPECT_EQ(elsewhere.entry_count(), 2U);
}

TEST(StagedFolder, LinksInTheOldOneAreNotFollowed) {
  const TemporaryFolder parent, elsewhere;
  elsewhere.file("precious", "mine");
  write_demo(parent / "demo", "one");
  fs::remove(parent / "demo/page");
  fs::create_directory_symlink(elsewhere.path(), parent / "demo/page");
  write_demo(parent / "demo", "two");
  EXPECT_EQ(bytes_of(parent / "demo/page"), "two");
  EXPECT_EQ(bytes_of(elsewhere / "precious"), "mine");
}

}  // namespace
}  // namespace stratoscope
