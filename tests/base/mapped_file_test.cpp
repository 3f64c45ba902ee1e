#include "stratoscope/base/mapped_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <utility>

#include "tests/base/error_text.h"
#include "tests/base/temporary_folder.h"

namespace stratoscope {
namespace {

using testing::error_text;
using testing::holds;
using testing::TemporaryFolder;

std::string text_of(const MappedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

TEST(MappedFile, ShowsTheBytes) {
  const TemporaryFolder folder;
  const MappedFile file(folder.file("a", std::string("a\0b\n", 4)));
  EXPECT_EQ(text_of(file), std::string("a\0b\n", 4));
  EXPECT_EQ(file.path(), folder / "a");
}

TEST(MappedFile, AnEmptyFileHasNoBytes) {
  const TemporaryFolder folder;
  EXPECT_TRUE(MappedFile(folder.file("a", "")).bytes().empty());
}

TEST(MappedFile, MovesWithoutMovingTheBytes) {
  const TemporaryFolder folder;
  MappedFile first(folder.file("a", "one"));
  const std::byte* address = first.bytes().data();
  MappedFile second(std::move(first));
  EXPECT_EQ(second.bytes().data(), address);
  MappedFile third(folder.file("b", "another"));
  third = std::move(second);
  EXPECT_EQ(third.bytes().data(), address);
  EXPECT_EQ(text_of(third), "one");
  EXPECT_EQ(third.path(), folder / "a");
}

TEST(MappedFile, ReleasedPagesAreReadAgain) {
  const TemporaryFolder folder;
  const std::string text(20000, 'x');
  const MappedFile file(folder.file("a", text + "y"));
  ASSERT_EQ(text_of(file).back(), 'y');
  MappedFile::release_pages(file.bytes().subspan(5000, 9000));
  EXPECT_EQ(text_of(file), text + "y");
  MappedFile::release_pages({});
  file.release_pages();
  EXPECT_EQ(text_of(file), text + "y");
}

TEST(MappedFile, StaysWhenTheFileIsReplaced) {
  const TemporaryFolder folder;
  const MappedFile file(folder.file("a", "old"));
  folder.file("b", "new text");
  std::filesystem::rename(folder / "b", folder / "a");
  EXPECT_EQ(text_of(file), "old");
  EXPECT_NO_THROW(file.check_unchanged());
}

TEST(MappedFile, NoticesThatTheFileIsWrittenTo) {
  const TemporaryFolder folder;
  const auto change_is_noticed = [&](const std::string& name, const auto& change) {
    const std::filesystem::path path = folder.file(name, "one");
    std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
    const MappedFile file(path);
    EXPECT_NO_THROW(file.check_unchanged());
    change(path);
    EXPECT_TRUE(holds(error_text([&] { file.check_unchanged(); }), name + ": was changed while it was in use"));
  };
  change_is_noticed("overwritten", [&](const auto&) { folder.file("overwritten", "two"); });
  change_is_noticed("grown", [&](const auto&) { folder.file("grown", "one two"); });
  change_is_noticed("truncated", [&](const auto& path) { std::filesystem::resize_file(path, 0); });
  MappedFile first(folder.file("a", "one"));
  const MappedFile second(std::move(first));
  EXPECT_NO_THROW(second.check_unchanged());
}

TEST(MappedFile, RefusesWhatIsNotARegularFile) {
  const TemporaryFolder folder;
  folder.file("plain", "text");
  std::filesystem::create_symlink("loop", folder / "loop");
  const auto text_for = [](const std::filesystem::path& path) { return error_text([&] { MappedFile file(path); }); };
  EXPECT_TRUE(holds(text_for(folder / "missing"), "missing: cannot be read: No such file"));
  EXPECT_TRUE(holds(text_for(folder / "plain/a"), "plain/a: cannot be read: Not a directory"));
  EXPECT_TRUE(holds(text_for(folder / "loop"), "loop: cannot be read: Too many levels"));
  EXPECT_TRUE(holds(text_for(folder.path()), "is not a regular file"));
  EXPECT_TRUE(holds(text_for("/dev/null"), "is not a regular file"));
}

TEST(MappedFile, DoesNotWaitForAPipe) {
  const TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_TRUE(holds(error_text([&] { MappedFile file(folder / "pipe"); }), "pipe: is not a regular file"));
}

TEST(ReadTextFile, ReadsUpToItsLimit) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.file("a.txt", "12345678");
  EXPECT_EQ(read_text_file(path, 8), "12345678");
  EXPECT_TRUE(holds(error_text([&] { read_text_file(path, 7); }), "a.txt: has 8 bytes, more than the 7"));
  EXPECT_EQ(read_text_file(folder.file("empty", "")), "");
}

}  // namespace
}  // namespace stratoscope
