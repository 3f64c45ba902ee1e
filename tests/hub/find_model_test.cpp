// Names of models: folders, built-in ones, the Hugging Face cache.
#include "stratoscope/hub/find_model.h"

#include <gtest/gtest.h>

#include "tests/base/temporary_folder.h"
#include "tests/support/environment.h"
#include "tests/support/errors.h"

namespace stratoscope {
namespace {

namespace fs = std::filesystem;
using test::EnvironmentVariable;
using test::refuses;

class FindModel : public ::testing::Test {
 protected:
  // A repository in the cache; `main` is the commit that refs/main names.
  fs::path add(const std::string& folder, const std::vector<std::string>& snapshots,
               const std::string& main = "") const {
    const fs::path repository = cache() / folder;
    for (const std::string& snapshot : snapshots) {
      fs::create_directories(repository / "snapshots" / snapshot);
      std::ofstream(repository / "snapshots" / snapshot / "config.json") << "{}";
    }
    if (!main.empty()) {
      fs::create_directories(repository / "refs");
      std::ofstream(repository / "refs" / "main") << main << '\n';
    }
    return repository / "snapshots";
  }
  fs::path cache() const { return folder_ / "cache"; }

  const stratoscope::testing::TemporaryFolder folder_;
  const EnvironmentVariable hub_{"HF_HUB_CACHE", cache().string()};
};

TEST_F(FindModel, WhereTheCacheIs) {
  const EnvironmentVariable home("HOME", "/h");
  EXPECT_EQ(hugging_face_cache(), cache());
  const EnvironmentVariable none("HF_HUB_CACHE", std::nullopt);
  const EnvironmentVariable hf("HF_HOME", "/hf"), xdg("XDG_CACHE_HOME", "/xdg");
  EXPECT_EQ(hugging_face_cache(), "/hf/hub");
  const EnvironmentVariable empty("HF_HOME", "");  // an empty variable counts as unset
  EXPECT_EQ(hugging_face_cache(), "/xdg/huggingface/hub");
  const EnvironmentVariable no_xdg("XDG_CACHE_HOME", std::nullopt);
  EXPECT_EQ(hugging_face_cache(), "/h/.cache/huggingface/hub");
}

TEST_F(FindModel, InTheCache) {
  const fs::path gpt2 = add("models--openai-community--gpt2", {"aaa", "bbb"}, "bbb");
  const fs::path one = add("models--tiny", {"ccc"});
  EXPECT_EQ(find_model("openai-community/gpt2").folder, gpt2 / "bbb");
  EXPECT_EQ(find_model("openai-community/gpt2").name, "openai-community/gpt2");
  EXPECT_EQ(find_model("gpt2").folder, gpt2 / "bbb") << "a short name finds the organisation's";
  EXPECT_EQ(find_model("tiny").folder, one / "ccc");
  EXPECT_TRUE(refuses([] { find_model("other/gpt2"); }, "'other/gpt2' is neither a folder"));
}

TEST_F(FindModel, ACacheThatIsNotAsItShouldBe) {
  add("models--several", {"aaa", "bbb"});
  add("models--escape", {"aaa", "bbb"}, "../..");
  add("models--stale", {"aaa"}, "gone");
  add("datasets--text", {"aaa"}, "aaa");
  EXPECT_TRUE(refuses([] { find_model("several"); }, "is neither a folder"));
  EXPECT_TRUE(refuses([] { find_model("escape"); }, "is neither a folder"));
  EXPECT_EQ(find_model("stale").folder.filename(), "aaa");
  EXPECT_TRUE(refuses([] { find_model("text"); }, "is neither a folder"));
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

TEST_F(FindModel, UnknownNames) {
  add("models--tiny-stories", {"aaa"});
  EXPECT_TRUE(refuses([] { find_model("tiny-storys"); }, "did you mean 'tiny-stories'"));
  EXPECT_TRUE(refuses([] { find_model("qqqqqqqqqqqqqqqqqq"); }, "on this machine are: "));
  EXPECT_TRUE(refuses([] { find_model("qqqqqqqqqqqqqqqqqq"); }, cache().string()));
  EXPECT_TRUE(refuses([] { find_model(""); }, "the model's name is empty"));
  EXPECT_TRUE(refuses([] { find_model(std::string("a\0b", 3)); }, "zero byte"));
  EXPECT_TRUE(refuses([] { find_model("/no/such/folder"); }, "is neither a folder"));
  EXPECT_TRUE(refuses([] { find_model(".."); }, "config.json"));
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
