// The built-in model against the float64 goldens: every hook point, hidden state and logit, engine and reference.
#include <gtest/gtest.h>

#include "stratoscope/model/model.h"
#include "tests/support/compare.h"
#include "tests/support/runs.h"

namespace stratoscope {
namespace {

using test::ids_of;
using test::largest_row_error;
using test::values_of;

const std::filesystem::path kSource = STRATOSCOPE_SOURCE_DIR;
constexpr double kEngineTolerance = 2e-5;     // of a row's largest magnitude
constexpr double kReferenceTolerance = 1e-6;  // the goldens are rounded to float32

const Model& engine() {
  static const Model model = Model::load(kSource / "models/novella-7m");
  return model;
}

template <class T>
void expect_agrees(const SafetensorsFile& golden, const std::string& name, const BasicTensor<T>& actual,
                   double tolerance) {
  const StoredTensor& stored = golden.at(name);
  ASSERT_EQ(actual.shape(), stored.shape) << name;
  const auto expected = values_of(stored);
  const auto error = largest_row_error(actual.values(), std::span<const double>(expected), stored.shape.back());
  EXPECT_LE(error.relative, tolerance) << name << " at " << error.where();
}

template <class T>
void expect_all_agree(const SafetensorsFile& golden, const Run<T>& run, double tolerance) {
  expect_agrees(golden, "hidden_states", run.hidden_states, tolerance);
  expect_agrees(golden, "logits", run.logits, tolerance);
  for (const auto& [point, value] : run.captured)
    if (golden.contains(name_of(point))) expect_agrees(golden, name_of(point), value, tolerance);
}

class Golden : public testing::TestWithParam<const char*> {
 protected:
  SafetensorsFile golden_{kSource / "tests/golden" / (std::string(GetParam()) + ".safetensors")};

  RunRequest request() const {
    RunRequest request;
    request.sequences = {ids_of(golden_.at("input_ids"))};
    request.captures = captures_of(all_hook_points(engine().config()));
    return request;
  }
};

TEST_P(Golden, EngineAgreesAtEveryHookPoint) { expect_all_agree(golden_, engine().run(request()), kEngineTolerance); }

TEST_P(Golden, ReferenceAgreesAtEveryHookPoint) {
  expect_all_agree(golden_, engine().run_reference(request()), kReferenceTolerance);
}

TEST_P(Golden, BfloatStaysWithinItsError) {
  RunRequest wanted;
  wanted.sequences = {ids_of(golden_.at("input_ids"))};
  const auto expected_states = values_of(golden_.at("hidden_states"));
  const auto expected_logits = values_of(golden_.at("logits"));
  const std::size_t width = golden_.at("hidden_states").shape.back(), vocab = golden_.at("logits").shape.back();
  const auto error_in = [&](Precision precision) {
    const auto run = Model::load(kSource / "models/novella-7m", {precision, 0, nullptr}).run(wanted);
    const auto states = largest_row_error(run.hidden_states.values(), std::span<const double>(expected_states), width);
    const auto logits = largest_row_error(run.logits.values(), std::span<const double>(expected_logits), vocab);
    return std::max(states.relative, logits.relative);
  };
  const double rounded = error_in(Precision::bf16), whole = error_in(Precision::fp32);
  EXPECT_LE(rounded, 5e-2);
  EXPECT_GT(rounded, 100 * whole) << "bf16 rounds no more than fp32 does";
}

INSTANTIATE_TEST_SUITE_P(Texts, Golden, testing::Values("penguins", "kafka", "dickens"),
                         [](const auto& text) { return text.param; });

TEST(GoldenFile, PenguinsHoldsEveryHookPointButTheLogitsAliasAndOutputsOfNorms) {
  const SafetensorsFile golden(kSource / "tests/golden/penguins.safetensors");
  for (const HookPoint point : all_hook_points(engine().config()))
    EXPECT_TRUE(golden.contains(name_of(point)) || point.hook == Hook::unembed_out ||
                test::is_output_of_norm(point.hook))
        << name_of(point);
}

}  // namespace
}  // namespace stratoscope
