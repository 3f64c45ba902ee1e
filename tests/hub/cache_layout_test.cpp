// Where the Hugging Face cache is, and the names in it.
#include "stratoscope/hub/cache_layout.h"

#include <gtest/gtest.h>
#include <pwd.h>
#include <unistd.h>

#include "stratoscope/hub/known_models.h"
#include "tests/hub/cache_writer.h"

namespace stratoscope {
namespace {

using test::CacheWriter;
using test::EnvironmentVariable;

TEST(CacheLayout, WhereTheCacheIs) {
  const EnvironmentVariable home("HOME", "/h"), hub("HF_HUB_CACHE", "/cache");
  EXPECT_EQ(hugging_face_cache(), "/cache");
  const EnvironmentVariable none("HF_HUB_CACHE", std::nullopt);
  {
    const EnvironmentVariable old("HUGGINGFACE_HUB_CACHE", "~/old");
    EXPECT_EQ(hugging_face_cache(), "/h/old");
  }
  const EnvironmentVariable hf("HF_HOME", "/hf"), xdg("XDG_CACHE_HOME", "/xdg");
  EXPECT_EQ(hugging_face_cache(), "/hf/hub");
  const EnvironmentVariable empty("HF_HOME", "");  // an empty variable counts as unset
  EXPECT_EQ(hugging_face_cache(), "/xdg/huggingface/hub");
  const EnvironmentVariable no_xdg("XDG_CACHE_HOME", std::nullopt);
  EXPECT_EQ(hugging_face_cache(), "/h/.cache/huggingface/hub");
  EXPECT_EQ(hugging_face_home(), "/h/.cache/huggingface");
}

TEST(CacheLayout, WithoutAHomeItIsTheOneThatTheSystemKnows) {
  const EnvironmentVariable home("HOME", std::nullopt), hub("HF_HUB_CACHE", std::nullopt);
  const EnvironmentVariable hf("HF_HOME", std::nullopt), xdg("XDG_CACHE_HOME", std::nullopt);
  const passwd* user = ::getpwuid(::geteuid());
  ASSERT_NE(user, nullptr);
  EXPECT_EQ(hugging_face_cache(), std::filesystem::path(user->pw_dir) / ".cache/huggingface/hub");
}

TEST(CacheLayout, RepositoryNames) {
  for (const char* name : {"gpt2", "openai-community/gpt2", "a/b", "x_y.z-1", "Org.Name/Model_2.5"})
    EXPECT_TRUE(is_repository_name(name)) << name;
  for (const char* name : {"",   "/",    "a/",   "/a",  "a/b/c", "..",   "../x", "a/..", ".a",  "a.",  "-a",
                           "a-", "a--b", "a..b", "a b", "a\\b",  "a\nb", "ä",    "a/.b", "a:b", "a@b", "%2e%2e"})
    EXPECT_FALSE(is_repository_name(name)) << name;
  EXPECT_FALSE(is_repository_name(std::string(97, 'a')));
  EXPECT_EQ(cache_folder_name("gpt2"), "models--gpt2");
  EXPECT_EQ(cache_folder_name("openai-community/gpt2"), "models--openai-community--gpt2");
}

TEST(CacheLayout, Revisions) {
  for (const char* name : {"main", "v1.0", "refs/pr/1", "feature/x@y", "607a30d783dfa663caf39e06633721c8d4cfcd7e"})
    EXPECT_TRUE(is_revision(name)) << name;
  for (const char* name : {"", "/", "/main", "main/", "a//b", "..", "../x", "a/../b", ".", "a/./b", ".hidden", "a b",
                           "a\nb", "a:b", "a\\b", "a~1", "\x7F"})
    EXPECT_FALSE(is_revision(name)) << name;
  EXPECT_TRUE(is_commit("607a30d783dfa663caf39e06633721c8d4cfcd7e"));
  EXPECT_FALSE(is_commit("607A30D783DFA663CAF39E06633721C8D4CFCD7E"));
  EXPECT_FALSE(is_commit("607a30d"));
  EXPECT_EQ(split_model_name("a/b").revision, "main");
  EXPECT_EQ(split_model_name("a/b@v1@x").repository, "a/b");
  EXPECT_EQ(split_model_name("a/b@v1@x").revision, "v1@x");
  EXPECT_EQ(split_model_name("a@").revision, "");
}

TEST(CacheLayout, RepositoriesAndTheirLinks) {
  const CacheWriter cache;
  EXPECT_TRUE(cached_repositories(cache.root()).empty()) << "there is no folder yet";
  cache.model("models--openai-community--gpt2", "aaa");
  cache.model("models--tiny", "bbb");
  cache.model("datasets--tiny", "ccc");
  cache.link("models--gpt2", "models--openai-community--gpt2");
  cache.link("models--gone", "models--nothing");
  cache.reference("models--tiny", "v1", "bbb");
  cache.reference("models--tiny", "refs/pr/1", "bbb");
  const auto repositories = cached_repositories(cache.root());
  ASSERT_EQ(repositories.size(), 2U);
  EXPECT_EQ(repositories[0].name, "openai-community/gpt2");
  EXPECT_EQ(repositories[0].aliases, std::vector<std::string>{"gpt2"});
  EXPECT_TRUE(repositories[0].is_called("gpt2"));
  EXPECT_FALSE(repositories[0].is_called("openai-community"));
  EXPECT_EQ(repositories[1].name, "tiny");
  EXPECT_TRUE(repositories[1].aliases.empty());
  EXPECT_EQ(revisions_of(repositories[1].folder), (std::vector<std::string>{"refs/pr/1", "v1"}));
  EXPECT_EQ(snapshots_of(repositories[1].folder), std::vector<std::string>{"bbb"});
  EXPECT_EQ(commit_of(repositories[1].folder, "v1"), "bbb");
  EXPECT_EQ(commit_of(repositories[1].folder, "v2"), std::nullopt);
  EXPECT_EQ(commit_of(repositories[1].folder, "../snapshots"), std::nullopt);
}

TEST(CacheLayout, AFolderThatALinkLeadsOutOfTheCacheToIsARepository) {
  const CacheWriter cache;
  const stratoscope::testing::TemporaryFolder elsewhere;
  cache.link("models--far", elsewhere.path().string());
  const auto repositories = cached_repositories(cache.root());
  ASSERT_EQ(repositories.size(), 1U);
  EXPECT_EQ(repositories[0].name, "far");
}

TEST(KnownModels, SizesAndNames) {
  ASSERT_NE(known_model("gpt2"), nullptr);
  EXPECT_EQ(known_model("gpt2"), known_model("openai-community/gpt2"));
  EXPECT_EQ(known_model("gpt3"), nullptr);
  EXPECT_EQ(size_text(0), "0 B");
  EXPECT_EQ(size_text(999), "999 B");
  EXPECT_EQ(size_text(1000), "1.00 kB");
  EXPECT_EQ(size_text(99'949), "99.9 kB");
  EXPECT_EQ(size_text(548'105'171), "548 MB");
  EXPECT_EQ(size_text(999'600'000), "1.00 GB");
  EXPECT_EQ(size_text(1'519'984'962), "1.52 GB");
}

}  // namespace
}  // namespace stratoscope
