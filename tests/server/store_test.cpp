#include "apps/server/store.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <fstream>

#include "apps/server/refusal.h"
#include "tests/base/temporary_folder.h"

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
    } catch (const Refusal& refusal) {
      said_ = refusal.what();
      return refusal.status();
    }
    return 200;
  }

  testing::TemporaryFolder folder_;
  std::string said_;
};

TEST_F(StoreTest, KeepsWhatIsSaved) {
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

TEST_F(StoreTest, NotesChangeAndExperimentsGo) {
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

TEST_F(StoreTest, RefusesANewerVersionAndLeavesItAlone) {
  { Store store(file()); }
  run_sql("PRAGMA user_version = 99");
  EXPECT_EQ(status_of_opening(), 503);
  EXPECT_NE(said_.find("newer version"), std::string::npos);
  run_sql("PRAGMA user_version = 1");
  EXPECT_EQ(status_of_opening(), 200);
}

TEST_F(StoreTest, RefusesWhatIsNoDatabaseAndLeavesItAlone) {
  std::filesystem::create_directories(file().parent_path());
  const std::string content = "this is a letter, not a database; it is long enough to be taken for a header of one";
  std::ofstream(file()) << content << content;
  EXPECT_EQ(status_of_opening(), 503);
  EXPECT_EQ(std::filesystem::file_size(file()), 2 * content.size());
}

TEST_F(StoreTest, RefusesADamagedDatabase) {
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

TEST_F(StoreTest, SaysWhenAnotherProcessHoldsIt) {
  Store store(file());
  sqlite3* other = nullptr;
  ASSERT_EQ(::sqlite3_open(file().c_str(), &other), SQLITE_OK);
  ASSERT_EQ(::sqlite3_exec(other, "BEGIN EXCLUSIVE", nullptr, nullptr, nullptr), SQLITE_OK);
  try {
    store.save(sample("x"));
    ADD_FAILURE() << "saved into a locked database";
  } catch (const Refusal& refusal) {
    EXPECT_EQ(refusal.status(), 503);
  }
  ::sqlite3_close(other);
  EXPECT_GT(store.save(sample("x")), 0);
}

TEST_F(StoreTest, RefusesAFolderInItsPlace) {
  std::filesystem::create_directories(file());
  EXPECT_EQ(status_of_opening(), 503);
}

}  // namespace
}  // namespace stratoscope::server
