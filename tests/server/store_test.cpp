#include "apps/server/store.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <fstream>
#include <thread>

#include "apps/server/http_error.h"
#include "tests/base/temporary_folder.h"
#include "tests/support/environment.h"
#include "tests/support/unprivileged.h"

namespace stratoscope::server {
namespace {

SavedExperiment sample(const std::string& note, const std::string& text = "a text") {
  SavedExperiment experiment;
  experiment.summary.note = note;
  experiment.summary.text = text;
  experiment.summary.model = "novella-7m";
  experiment.summary.model_hash = "00ff";
  experiment.document = R"({"note": ")" + note + "\"}";
  return experiment;
}

class StoreTest : public ::testing::Test {
 protected:
  std::filesystem::path file() const { return folder_.path() / "deep" / "experiments.db"; }
  void run_sql(const char* sql) {
    sqlite3* database = nullptr;
    ASSERT_EQ(::sqlite3_open(file().c_str(), &database), SQLITE_OK);
    ASSERT_EQ(::sqlite3_exec(database, sql, nullptr, nullptr, nullptr), SQLITE_OK);
    ::sqlite3_close(database);
  }
  int status_of_opening() {
    try {
      const Store store(file());
    } catch (const HttpError& error) {
      message_ = error.what();
      return error.status();
    }
    return 200;
  }

  testing::TemporaryFolder folder_;
  std::string message_;
};

TEST_F(StoreTest, ReadsSavedExperimentsBack) {
  long id = 0;
  {
    Store store(file());
    id = store.save(sample("first"));
    EXPECT_EQ(store.find(id)->document, R"({"note": "first"})");
    EXPECT_EQ(store.find(id)->summary.model_hash, "00ff");
    EXPECT_EQ(store.find(id)->summary.created.size(), 20U);
  }
  Store again(file());
  EXPECT_EQ(again.find(id)->summary.note, "first");
  EXPECT_FALSE(again.find(id + 1));
}

TEST_F(StoreTest, ChangesNotesAndRemovesExperiments) {
  Store store(file());
  const long id = store.save(sample("first"));
  EXPECT_TRUE(store.set_note(id, "a ' quote"));
  EXPECT_EQ(store.find(id)->summary.note, "a ' quote");
  EXPECT_TRUE(store.remove(id));
  EXPECT_FALSE(store.remove(id));
  EXPECT_FALSE(store.set_note(id, "x"));
  EXPECT_GT(store.save(sample("next")), id);  // a number is never used again
}

TEST_F(StoreTest, ListsTheNewestFirstAndSearches) {
  Store store(file());
  store.save(sample("apples"));
  store.save(sample("100%", "pears_and plums"));
  const long last = store.save(sample("nothing"));
  EXPECT_EQ(store.list("", 0, 10).size(), 3U);
  EXPECT_EQ(store.list("", 0, 10)[0].id, last);
  EXPECT_EQ(store.list("", last, 10)[0].note, "100%");
  EXPECT_EQ(store.list("", 0, 1).size(), 1U);
  EXPECT_EQ(store.list("APPLE", 0, 10).size(), 1U);
  EXPECT_EQ(store.list("%", 0, 10).size(), 1U);
  EXPECT_EQ(store.list("s_a", 0, 10).size(), 1U);
  EXPECT_EQ(store.list("' OR 1=1 --", 0, 10).size(), 0U);
}

TEST_F(StoreTest, RejectsANewerVersionUnchanged) {
  { Store store(file()); }
  run_sql("PRAGMA user_version = 99");
  EXPECT_EQ(status_of_opening(), 503);
  EXPECT_NE(message_.find("newer version"), std::string::npos);
  run_sql("PRAGMA user_version = 1");
  EXPECT_EQ(status_of_opening(), 200);
}

TEST_F(StoreTest, RejectsOtherFilesUnchanged) {
  std::filesystem::create_directories(file().parent_path());
  const std::string content = "this is a letter, not a database; it is long enough to be taken for a header of one";
  std::ofstream(file()) << content << content;
  EXPECT_EQ(status_of_opening(), 503);
  EXPECT_EQ(std::filesystem::file_size(file()), 2 * content.size());
}

TEST_F(StoreTest, RejectsADamagedDatabase) {
  {
    Store store(file());
    for (int i = 0; i < 200; ++i) store.save(sample(std::string(300, 'x')));
  }
  run_sql("PRAGMA wal_checkpoint(TRUNCATE)");
  std::fstream stream(file(), std::ios::in | std::ios::out | std::ios::binary);
  stream.seekp(4096);
  for (int i = 0; i < 3 * 4096; ++i) stream.put('\x55');
  stream.close();
  EXPECT_EQ(status_of_opening(), 503);
}

TEST_F(StoreTest, ReportsALockOfAnotherProcess) {
  Store store(file());
  sqlite3* other = nullptr;
  ASSERT_EQ(::sqlite3_open(file().c_str(), &other), SQLITE_OK);
  ASSERT_EQ(::sqlite3_exec(other, "BEGIN EXCLUSIVE", nullptr, nullptr, nullptr), SQLITE_OK);
  try {
    store.save(sample("x"));
    ADD_FAILURE() << "saved into a locked database";
  } catch (const HttpError& error) {
    EXPECT_EQ(error.status(), 503);
  }
  ::sqlite3_close(other);
  EXPECT_GT(store.save(sample("x")), 0);
}

TEST_F(StoreTest, RejectsAFolderInItsPlace) {
  std::filesystem::create_directories(file());
  EXPECT_EQ(status_of_opening(), 503);
}

TEST_F(StoreTest, ConcurrentSavesWaitForEachOther) {
  constexpr int kSaves = 150;
  const auto save_many = [&] {
    Store store(file());
    for (int i = 0; i < kSaves; ++i) EXPECT_GT(store.save(sample("x")), 0);
    for (int i = 1; i <= kSaves; ++i) store.set_note(i, "y");
  };
  std::thread first(save_many), second(save_many);
  first.join();
  second.join();
  EXPECT_EQ(Store(file()).list("", 0, 3 * kSaves).size(), 2U * kSaves);
}

TEST_F(StoreTest, RejectsSavesAfterItsFileWasRemoved) {
  const auto moved = folder_.path() / "moved";
  Store store(file());
  store.save(sample("first"));
  const auto expect_rejected = [&] {
    const auto is_503 = [](const auto& action) {
      try {
        action();
      } catch (const HttpError& error) {
        return error.status() == 503 && std::string(error.what()).find("was deleted") != std::string::npos;
      }
      return false;
    };
    EXPECT_TRUE(is_503([&] { store.save(sample("lost")); }));
    EXPECT_TRUE(is_503([&] { store.set_note(1, "lost"); }));
    EXPECT_TRUE(is_503([&] { store.remove(1); }));
    EXPECT_TRUE(is_503([&] { store.list("", 0, 10); }));
  };
  std::filesystem::rename(file(), moved);
  expect_rejected();
  std::ofstream(file()) << "another file";
  expect_rejected();
  std::filesystem::rename(moved, file());
  EXPECT_GT(store.save(sample("second")), 0);
  EXPECT_EQ(store.list("", 0, 10).size(), 2U);
  std::filesystem::remove(file().string() + "-wal");
  expect_rejected();
  std::filesystem::remove_all(file().parent_path());
  expect_rejected();
}

TEST_F(StoreTest, IsPrivateToTheUser) {
  const mode_t previous = ::umask(0);
  Store store(file());
  store.save(sample("first"));
  ::umask(previous);
  const auto mode_of = [](const std::filesystem::path& path) {
    return static_cast<unsigned>(std::filesystem::status(path).permissions());
  };
  EXPECT_EQ(mode_of(file().parent_path()), 0700U);
  for (const char* ending : {"", "-wal", "-shm"}) EXPECT_EQ(mode_of(file().string() + ending), 0600U) << ending;
}

TEST_F(StoreTest, RejectsALinkInItsPlaceButNotToItsFolder) {
  std::filesystem::create_directory(folder_ / "elsewhere");
  std::filesystem::create_directory_symlink(folder_ / "elsewhere", folder_ / "deep");
  { Store(file()).save(sample("first")); }
  EXPECT_TRUE(std::filesystem::exists(folder_ / "elsewhere/experiments.db"));
  for (const std::string ending : {"", "-wal", "-shm", "-journal"}) {
    std::filesystem::remove(file().string() + ending);
    std::filesystem::create_symlink(folder_ / "target", file().string() + ending);
    EXPECT_EQ(status_of_opening(), 503);
    EXPECT_NE(message_.find(ending + ": is a symbolic link"), std::string::npos) << message_;
    std::filesystem::remove(file().string() + ending);
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "target"));
}

TEST(DefaultStoreFile, IsInTheUsersFolder) {
  const test::EnvironmentVariable home("HOME", "/h"), data("XDG_DATA_HOME", "/data");
  EXPECT_EQ(default_store_file(), "/data/stratoscope/experiments.db");
  const test::EnvironmentVariable relative("XDG_DATA_HOME", "data");
  EXPECT_EQ(default_store_file(), "/h/.local/share/stratoscope/experiments.db");
  for (const std::optional<std::string>& none : {std::optional<std::string>(), {""}, {"here"}}) {
    const test::EnvironmentVariable no_home("HOME", none);
    EXPECT_THROW(default_store_file(), HttpError);
  }
}

}  // namespace
}  // namespace stratoscope::server
