// A folder that is held: links in it and in its place lead nowhere.
#include "stratoscope/base/folder.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <thread>

#include "tests/base/error_text.h"
#include "tests/base/temporary_folder.h"
#include "tests/support/unprivileged.h"

namespace stratoscope {
namespace {

namespace fs = std::filesystem;
using testing::bytes_of;
using testing::error_text;
using testing::holds;
using Kind = Folder::Kind;

TEST(Folder, KnowsItsEntriesByName) {
  const testing::TemporaryFolder place;
  place.file("file", "x");
  fs::create_directory(place / "folder");
  fs::create_symlink("file", place / "link");
  ASSERT_EQ(::mkfifo((place / "pipe").c_str(), 0600), 0);
  const Folder folder(place.path());
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"file", "folder", "link", "pipe"}));
  EXPECT_EQ(folder.names(Kind::link), std::vector<std::string>{"link"});
  EXPECT_TRUE(folder.kind("file") == Kind::file && folder.kind("folder") == Kind::folder);
  EXPECT_TRUE(folder.kind("link") == Kind::link && folder.kind("pipe") == Kind::other);
  for (const char* name : {"", ".", "..", "folder/.", "../x", "none"})
    EXPECT_EQ(folder.kind(name), Kind::missing) << name;
}

TEST(Folder, OpensNoLink) {
  const testing::TemporaryFolder place, elsewhere;
  fs::create_directory_symlink(elsewhere.path(), place / "link");
  fs::create_symlink(elsewhere.file("precious", "mine"), place / "file");
  const Folder folder(place.path());
  EXPECT_TRUE(holds(error_text([&] { folder.find("link"); }), "link: is a link, and links are not followed here"));
  EXPECT_TRUE(holds(error_text([&] { folder.make("link"); }), "link: is a link"));
  EXPECT_EQ(folder.open_file("file", O_RDWR | O_CREAT | O_TRUNC), -1);
  EXPECT_EQ(errno, ELOOP);
  EXPECT_FALSE(folder.find("none"));
  EXPECT_FALSE(folder.find(".."));
  EXPECT_TRUE(holds(error_text([&] { folder.make(".."); }), "cannot be made"));
  EXPECT_EQ(bytes_of(elsewhere / "precious"), "mine");
}

TEST(Folder, RemovesWhatIsInItAndNothingElse) {
  const testing::TemporaryFolder place, elsewhere;
  elsewhere.file("precious", "mine");
  fs::create_directories(place / "tree/inner");
  place.file("tree/inner/file", "x");
  fs::create_directory_symlink(elsewhere.path(), place / "tree/inner/link");
  fs::create_hard_link(elsewhere / "precious", place / "tree/second");
  const Folder folder(place.path());
  for (const char* name : {"..", ".", "", "tree/inner", "/", "none"}) EXPECT_TRUE(folder.remove_all(name)) << name;
  EXPECT_TRUE(fs::exists(place / "tree/inner/file"));
  EXPECT_FALSE(folder.remove_folder("tree")) << "it is not empty";
  EXPECT_TRUE(folder.remove_all("tree"));
  EXPECT_EQ(place.entry_count(), 0U);
  EXPECT_EQ(bytes_of(elsewhere / "precious"), "mine");
}

TEST(Folder, StaysTheSameWhoeverTakesItsPlace) {
  const testing::TemporaryFolder place, elsewhere;
  elsewhere.file("file", "mine");
  fs::create_directory(place / "folder");
  place.file("folder/file", "x");
  const Folder folder(place / "folder");
  fs::rename(place / "folder", place / "moved");
  fs::create_directory_symlink(elsewhere.path(), place / "folder");
  EXPECT_TRUE(folder.remove_entries());
  EXPECT_TRUE(fs::is_empty(place / "moved"));
  EXPECT_EQ(bytes_of(elsewhere / "file"), "mine");
}

TEST(Folder, NothingIsLostWhileFoldersAndLinksChangePlaces) {
  const testing::TemporaryFolder place, elsewhere;
  elsewhere.file("precious", "mine");
  fs::create_directory_symlink(elsewhere.path(), place / "link");
  std::atomic<bool> done{false};
  std::thread swaps([&] {
    while (!done.load())
      ::renameat2(AT_FDCWD, (place / "link").c_str(), AT_FDCWD, (place / "tree").c_str(), RENAME_EXCHANGE);
  });
  for (int i = 0; i < 2000; ++i) {
    std::error_code ignored;
    fs::create_directory(place / "tree", ignored);
    std::ofstream(place / "tree/file", std::ios::app) << "x";
    Folder(place.path()).remove_all("tree");
    if (!fs::is_symlink(place / "link", ignored)) {
      fs::remove(place / "link/file", ignored);
      fs::remove(place / "link", ignored);
      fs::create_directory_symlink(elsewhere.path(), place / "link", ignored);
    }
  }
  done = true;
  swaps.join();
  EXPECT_EQ(bytes_of(elsewhere / "precious"), "mine");
}

TEST(Folder, ATreeOfAnyDepthEndsWithoutACrash) {
  const testing::TemporaryFolder place;
  fs::path deep = place / "deep";
  for (int i = 0; i < 300; ++i) deep /= "d";
  fs::create_directories(deep);
  EXPECT_FALSE(Folder(place.path()).remove_all("deep"));
  EXPECT_EQ(errno, ELOOP);
}

}  // namespace
}  // namespace stratoscope
