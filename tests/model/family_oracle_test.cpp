// Random checkpoints of every family against what tests/oracle/families computes of them in float64: every hook point,
// hidden state and logit, engine and reference.
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "stratoscope/base/mapped_file.h"
#include "stratoscope/model/model.h"
#include "tests/support/compare.h"
#include "tests/support/expected_run.h"
#include "tests/support/runs.h"

namespace stratoscope {
namespace {

constexpr double kOracleEngineTolerance = 2e-5;
constexpr double kOracleReferenceTolerance = 1e-10;

std::vector<std::filesystem::path> family_cases() {
  const std::filesystem::path folder = FAMILY_ORACLE_DIR;
  std::vector<std::filesystem::path> cases;
  if (std::filesystem::exists(folder / "cases.json"))
    for (const auto& name : nlohmann::json::parse(read_text_file(folder / "cases.json")))
      cases.push_back(folder / name.get<std::string>());
  return cases;
}

template <class Compute>
void expect_oracle_everywhere(double tolerance, Compute compute) {
  const auto cases = family_cases();
  if (cases.empty()) GTEST_SKIP() << "no cases: run CTest's oracle.family_cases, which needs python3 with numpy";
  for (const auto& folder : cases) {
    SCOPED_TRACE(folder.filename().string());
    const SafetensorsFile expected(folder / "expected.safetensors");
    try {
      const Model model = Model::load(folder);
      const RunRequest everything = test::everything_of(model.config(), {test::ids_of(expected.at("input_ids"))});
      test::expect_run(expected, compute(model, everything), tolerance);
    } catch (const std::exception& error) {
      ADD_FAILURE() << error.what();
    }
  }
}

TEST(FamilyOracle, EngineAgreesAtEveryHookPoint) {
  expect_oracle_everywhere(kOracleEngineTolerance,
                           [](const Model& model, const RunRequest& request) { return model.run(request); });
}

TEST(FamilyOracle, ReferenceAgreesAtEveryHookPoint) {
  expect_oracle_everywhere(kOracleReferenceTolerance,
                           [](const Model& model, const RunRequest& request) { return model.run_reference(request); });
}

TEST(FamilyOracle, HookPointsAreThoseOfTheFamily) {
  for (const auto& folder : family_cases()) {
    SCOPED_TRACE(folder.filename().string());
    std::set<std::string> expected, actual;
    const SafetensorsFile file(folder / "expected.safetensors");
    for (const auto& [name, tensor] : file.tensors()) expected.insert(name);
    for (const char* other : {"input_ids", "hidden_states", "logits"}) expected.erase(other);
    for (const HookPoint point : all_hook_points(Model::load(folder).config())) actual.insert(name_of(point));
    EXPECT_EQ(actual, expected);
  }
}

}  // namespace
}  // namespace stratoscope
