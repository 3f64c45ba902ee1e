// The models on this machine.
#include "stratoscope/hub/model_list.h"

#include <gtest/gtest.h>

#include "tests/hub/cache_writer.h"

namespace stratoscope {
namespace {

using test::CacheWriter;

const std::string kTiny = "models--anna--tiny", kFirst(40, 'a'), kSecond(40, 'b');

ListedModel only(const std::vector<ListedModel>& models) {
  EXPECT_EQ(models.size(), 1U);
  return models.at(0);
}

TEST(ListModels, NothingWhereThereIsNoCache) {
  const CacheWriter cache;
  EXPECT_TRUE(list_models().empty());
}

TEST(ListModels, AModelThatRuns) {
  const CacheWriter cache;
  cache.random_model(kTiny, kFirst);
  cache.reference(kTiny, "main", kFirst);
  cache.reference(kTiny, "refs/pr/1", kFirst);
  cache.link("models--tiny", kTiny);
  const ListedModel model = only(list_models());
  EXPECT_EQ(model.name, "anna/tiny");
  EXPECT_EQ(model.aliases, std::vector<std::string>{"tiny"});
  EXPECT_FALSE(model.built_in);
  EXPECT_EQ(model.revisions, (std::vector<std::string>{"main", "refs/pr/1"}));
  EXPECT_EQ(model.commit, kFirst);
  EXPECT_EQ(model.folder, cache.root() / kTiny / "snapshots" / kFirst);
  EXPECT_EQ(model.family, "gpt2");
  EXPECT_EQ(model.dtype, "F32");
  EXPECT_EQ(model.problem, "");
  std::size_t parameters = 0;
  for (const auto& [name, tensor] : test::random_tensors({})) parameters += tensor.values.size();
  EXPECT_EQ(model.parameters, parameters);
  std::uint64_t bytes = 0;
  for (const auto& file : std::filesystem::directory_iterator(cache.root() / kTiny / "blobs"))
    bytes += file.file_size();
  EXPECT_EQ(model.bytes, bytes);
}

TEST(ListModels, EachRevision) {
  const CacheWriter cache;
  cache.random_model(kTiny, kFirst);
  cache.random_model(kTiny, kSecond);
  cache.reference(kTiny, "main", kSecond);
  const auto models = list_models();
  ASSERT_EQ(models.size(), 2U);
  EXPECT_TRUE(models[0].revisions.empty());
  EXPECT_EQ(models[0].commit, kFirst);
  EXPECT_EQ(models[1].revisions, std::vector<std::string>{"main"});
}

TEST(ListModels, AnotherArchitecture) {
  const CacheWriter cache;
  cache.random_model(kTiny, kFirst);
  std::filesystem::remove(cache.root() / kTiny / "snapshots" / kFirst / "config.json");
  cache.file(kTiny, kFirst, "config.json", R"({"model_type": "mixtral"})");
  const ListedModel model = only(list_models());
  EXPECT_EQ(model.family, "mixtral");
  EXPECT_TRUE(model.problem.ends_with("model_type 'mixtral': mixture of experts is not implemented")) << model.problem;
  EXPECT_GT(model.parameters.value_or(0), 0U) << "its tensors can be counted all the same";
  EXPECT_EQ(model.dtype, "F32");
}

TEST(ListModels, WhatIsNotComplete) {
  const CacheWriter cache;
  cache.file(kTiny, kFirst, "config.json", test::config_of({}).dump());
  const ListedModel begun = only(list_models());
  EXPECT_EQ(begun.problem, "tokenizer.json and 1 more are missing");
  EXPECT_EQ(begun.hint, "'stratoscope pull anna/tiny' gets the missing files");
  EXPECT_EQ(begun.parameters, std::nullopt);
  cache.file(kTiny, kFirst, "pytorch_model.bin", "a pickle");
  EXPECT_TRUE(only(list_models()).problem.ends_with("only a pickle"));
}

TEST(ListModels, ADownloadThatHasJustBegun) {
  const CacheWriter cache;
  std::filesystem::create_directories(cache.root() / kTiny / "blobs");
  std::ofstream(cache.root() / kTiny / "blobs" / "abc.incomplete") << "12345";
  const ListedModel begun = only(list_models());
  EXPECT_EQ(begun.problem, "it has no complete file");
  EXPECT_EQ(begun.bytes, 5U);
  EXPECT_EQ(begun.commit, "");
}

TEST(ListModels, ADamagedFileAndWhatMendsIt) {
  for (const char* name : {"config.json", "model.safetensors", "vocab.json"})
    for (const char* bytes : {"", "version https://git-lfs.github.com/spec/v1\n", "<html></html>"}) {
      const CacheWriter cache;
      cache.random_model(kTiny, kFirst);
      cache.random_model(kTiny, kSecond);
      cache.reference(kTiny, "main", kFirst);
      EXPECT_EQ(list_models().at(0).problem, "");
      const auto first = cache.root() / kTiny / "snapshots" / kFirst / name;
      std::ofstream(first, std::ios::binary) << bytes;  // both commits have this blob
      const auto models = list_models();
      ASSERT_EQ(models.size(), 2U);
      for (const ListedModel& model : models) EXPECT_NE(model.problem, "") << name << ": " << bytes;
      EXPECT_TRUE(models[0].hint.ends_with("'stratoscope pull anna/tiny' downloads damaged files again"))
          << models[0].hint;
      EXPECT_TRUE(
          models[1].hint.ends_with("'stratoscope pull anna/tiny@" + kSecond + "' downloads damaged files again"))
          << models[1].hint;
    }
}

TEST(ListModels, WhatIsNotImplementedIsNotDamaged) {
  const CacheWriter cache;
  cache.model(kTiny, kFirst, R"({"model_type": "mixtral"})");
  EXPECT_EQ(only(list_models()).hint, "a dense model of the same makers is implemented, in most cases");
}

TEST(ListModels, WhatIsBroken) {
  const CacheWriter cache;
  cache.model("models--a", kFirst, "{");
  cache.model("models--b", kFirst, "[]");
  cache.model("models--c", kFirst, test::config_of({}).dump());  // and weights that are none
  cache.file("models--d", kFirst, "model.safetensors.index.json", "{}");
  cache.file("models--d", kFirst, "config.json", test::config_of({}).dump());
  const auto models = list_models();
  ASSERT_EQ(models.size(), 4U);
  for (const ListedModel& model : models) EXPECT_NE(model.problem, "") << model.name;
}

}  // namespace
}  // namespace stratoscope
