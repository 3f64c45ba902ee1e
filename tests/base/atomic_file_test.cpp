#include "stratoscope/base/atomic_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/base/error_text.h"
#include "tests/base/file_size_limit.h"
#include "tests/base/temporary_folder.h"

namespace stratoscope {
namespace {

using testing::bytes_of;
using testing::error_text;
using testing::holds;
using testing::TemporaryFolder;

TEST(AtomicFile, CommitPutsTheWholeTextInPlace) {
  const TemporaryFolder folder;
  AtomicFile file(folder / "a.txt");
  file.write("one ");
  file.write("two");
  EXPECT_FALSE(std::filesystem::exists(folder / "a.txt"));
  file.commit();
  EXPECT_EQ(bytes_of(folder / "a.txt"), "one two");
  EXPECT_EQ(folder.entry_count(), 1U);
}

TEST(AtomicFile, WithoutCommitTheOldFileStays) {
  const TemporaryFolder folder;
  folder.file("a.txt", "old");
  {
    AtomicFile file(folder / "a.txt");
    file.write("new");
  }
  EXPECT_EQ(bytes_of(folder / "a.txt"), "old");
  EXPECT_EQ(folder.entry_count(), 1U);
}

TEST(AtomicFile, TwoWritersOfOneFileDoNotMix) {
  const TemporaryFolder folder;
  AtomicFile first(folder / "a.txt"), second(folder / "a.txt");
  first.write("first");
  second.write("second");
  second.commit();
  first.commit();
  EXPECT_EQ(bytes_of(folder / "a.txt"), "first");
  EXPECT_EQ(folder.entry_count(), 1U);
}

TEST(AtomicFile, WritesANameAsLongAsNamesMayBe) {
  const TemporaryFolder folder;
  const std::string name(255, 'n');
  write_file_atomically(folder / name, "text");
  EXPECT_EQ(bytes_of(folder / name), "text");
}

TEST(AtomicFile, PermissionsFollowTheUmask) {
  const TemporaryFolder folder;
  const mode_t previous = ::umask(027);
  write_file_atomically(folder / "a.txt", "text");
  ::umask(previous);
  struct stat info {};
  ASSERT_EQ(::stat((folder / "a.txt").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0640U);
}

TEST(AtomicFile, AFileThatIsReplacedKeepsItsPermissions) {
  const TemporaryFolder folder;
  for (const mode_t mode : {0600U, 0644U, 0660U, 0755U}) {
    write_file_atomically(folder / "a.txt", "old");
    ASSERT_EQ(::chmod((folder / "a.txt").c_str(), mode), 0);
    write_file_atomically(folder / "a.txt", "new");
    struct stat info {};
    ASSERT_EQ(::stat((folder / "a.txt").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, mode);
    EXPECT_EQ(bytes_of(folder / "a.txt"), "new");
  }
}

TEST(AtomicFile, AFileThatMayNotBeWrittenIsNotReplaced) {
  const TemporaryFolder folder;
  write_file_atomically(folder / "a.txt", "old");
  ASSERT_EQ(::chmod((folder / "a.txt").c_str(), 0444), 0);
  EXPECT_NE(error_text([&] { write_file_atomically(folder / "a.txt", "new"); }).find("a.txt: cannot be replaced"),
            std::string::npos);
  EXPECT_EQ(bytes_of(folder / "a.txt"), "old");
}

TEST(AtomicFile, WritesWhereItSeeks) {
  const TemporaryFolder folder;
  AtomicFile file(folder / "a.txt");
  file.write("one three");
  file.seek(4);
  file.write("two");
  file.seek(9);
  file.write(" four");
  file.commit();
  EXPECT_EQ(bytes_of(folder / "a.txt"), "one twoee four");
}

TEST(AtomicFile, RefusesPlacesThatCannotBeWritten) {
  const TemporaryFolder folder;
  folder.file("plain", "text");
  const auto text_for = [](const std::filesystem::path& path) {
    return error_text([&] { write_file_atomically(path, "text"); });
  };
  EXPECT_TRUE(holds(text_for(folder / "missing/a.txt"), "missing/a.txt: cannot be written: No such file"));
  EXPECT_TRUE(holds(text_for(folder / "plain/a.txt"), "plain/a.txt: cannot be written: Not a directory"));
  EXPECT_TRUE(holds(text_for(folder.path()), "is a folder"));
  EXPECT_TRUE(holds(text_for(folder / ""), "is not a file name"));
  EXPECT_TRUE(holds(text_for(""), "is not a file name"));
  EXPECT_EQ(folder.entry_count(), 1U);
}

TEST(AtomicFile, NeverReplacesADeviceOrAPipe) {
  const TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  for (const std::filesystem::path& path : {std::filesystem::path("/dev/full"), folder / "pipe"}) {
    const std::string text = error_text([&] { write_file_atomically(path, "text"); });
    EXPECT_TRUE(holds(text, path.string() + ": is not a regular file"));
    EXPECT_FALSE(std::filesystem::is_regular_file(path));
  }
}

TEST(AtomicFile, AFullDiskIsAnErrorAndTheOldFileStays) {
  const TemporaryFolder folder;
  folder.file("a.txt", "old");
  const std::string text = error_text([&] {
    const testing::FileSizeLimit limit(4096);
    write_file_atomically(folder / "a.txt", std::string(10000, 'x'));
  });
  EXPECT_TRUE(holds(text, "a.txt: cannot be written: File too large"));
  EXPECT_EQ(bytes_of(folder / "a.txt"), "old");
  EXPECT_EQ(folder.entry_count(), 1U);
}

TEST(AtomicFile, AFullDiskIsNoticedEvenWhenTheBytesWereStillBuffered) {
  const TemporaryFolder folder;
  const std::string text = error_text([&] {
    const testing::FileSizeLimit limit(10);
    write_file_atomically(folder / "a.txt", std::string(100, 'x'));
  });
  EXPECT_TRUE(holds(text, "a.txt: cannot be written: File too large"));
  EXPECT_EQ(folder.entry_count(), 0U);
}

TEST(AtomicFile, AFolderThatVanishesIsAnError) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "inner");
  AtomicFile file(folder / "inner/a.txt");
  file.write("text");
  std::filesystem::remove_all(folder / "inner");
  EXPECT_TRUE(holds(error_text([&] { file.commit(); }), "inner/a.txt: cannot be put in its place: No such file"));
}

TEST(AtomicFile, WritesTheFileThatALinkLeadsTo) {
  const TemporaryFolder folder, disk;
  disk.file("old.txt", "old");
  std::filesystem::create_symlink(disk / "old.txt", folder / "a.txt");
  std::filesystem::create_symlink("a.txt", folder / "b.txt");
  std::filesystem::create_symlink(disk / "new.txt", folder / "c.txt");
  for (const char* name : {"b.txt", "c.txt"}) {
    write_file_atomically(folder / name, "new");
    EXPECT_TRUE(std::filesystem::is_symlink(folder / name));
    EXPECT_EQ(bytes_of(folder / name), "new");
  }
  EXPECT_EQ(bytes_of(disk / "old.txt"), "new");
  EXPECT_EQ(bytes_of(disk / "new.txt"), "new");
  EXPECT_EQ(folder.entry_count() + disk.entry_count(), 5U) << "nothing temporary stays";
}

TEST(AtomicFile, WithoutCommitTheFileThatALinkLeadsToStays) {
  const TemporaryFolder folder, disk;
  std::filesystem::create_symlink(disk.file("old.txt", "old"), folder / "a.txt");
  { AtomicFile(folder / "a.txt").write("half"); }
  EXPECT_EQ(bytes_of(disk / "old.txt"), "old");
  EXPECT_EQ(folder.entry_count() + disk.entry_count(), 2U);
}

TEST(AtomicFile, RefusesLinksThatLeadToNoFile) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "inner");
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  const auto text_for = [&](const char* target) {
    std::filesystem::remove(folder / "link");
    std::filesystem::create_symlink(target, folder / "link");
    return error_text([&] { write_file_atomically(folder / "link", "text"); });
  };
  EXPECT_TRUE(holds(text_for("inner"), "inner): is a folder"));
  EXPECT_TRUE(holds(text_for("inner/"), "is a folder"));
  EXPECT_TRUE(holds(text_for(".."), "is a folder"));
  EXPECT_TRUE(holds(text_for("pipe"), "pipe): is not a regular file"));
  EXPECT_TRUE(holds(text_for("/dev/full"), "(a link to /dev/full): is not a regular file"));
  EXPECT_TRUE(holds(text_for("link"), "is a link that leads back to itself"));
  EXPECT_TRUE(holds(text_for("none/a.txt"), "none/a.txt): cannot be written: No such file"));
  EXPECT_EQ(folder.entry_count(), 3U);
}

TEST(AtomicFile, WritesThroughALinkWhereEverybodyMayWrite) {
  const TemporaryFolder folder;
  ASSERT_EQ(::chmod(folder.path().c_str(), 01777), 0);
  folder.file("old.txt", "old");
  std::filesystem::create_symlink("old.txt", folder / "own");
  write_file_atomically(folder / "own", "new");
  EXPECT_EQ(bytes_of(folder / "old.txt"), "new");
}

TEST(AtomicFile, StaysInTheFolderThatItBeganIn) {
  const TemporaryFolder folder, elsewhere;
  elsewhere.file("a.txt", "mine");
  std::filesystem::create_directory(folder / "inner");
  AtomicFile file(folder / "inner/a.txt");
  file.write("text");
  std::filesystem::rename(folder / "inner", folder / "moved");
  std::filesystem::create_directory_symlink(elsewhere.path(), folder / "inner");
  file.commit();
  EXPECT_EQ(bytes_of(folder / "moved/a.txt"), "text");
  EXPECT_EQ(bytes_of(elsewhere / "a.txt"), "mine");
}

}  // namespace
}  // namespace stratoscope
