// Random checkpoints of every family against the float64 values of tests/oracle/families: every hook point,
// hidden state and logit, engine and reference.
#include "tests/support/family_oracle.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "stratoscope/model/model.h"
#include "tests/support/compare.h"
#include "tests/support/expected_run.h"
#include "tests/support/runs.h"

namespace stratoscope {
namespace {

constexpr double kOracleEngineTolerance = 2e-5;
constexpr double kOracleReferenceTolerance = 1e-10;
constexpr double kBloomReferenceTolerance = 1e-8;  // its published GELU has sqrt(2 / pi) to eight digits alone

template <class Compute>
void for_each_case(Compute compute) {
  const auto cases = test::family_cases("cases.json");
  if (cases.empty()) GTEST_SKIP() << test::kNoFamilyOracle;
  for (const auto& folder : cases) {
    SCOPED_TRACE(folder.filename().string());
    const SafetensorsFile expected(folder / "expected.safetensors");
    try {
      const Model model = Model::load(folder);
      const RunRequest everything = test::everything_of(model.config(), {test::ids_of(expected.at("input_ids"))});
      compute(model, everything, expected);
    } catch (const std::exception& error) {
      ADD_FAILURE() << error.what();
    }
  }
}

TEST(FamilyOracle, EngineAgreesAtEveryHookPoint) {
  for_each_case([](const Model& model, const RunRequest& everything, const SafetensorsFile& expected) {
    test::expect_run(expected, model.run(everything), kOracleEngineTolerance);
  });
}

TEST(FamilyOracle, ReferenceAgreesAtEveryHookPoint) {
  for_each_case([](const Model& model, const RunRequest& everything, const SafetensorsFile& expected) {
    const bool is_bloom = model.config().family == "bloom";
    test::expect_run(expected, model.run_reference(everything),
                     is_bloom ? kBloomReferenceTolerance : kOracleReferenceTolerance);
  });
}

TEST(FamilyOracle, HookPointsAreThoseOfTheFamily) {
  for_each_case([](const Model&, const RunRequest& everything, const SafetensorsFile& file) {
    std::set<std::string> expected, actual;
    for (const auto& [name, tensor] : file.tensors()) expected.insert(name);
    for (const char* other : {"input_ids", "hidden_states", "logits"}) expected.erase(other);
    for (const Capture& capture : everything.captures) actual.insert(name_of(capture.at));
    EXPECT_EQ(actual, expected);
  });
}

}  // namespace
}  // namespace stratoscope
