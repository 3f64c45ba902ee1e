// The family that docs/adding-a-family.md adds, with the page's own code: toy.inc and toy_line.inc are its two pieces.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "stratoscope/model/model.h"
#include "tests/support/expected_run.h"
#include "tests/support/family_oracle.h"
#include "tests/support/runs.h"
#include "toy.inc"

namespace stratoscope {
namespace {

constexpr Family kAddedByPage[] = {
#include "toy_line.inc"
};

ModelConfig toy_config(const std::filesystem::path& folder) {
  const auto path = folder / "config.json";
  const auto object = nlohmann::json::parse(read_text_file(path));
  EXPECT_EQ(object["model_type"], kAddedByPage[0].model_type);
  return describe(kAddedByPage[0], ConfigReader(object, path.string()));
}

TEST(ToyFamily, AgreesWithThePagesOracleAtEveryHookPoint) {
  const auto cases = test::family_cases("page_cases.json");
  if (cases.empty()) GTEST_SKIP() << test::kNoFamilyOracle;
  EXPECT_EQ(cases.size(), 3U);
  for (const auto& folder : cases) {
    SCOPED_TRACE(folder.filename().string());
    const SafetensorsFile expected(folder / "expected.safetensors");
    const ModelConfig config = toy_config(folder);
    const Model model(config, std::make_shared<const Checkpoint>(folder, config), {});
    const RunRequest everything = test::everything_of(config, {test::ids_of(expected.at("input_ids"))});
    EXPECT_EQ(everything.captures.size() + 3, expected.tensors().size());
    test::expect_run(expected, model.run(everything), 2e-5);
    test::expect_run(expected, model.run_reference(everything), 1e-10);
  }
}

TEST(ToyFamily, NamesItself) {
  const auto object = nlohmann::json::parse(R"({"vocab_size": 5, "hidden_size": 4, "num_hidden_layers": 1,
                                                "num_attention_heads": 1, "branch_multiplier": 3})");
  const ModelConfig model = describe(kAddedByPage[0], ConfigReader(object, "config.json"));
  EXPECT_EQ(model.title, "Toy");
  EXPECT_EQ(model.family, "toy");
  EXPECT_EQ(model.blocks[0].branch_scale, 3);
  EXPECT_EQ(model.d_mlp(), 64U);
}

}  // namespace
}  // namespace stratoscope
