// Small random checkpoints of families against float64 goldens that an independent implementation made: every hook
// point but the outputs of norms, which family_oracle_test.cpp has too, every hidden state and logit, engine and
// reference.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "stratoscope/model/model.h"
#include "tests/support/compare.h"
#include "tests/support/expected_run.h"
#include "tests/support/runs.h"

namespace stratoscope {
namespace {

const std::filesystem::path kFamilies = std::filesystem::path(STRATOSCOPE_SOURCE_DIR) / "tests/golden/families";
constexpr double kFamilyEngineTolerance = 2e-5;  // of a row's largest magnitude, scores: of 1 at least
constexpr double kFamilyReferenceTolerance = 1e-11;

class FamilyGolden : public testing::TestWithParam<const char*> {
 protected:
  Model model_ = Model::load(kFamilies / GetParam());
  SafetensorsFile golden_{kFamilies / (std::string(GetParam()) + ".safetensors")};

  RunRequest everything() const {
    return test::everything_but_outputs_of_norms(model_.config(), {test::ids_of(golden_.at("input_ids"))});
  }
};

TEST_P(FamilyGolden, EngineAgreesAtEveryHookPoint) {
  test::expect_run(golden_, model_.run(everything()), kFamilyEngineTolerance);
}

TEST_P(FamilyGolden, ReferenceAgreesAtEveryHookPoint) {
  test::expect_run(golden_, model_.run_reference(everything()), kFamilyReferenceTolerance);
}

TEST_P(FamilyGolden, HasNoHookPointThatTheModelHasNot) {
  for (const auto& [name, tensor] : golden_.tensors()) {
    if (name == "input_ids" || name == "hidden_states" || name == "logits") continue;
    EXPECT_TRUE(find_hook_point(name, model_.config()).has_value()) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Families, FamilyGolden,
                         testing::Values("gpt_neo", "gpt_neox", "opt", "llama3", "qwen3", "phi3", "gemma2", "gemma3",
                                         "olmo2"),
                         [](const auto& family) { return family.param; });

}  // namespace
}  // namespace stratoscope
