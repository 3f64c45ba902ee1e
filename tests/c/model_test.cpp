// Opening models, and their weights as arrays of the file.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <set>

#include "stratoscope/version.h"
#include "tests/c/handles.h"
#include "tests/support/random_checkpoint.h"

namespace stratoscope {
namespace {

using test::c_built_in;
using test::CModel;
using test::failed_with;
using test::json;

int open(const char* options) {
  stratoscope_model* model = nullptr;
  const int status = stratoscope_open(options, nullptr, &model);
  EXPECT_EQ(model != nullptr, status == STRATOSCOPE_OK);
  stratoscope_close(model);
  return status;
}

TEST(COpen, HasTheVersionsOfTheHeader) {
  EXPECT_EQ(stratoscope_abi(), std::uint32_t{STRATOSCOPE_ABI});
  EXPECT_STREQ(stratoscope_version(), STRATOSCOPE_VERSION);
}

TEST(COpen, RefusesWrongOptions) {
  for (const auto& [options, status, part] : {
           std::tuple{"", STRATOSCOPE_USAGE, "the options"},
           {"[]", STRATOSCOPE_USAGE, "not a JSON object"},
           {"{\"model\": 1}", STRATOSCOPE_USAGE, "'model' is not a string"},
           {R"({"modle": "gpt2"})", STRATOSCOPE_USAGE, "did you mean 'model'"},
           {R"({"precision": "fp31"})", STRATOSCOPE_USAGE, "there are fp32, bf16 and fp64"},
           {R"({"precision": "bf16x3"})", STRATOSCOPE_USAGE, "bf16x3"},
           {R"({"threads": 1000000000})", STRATOSCOPE_USAGE, "'threads' is above 1024"},
           {R"({"threads": -1})", STRATOSCOPE_USAGE, "'threads'"},
           {R"({"model": "no-such-model"})", STRATOSCOPE_MODEL, "no-such-model"},
           {R"({"model": "/no/such/folder", "pull": true})", STRATOSCOPE_MODEL, "/no/such/folder"},
           {R"({"model": ""})", STRATOSCOPE_MODEL, ""},
           {"{", STRATOSCOPE_USAGE, "the options"},
       }) {
    EXPECT_EQ(open(options), status) << options;
    EXPECT_TRUE(failed_with(status, part)) << options;
  }
}

TEST(COpen, NamesWhatIsWrongWithAFolder) {
  const test::TestModelFolder folder;
  const std::string options = json{{"model", folder.path().string()}}.dump();
  folder.file("config.json", "{");
  EXPECT_EQ(open(options.c_str()), STRATOSCOPE_MODEL);
  EXPECT_TRUE(failed_with(STRATOSCOPE_MODEL, "config.json"));
}

TEST(CTensor, IsTheFilesOwnMemory) {
  const Checkpoint& checkpoint = test::built_in().checkpoint();
  const char* names = nullptr;
  ASSERT_EQ(stratoscope_tensor(c_built_in().get(), nullptr, nullptr, &names), STRATOSCOPE_OK);
  const json listed = json::parse(names);
  ASSERT_EQ(listed.size(), checkpoint.stored_tensors().size());
  for (const json& one : listed) {
    const auto name = one["name"].get<std::string>();
    const StoredTensor& stored = *checkpoint.stored_tensors().at(name);
    stratoscope_array array{};
    ASSERT_EQ(stratoscope_tensor(c_built_in().get(), name.c_str(), &array, nullptr), STRATOSCOPE_OK) << name;
    EXPECT_EQ(array.name, name);
    EXPECT_EQ(one["format"], array.format);
    EXPECT_EQ(array.format, stored.type);
    EXPECT_EQ(one["shape"], stored.shape);
    EXPECT_EQ(Shape(array.shape, array.shape + array.rank), stored.shape);
    EXPECT_EQ(array.read_only, 1);
    ASSERT_EQ(std::memcmp(array.data, stored.bytes.data(), stored.bytes.size()), 0) << name;
    stratoscope_array again{};
    ASSERT_EQ(stratoscope_tensor(c_built_in().get(), name.c_str(), &again, nullptr), STRATOSCOPE_OK);
    EXPECT_EQ(again.data, array.data);
  }
  EXPECT_GT(listed.size(), 100U);
}

TEST(CTensor, HasTheFamilysPrefixOrNot) {
  stratoscope_array with{}, without{};
  ASSERT_EQ(stratoscope_tensor(c_built_in().get(), "transformer.wte.weight", &with, nullptr), STRATOSCOPE_OK);
  ASSERT_EQ(stratoscope_tensor(c_built_in().get(), "wte.weight", &without, nullptr), STRATOSCOPE_OK);
  EXPECT_EQ(with.data, without.data);
  EXPECT_EQ(stratoscope_tensor(c_built_in().get(), "wte.weigth", &with, nullptr), STRATOSCOPE_UNKNOWN);
  EXPECT_TRUE(failed_with(STRATOSCOPE_UNKNOWN, "did you mean 'wte.weight'"));
}

// A header of odd length puts every tensor at an odd address.
TEST(CTensor, IsAlignedAlsoWhereTheFileIsNot) {
  const test::TestModelFolder folder;
  const std::filesystem::path file = folder.path() / "model.safetensors";
  std::string bytes = testing::bytes_of(file);
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof length);
  std::string header = bytes.substr(8, length);
  while (header.size() % 2 == 0 || header.size() == length) header += ' ';
  const std::uint64_t longer = header.size();
  std::string beginning(sizeof longer, '\0');
  std::memcpy(beginning.data(), &longer, sizeof longer);
  folder.file("model.safetensors", beginning + header + bytes.substr(8 + length));
  std::filesystem::copy(test::kSource / "models/novella-7m/tokenizer.json", folder.path() / "tokenizer.json");
  const CModel model(json{{"model", folder.path().string()}});
  stratoscope_array array{};
  ASSERT_EQ(stratoscope_tensor(model.get(), "wpe.weight", &array, nullptr), STRATOSCOPE_OK) << CModel::problem();
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(array.data) % alignof(float), 0U);
  const auto expected = test::random_tensors({}).at("wpe.weight").values;
  EXPECT_EQ(std::memcmp(array.data, expected.data(), expected.size() * sizeof(float)), 0);
}

}  // namespace
}  // namespace stratoscope
