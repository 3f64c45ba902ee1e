// Models removed from the cache: all revisions, or one of them, and never files that others need.
#include "stratoscope/hub/remove_model.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdio.h>

#include <atomic>
#include <thread>

#include "stratoscope/hub/cache_layout.h"
#include "stratoscope/hub/file_lock.h"
#include "stratoscope/hub/find_model.h"
#include "tests/hub/cache_writer.h"
#include "tests/support/errors.h"
#include "tests/support/unprivileged.h"

namespace stratoscope {
namespace {

namespace fs = std::filesystem;
using test::CacheWriter;
using test::refuses;

const std::string kTiny = "models--anna--tiny", kFirst(40, 'a'), kSecond(40, 'b');

std::uint64_t bytes_of_blobs(const CacheWriter& cache, const std::string& repository) {
  std::uint64_t bytes = 0;
  for (const auto& blob : fs::directory_iterator(cache.root() / repository / "blobs")) bytes += blob.file_size();
  return bytes;
}

std::optional<FileLock> lock_of_a_download(const CacheWriter& cache) {
  fs::create_directories(cache.root() / ".locks" / kTiny);
  return FileLock::try_lock(Folder(cache.root() / ".locks" / kTiny), "abc.lock");
}

TEST(RemoveModel, Whole) {
  const CacheWriter cache;
  for (const std::string& commit : {kFirst, kSecond}) cache.model(kTiny, commit);
  cache.reference(kTiny, "main", kSecond);
  cache.link("models--tiny", kTiny);
  cache.model("models--other", kFirst);
  { const auto lock = lock_of_a_download(cache); }
  const std::uint64_t bytes = bytes_of_blobs(cache, kTiny);
  const RemovedModel removed = remove_model("tiny");
  EXPECT_EQ(removed.name, "anna/tiny");
  EXPECT_EQ(removed.commits, (std::vector<std::string>{kFirst, kSecond}));
  EXPECT_EQ(removed.freed, bytes);
  EXPECT_EQ(removed.kept, 0U);
  EXPECT_FALSE(fs::exists(cache.root() / kTiny));
  EXPECT_FALSE(fs::exists(fs::symlink_status(cache.root() / "models--tiny")));
  EXPECT_FALSE(fs::exists(cache.root() / ".locks" / kTiny));
  EXPECT_EQ(find_model("other").name, "other");
}

TEST(RemoveModel, ARevisionKeepsWhatTheOtherNeeds) {
  const CacheWriter cache;
  for (const std::string& commit : {kFirst, kSecond}) cache.model(kTiny, commit);
  cache.reference(kTiny, "v1", kFirst);
  cache.reference(kTiny, "main", kSecond);
  const RemovedModel removed = remove_model("anna/tiny@v1");
  EXPECT_EQ(removed.commits, std::vector<std::string>{kFirst});
  EXPECT_EQ(removed.freed, ("weights of " + kFirst).size()) << "config and tokenizer are of both";
  EXPECT_GT(removed.kept, 0U);
  EXPECT_EQ(find_model("tiny").folder.filename(), kSecond);
  EXPECT_EQ(revisions_of(cache.root() / kTiny), std::vector<std::string>{"main"});
  EXPECT_EQ(snapshots_of(cache.root() / kTiny), std::vector<std::string>{kSecond});
}

TEST(RemoveModel, ARevisionKeepsWhatIsBeingDownloaded) {
  const CacheWriter cache;
  for (const std::string& commit : {kFirst, kSecond}) cache.model(kTiny, commit);
  std::ofstream(cache.root() / kTiny / "blobs" / "abc.incomplete") << "12345";
  remove_model("anna/tiny@" + kFirst);
  EXPECT_TRUE(fs::exists(cache.root() / kTiny / "blobs" / "abc.incomplete"));
}

TEST(RemoveModel, TheLastRevisionIsTheModel) {
  const CacheWriter cache;
  cache.model(kTiny, kFirst);
  cache.reference(kTiny, "main", kFirst);
  cache.reference(kTiny, "v1", kFirst);
  cache.link("models--tiny", kTiny);
  EXPECT_EQ(remove_model("anna/tiny@v1").commits, std::vector<std::string>{kFirst});
  EXPECT_FALSE(fs::exists(cache.root() / kTiny));
  EXPECT_FALSE(fs::exists(fs::symlink_status(cache.root() / "models--tiny")));
}

TEST(RemoveModel, BlobsThatAnotherRepositoryLinksToStay) {
  const CacheWriter cache;
  cache.model(kTiny, kFirst);
  cache.model("models--other", kFirst);
  const fs::path blob = fs::canonical(cache.root() / kTiny / "snapshots" / kFirst / "model.safetensors");
  const fs::path weights = cache.root() / "models--other" / "snapshots" / kFirst / "model.safetensors";
  fs::remove(weights);
  fs::create_symlink(blob, weights);
  const RemovedModel removed = remove_model("anna/tiny");
  EXPECT_EQ(removed.kept, fs::file_size(blob));
  EXPECT_EQ(find_model("other").name, "other");
  EXPECT_TRUE(refuses([] { find_model("anna/tiny"); }, "is neither"));
}

TEST(RemoveModel, BytesWithASecondNameAreNotFreed) {
  const CacheWriter cache;
  cache.model(kTiny, kFirst);
  const fs::path blob = fs::canonical(cache.root() / kTiny / "snapshots" / kFirst / "model.safetensors");
  fs::create_hard_link(blob, cache.root() / "second");
  EXPECT_EQ(remove_model("anna/tiny").kept, fs::file_size(cache.root() / "second"));
}

TEST(RemoveModel, FilesThatALinkLeadsToStay) {
  const CacheWriter cache;
  const stratoscope::testing::TemporaryFolder elsewhere;
  const fs::path precious = elsewhere.file("precious", "bytes");
  cache.model(kTiny, kFirst);
  fs::create_symlink(precious, cache.root() / kTiny / "blobs" / "linked");
  fs::create_directory_symlink(elsewhere.path(), cache.root() / kTiny / "snapshots" / kFirst / "folder");
  remove_model("anna/tiny");
  EXPECT_FALSE(fs::exists(cache.root() / kTiny));
  EXPECT_TRUE(fs::exists(precious));
}

TEST(RemoveModel, FilesThatAreInTheSnapshotThemselves) {
  const CacheWriter cache;
  fs::create_directories(cache.root() / kTiny / "snapshots" / kFirst);
  std::ofstream(cache.root() / kTiny / "snapshots" / kFirst / "model.safetensors") << "12345";
  EXPECT_EQ(remove_model("anna/tiny").freed, 5U);
  EXPECT_FALSE(fs::exists(cache.root() / kTiny));
}

TEST(RemoveModel, WhatIsLeftOfADownload) {
  const CacheWriter cache;
  fs::create_directories(cache.root() / kTiny / "blobs");
  std::ofstream(cache.root() / kTiny / "blobs" / "abc.incomplete") << "12345";
  EXPECT_EQ(remove_model("anna/tiny").freed, 5U);
  EXPECT_FALSE(fs::exists(cache.root() / kTiny));
}

TEST(RemoveModel, NotWhileItIsDownloaded) {
  const CacheWriter cache;
  cache.model(kTiny, kFirst);
  const auto lock = lock_of_a_download(cache);
  EXPECT_TRUE(refuses([] { remove_model("anna/tiny"); }, "is being downloaded by another process"));
  EXPECT_EQ(find_model("anna/tiny").name, "anna/tiny");
}

TEST(RemoveModel, WhatIsNotThere) {
  const CacheWriter cache;
  EXPECT_TRUE(refuses([] { remove_model("gpt2"); }, "'gpt2' is not in the Hugging Face cache"));
  cache.model(kTiny, kFirst);
  cache.model("models--bert--tiny", kFirst);
  EXPECT_TRUE(refuses([] { remove_model("anna/tony"); }, "did you mean 'anna/tiny'?"));
  EXPECT_TRUE(refuses([] { remove_model("tiny"); }, "may be anna/tiny or bert/tiny"));
  EXPECT_TRUE(refuses([] { remove_model("anna/tiny@v9"); }, "has no revision 'v9' here"));
  for (const char* name : {"", "..", "../x", "anna/tiny@../..", "/"})
    EXPECT_TRUE(refuses([name] { remove_model(name); }, "models: ")) << name;
  EXPECT_EQ(find_model("anna/tiny").name, "anna/tiny");
}

TEST(RemoveModel, ALinkInThePlaceOfAPartIsAnError) {
  for (const std::string part : {"snapshots", "blobs", "refs", ".no_exist", ""}) {
    const CacheWriter cache;
    const stratoscope::testing::TemporaryFolder elsewhere;
    cache.model(kTiny, kFirst);
    cache.reference(kTiny, "main", kFirst);
    fs::create_directories(cache.root() / kTiny / ".no_exist" / kFirst);
    const fs::path place = part.empty() ? cache.root() / kTiny : cache.root() / kTiny / part;
    fs::rename(place, elsewhere / "moved");
    fs::create_directory_symlink(elsewhere / "moved", place);
    const auto count = [&] { return std::distance(fs::recursive_directory_iterator(elsewhere.path()), {}); };
    const auto before = count();
    for (const char* name : {"anna/tiny", "anna/tiny@main"})
      EXPECT_TRUE(refuses([&] { remove_model(name); }, "is a link, and links are not followed here")) << part;
    EXPECT_EQ(count(), before) << part;
    EXPECT_TRUE(fs::is_symlink(place));
  }
}

TEST(RemoveModel, LinksInASnapshotAndInReferencesGoAlone) {
  const CacheWriter cache;
  const stratoscope::testing::TemporaryFolder elsewhere;
  const fs::path precious = elsewhere.file("precious", kFirst);
  cache.model(kTiny, kFirst);
  cache.reference(kTiny, "main", kFirst);
  fs::create_symlink(precious, cache.root() / kTiny / "refs" / "linked");
  fs::create_directory_symlink(elsewhere.path(), cache.root() / kTiny / "snapshots" / kSecond);
  fs::create_symlink(precious, cache.root() / kTiny / "blobs" / kFirst);
  remove_model("anna/tiny");
  EXPECT_FALSE(fs::exists(cache.root() / kTiny));
  EXPECT_EQ(stratoscope::testing::bytes_of(precious), kFirst);
}

TEST(RemoveModel, WhatIsNoPartOfAModelStays) {
  const CacheWriter cache;
  cache.model(kTiny, kFirst);
  cache.reference(kTiny, "main", kFirst);
  fs::create_directories(cache.root() / kTiny / "snapshots" / "drafts");
  for (const char* name : {"notes.txt", "blobs/thesis.txt", "refs/notes.txt", "snapshots/drafts/one.txt"})
    std::ofstream(cache.root() / kTiny / name) << "mine";
  const RemovedModel removed = remove_model("anna/tiny");
  EXPECT_EQ(removed.left,
            (std::vector<std::string>{"blobs/thesis.txt", "notes.txt", "refs/notes.txt", "snapshots/drafts/one.txt"}));
  for (const std::string& name : removed.left)
    EXPECT_EQ(stratoscope::testing::bytes_of(cache.root() / kTiny / name), "mine");
  EXPECT_FALSE(fs::exists(cache.root() / kTiny / "snapshots" / kFirst));
}

TEST(RemoveModel, ACacheThatIsALinkIsACache) {
  const CacheWriter cache;
  cache.model(kTiny, kFirst);
  const stratoscope::testing::TemporaryFolder home;
  fs::create_directory_symlink(cache.root(), home / "hub");
  const test::EnvironmentVariable hub("HF_HUB_CACHE", (home / "hub").string());
  remove_model("anna/tiny");
  EXPECT_FALSE(fs::exists(cache.root() / kTiny));
}

TEST(RemoveModel, NothingElsewhereIsLostWhileALinkComesAndGoes) {
  const stratoscope::testing::TemporaryFolder elsewhere;
  for (int round = 0; round < 40; ++round) {
    const CacheWriter cache;
    cache.model(kTiny, kFirst);
    cache.model("models--other", kFirst);
    const fs::path place = cache.root() / kTiny / "snapshots", mine = elsewhere / "mine";
    fs::create_directory(mine);
    if (round == 0) fs::copy(cache.root() / "models--other/blobs", mine / kFirst, fs::copy_options::recursive);
    fs::create_directory_symlink(mine, cache.root() / "link");
    std::atomic<bool> done{false};
    std::thread swaps([&] {
      while (!done.load())
        ::renameat2(AT_FDCWD, (cache.root() / "link").c_str(), AT_FDCWD, place.c_str(), RENAME_EXCHANGE);
    });
    try {
      remove_model("anna/tiny");
    } catch (const Error&) {  // a link that was seen
    }
    done = true;
    swaps.join();
    EXPECT_EQ(std::distance(fs::directory_iterator(mine / kFirst), {}), 3) << round;
  }
}

}  // namespace
}  // namespace stratoscope
