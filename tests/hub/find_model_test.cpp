// Names of models: folders, built-in ones, the Hugging Face cache.
#include "stratoscope/hub/find_model.h"

#include <gtest/gtest.h>

#include "tests/base/temporary_folder.h"
#include "tests/hub/cache_writer.h"
#include "tests/support/errors.h"

namespace stratoscope {
namespace {

namespace fs = std::filesystem;
using test::CacheWriter;
using test::refuses;

class FindModel : public ::testing::Test {
 protected:
  fs::path snapshot(const std::string& repository, const std::string& commit) const {
    return cache_.root() / repository / "snapshots" / commit;
  }
  const stratoscope::testing::TemporaryFolder folder_;
  const CacheWriter cache_{};
};

TEST_F(FindModel, InTheCache) {
  const std::string gpt2 = "models--openai-community--gpt2";
  for (const char* commit : {"aaa", "bbb"}) cache_.model(gpt2, commit);
  cache_.reference(gpt2, "main", "bbb\n");
  cache_.model("models--tiny", "ccc");
  EXPECT_EQ(find_model("openai-community/gpt2").folder, snapshot(gpt2, "bbb"));
  EXPECT_EQ(find_model("openai-community/gpt2").name, "openai-community/gpt2");
  EXPECT_EQ(find_model("gpt2").folder, snapshot(gpt2, "bbb")) << "a short name finds the organisation's";
  EXPECT_EQ(find_model("tiny").folder, snapshot("models--tiny", "ccc"));
  EXPECT_TRUE(refuses([] { find_model("other/gpt2"); }, "'other/gpt2' is neither a folder"));
}

TEST_F(FindModel, UnderTheHubsOtherName) {
  cache_.model("models--distilgpt2", "aaa");
  EXPECT_EQ(find_model("distilgpt2").name, "distilgpt2");
  EXPECT_EQ(find_model("distilbert/distilgpt2").folder, snapshot("models--distilgpt2", "aaa"));
  cache_.model("models--openai-community--gpt2", "bbb");
  cache_.link("models--gpt2", "models--openai-community--gpt2");
  EXPECT_EQ(find_model("gpt2").name, "openai-community/gpt2");
  EXPECT_EQ(find_model("gpt2").folder, snapshot("models--openai-community--gpt2", "bbb"));
}

TEST_F(FindModel, AShortNameMeansOneRepository) {
  cache_.model("models--anna--tiny", "aaa");
  EXPECT_EQ(find_model("tiny").name, "anna/tiny");
  cache_.model("models--bert--tiny", "bbb");
  EXPECT_TRUE(refuses([] { find_model("tiny"); }, "may be anna/tiny or bert/tiny"));
  cache_.model("models--tiny", "ccc");
  EXPECT_EQ(find_model("tiny").name, "tiny");
  cache_.model("models--anna--gpt2", "ddd");
  EXPECT_TRUE(refuses([] { find_model("gpt2"); }, "is neither a folder")) << "everybody knows whose gpt2 is";
}

TEST_F(FindModel, ByRevision) {
  const std::string commit(40, 'a');
  cache_.model("models--tiny", commit);
  cache_.model("models--tiny", std::string(40, 'b'));
  cache_.reference("models--tiny", "main", std::string(40, 'b'));
  cache_.reference("models--tiny", "refs/pr/1", commit);
  for (const std::string revision : {"refs/pr/1", commit.c_str(), "aaaaaaa"})
    EXPECT_EQ(find_model("tiny@" + revision).folder, snapshot("models--tiny", commit)) << revision;
  EXPECT_EQ(find_model("tiny@refs/pr/1").name, "tiny@refs/pr/1");
  for (const char* name : {"tiny@v2", "tiny@aaaaaa", "tiny@../main", "tiny@", "tiny@/main", "tiny@refs//pr/1"})
    EXPECT_TRUE(refuses([name] { find_model(name); }, "is neither a folder")) << name;
}

TEST_F(FindModel, ThatIsNotComplete) {
  cache_.file("models--gpt2", "aaa", "config.json", "{}");
  cache_.file("models--gpt2", "aaa", "tokenizer.json", "{}");
  EXPECT_TRUE(refuses([] { find_model("gpt2"); },
                      "'gpt2' is in the Hugging Face cache without 'model.safetensors'; 'stratoscope pull gpt2' gets"));
  cache_.file("models--gpt2", "aaa", "pytorch_model.bin", "!");
  EXPECT_TRUE(refuses([] { find_model("gpt2"); }, "only a pickle"));
  cache_.file("models--split", "bbb", "tokenizer.json", "{}");
  cache_.file("models--split", "bbb", "model.safetensors.index.json", R"({"weight_map":{"a":"1.safetensors"}})");
  EXPECT_TRUE(refuses([] { find_model("split"); }, "without 'config.json' and 1 more"));
  cache_.file("models--split", "bbb", "config.json", "{}");
  EXPECT_TRUE(refuses([] { find_model("split"); }, "without '1.safetensors'"));
  cache_.file("models--split", "bbb", "1.safetensors", "x");
  EXPECT_EQ(find_model("split").name, "split");
}

TEST_F(FindModel, ACacheThatIsNotAsItShouldBe) {
  for (const char* name : {"models--several", "models--escape", "models--stale"}) cache_.model(name, "aaa");
  for (const char* name : {"models--several", "models--escape"}) cache_.model(name, "bbb");
  cache_.reference("models--escape", "main", "../..");
  cache_.reference("models--stale", "main", "gone");
  cache_.model("datasets--text", "aaa");
  cache_.link("models--dangling", "models--nothing");
  EXPECT_TRUE(refuses([] { find_model("several"); }, "is neither a folder"));
  EXPECT_TRUE(refuses([] { find_model("escape"); }, "is neither a folder"));
  EXPECT_EQ(find_model("stale").folder.filename(), "aaa");
  EXPECT_TRUE(refuses([] { find_model("text"); }, "is neither a folder"));
  EXPECT_TRUE(refuses([] { find_model("dangling"); }, "is neither a folder"));
}

TEST_F(FindModel, AFolder) {
  fs::create_directories(folder_ / "mine");
  const std::string path = (folder_ / "mine").string();
  EXPECT_TRUE(refuses([&] { find_model(path); }, "is a folder without config.json"));
  folder_.file("mine/config.json", "{}");
  EXPECT_EQ(find_model(path).folder, path);
  EXPECT_EQ(find_model(path).name, "mine");
  EXPECT_EQ(find_model(path + "/").name, "mine");
  EXPECT_EQ(find_model(path + "/../mine/.").name, "mine");
  EXPECT_TRUE(refuses([&] { find_model((folder_ / "mine/config.json").string()); }, "is a file; name the folder"));
}

TEST_F(FindModel, AFolderWithoutAModelHidesNoneOfItsName) {
  const fs::path before = fs::current_path();
  fs::create_directories(folder_ / "gpt2");
  folder_.file("gpt2/notes.txt", "notes");
  fs::create_directories(folder_ / "openai-community/gpt2");
  fs::current_path(folder_.path());
  EXPECT_TRUE(refuses([] { find_model("gpt2"); }, "gpt2: is a folder without config.json"));
  EXPECT_TRUE(refuses([] { find_model("gpt2"); }, "'stratoscope pull gpt2' gets it"));
  cache_.model("models--openai-community--gpt2", "aaa");
  const fs::path cached = snapshot("models--openai-community--gpt2", "aaa");
  EXPECT_EQ(find_model("gpt2").folder, cached);
  for (const char* path : {"./gpt2", "gpt2/", "openai-community/gpt2", "."}) {
    EXPECT_TRUE(refuses([path] { find_model(path); }, "is a folder without config.json")) << path;
    EXPECT_FALSE(refuses([path] { find_model(path); }, "stratoscope pull")) << path;
  }
  folder_.file("gpt2/config.json", "{}");
  EXPECT_EQ(find_model("gpt2").folder, "gpt2");
  EXPECT_EQ(find_model("gpt2").pull_name, "");
  fs::remove_all(folder_ / "gpt2");
  folder_.file("gpt2", "a file");
  EXPECT_EQ(find_model("gpt2").folder, cached);
  fs::current_path(before);
}

TEST_F(FindModel, WhatPullCallsIt) {
  const std::string first(40, 'a'), second(40, 'b'), folder = "models--openai-community--gpt2";
  cache_.model(folder, first);
  EXPECT_EQ(find_model("gpt2").pull_name, "gpt2");
  EXPECT_EQ(find_model(snapshot(folder, first).string()).pull_name, "openai-community/gpt2");
  EXPECT_EQ(find_model(snapshot(folder, first).string() + "/.").pull_name, "openai-community/gpt2");
  cache_.model(folder, second);
  cache_.reference(folder, "main", second);
  EXPECT_EQ(find_model("gpt2@aaaaaaa").pull_name, "gpt2@aaaaaaa");
  EXPECT_EQ(find_model(snapshot(folder, first).string()).pull_name, "openai-community/gpt2@" + first);
  EXPECT_EQ(find_model(snapshot(folder, second).string()).pull_name, "openai-community/gpt2");
  fs::create_directories(folder_ / "models--x/snapshots/aaa");
  folder_.file("models--x/snapshots/aaa/config.json", "{}");
  EXPECT_EQ(find_model((folder_ / "models--x/snapshots/aaa").string()).pull_name, "") << "outside the cache";
}

// As after a disk that lost its power, or a hand in the cache.
TEST_F(FindModel, WithAFileThatIsNone) {
  for (const char* name : {"config.json", "tokenizer.json", "model.safetensors"}) {
    cache_.model("models--x", "aaa");
    const fs::path blob = fs::canonical(snapshot("models--x", "aaa") / name);
    const std::string pull = "without '" + std::string(name) + "'; 'stratoscope pull x' gets the missing files";
    fs::remove(blob);
    EXPECT_TRUE(refuses([] { find_model("x"); }, pull)) << name;
    fs::create_directory(blob);
    EXPECT_TRUE(refuses([] { find_model("x"); }, pull)) << name;
    fs::remove_all(cache_.root() / "models--x");
  }
  cache_.model("models--x", "aaa");
  fs::remove(snapshot("models--x", "aaa") / "model.safetensors");
  cache_.file("models--x", "aaa", "model.safetensors.index.json", R"({"weight_map": {"a": )");
  EXPECT_TRUE(refuses([] { find_model("x"); }, "'stratoscope pull x' downloads damaged files again"));
}

TEST_F(FindModel, UnknownNames) {
  cache_.model("models--tiny-stories", "aaa");
  EXPECT_TRUE(refuses([] { find_model("tiny-storys"); }, "did you mean 'tiny-stories'"));
  EXPECT_TRUE(refuses([] { find_model("qqqqqqqqqqqqqqqqqq"); }, "on this machine are: "));
  EXPECT_TRUE(refuses([] { find_model("qqqqqqqqqqqqqqqqqq"); }, cache_.root().string()));
  EXPECT_TRUE(refuses([] { find_model(""); }, "the model's name is empty"));
  EXPECT_TRUE(refuses([] { find_model(std::string("a\0b", 3)); }, "zero byte"));
  EXPECT_TRUE(refuses([] { find_model("/no/such/folder"); }, "is neither a folder"));
  EXPECT_TRUE(refuses([] { find_model(".."); }, "config.json"));
}

TEST_F(FindModel, UnknownNamesThatTheHubHas) {
  const std::string gpt2 = "'stratoscope pull gpt2' gets it (548 MB)";
  EXPECT_TRUE(refuses([] { find_model("gpt2"); }, gpt2));
  EXPECT_TRUE(refuses([] { find_model("openai-community/gpt2-xl"); }, "gpt2-xl' gets it (6.43 GB)"));
  EXPECT_TRUE(refuses([] { find_model("gtp2"); }, "did you mean 'gpt2'?"));
  EXPECT_TRUE(refuses([] { find_model("some/body"); }, "'stratoscope pull some/body' gets it if the Hugging Face hub"));
  for (const char* name : {"/no/such/folder", "../x", "a/b/c", "a b"})
    EXPECT_FALSE(refuses([name] { find_model(name); }, "stratoscope pull")) << name;
}

TEST(BuiltInModels, LieBesideTheProgramOrInItsPrefix) {
  const auto folders = builtin_model_folders();
  ASSERT_EQ(folders.size(), 3U);
  const fs::path program = fs::read_symlink("/proc/self/exe");
  EXPECT_EQ(folders[0], program.parent_path() / "models");
  EXPECT_EQ(folders[1], program.parent_path().parent_path() / "share/stratoscope/models");
  EXPECT_EQ(folders[2], program.parent_path().parent_path().parent_path() / "share/stratoscope/models");
}

}  // namespace
}  // namespace stratoscope
