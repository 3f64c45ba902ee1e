// Engine and reference against PyTorch in float64, at every hook point of every case of the oracle.
#include <gtest/gtest.h>

#include "stratoscope/model/model.h"
#include "tests/support/compare.h"
#include "tests/support/oracle.h"
#include "tests/support/watched.h"

namespace stratoscope {
namespace {

using test::largest_row_error;
using test::OracleCase;
using test::values_of;

constexpr double kTolerance = 2e-5;           // of a row's largest magnitude
constexpr double kSmallestAllowance = 5e-7;   // however exact PyTorch is
constexpr double kReferenceTolerance = 1e-6;  // the expected numbers are rounded to float32
constexpr double kReferenceTolerance64 = 1e-12;

// Twice PyTorch float32's own error, and the project's tolerance. Where PyTorch itself is beyond that (scores of a row
// with few keys, which nearly cancel; heads of one dimension) no float32 engine can keep it, and twice its error stands
// alone.
double limit_for(double pytorch_error) {
  const double twice = std::max(2 * pytorch_error, kSmallestAllowance);
  return pytorch_error > kTolerance ? twice : std::min(twice, kTolerance);
}

RunRequest everything(const OracleCase& which, const ModelConfig& config) {
  RunRequest request;
  request.sequences = {which.ids()};
  request.captures = captures_of(all_hook_points(config));
  return request;
}

// Calls body(name, tensor) for hidden states, logits and all captured values.
template <class T, class Body>
void for_each_value(const Run<T>& run, const Body& body) {
  body("hidden_states", run.hidden_states);
  body("logits", run.logits);
  for (const auto& [point, value] : run.captured) body(name_of(point), value);
}

template <class T>
void expect_within(const SafetensorsFile& file, const std::string& name, const BasicTensor<T>& actual, double limit) {
  const StoredTensor& stored = file.at(name);
  const auto expected = values_of(stored);
  ASSERT_EQ(element_count(stored.shape), actual.size()) << name;
  const auto error = largest_row_error(actual.values(), std::span<const double>(expected), stored.shape.back());
  EXPECT_LE(error.relative, limit) << name << " at " << error.where();
}

class Numbers : public ::testing::Test {
 protected:
  void SetUp() override {
    if (cases_.empty()) GTEST_SKIP() << test::kNoOracle;
  }
  const std::vector<OracleCase> cases_ = test::oracle_cases();
};

TEST_F(Numbers, EngineIsAsExactAsPyTorchAtEveryHookPoint) {
  for (const OracleCase& which : cases_) {
    SCOPED_TRACE(which.name);
    const SafetensorsFile expected = which.expected();
    const auto pytorch = which.pytorch_errors();
    const Model model = Model::load(which.model);
    for_each_value(model.run(everything(which, model.config())), [&](const std::string& name, const Tensor& value) {
      expect_within(expected, name, value, limit_for(pytorch.at(name)));
    });
  }
}

TEST_F(Numbers, ReferenceAgreesAtEveryHookPoint) {
  for (const OracleCase& which : cases_) {
    // The plain path is the same for every width.
    if (test::kWatched && (which.name == "wider" || which.name == "gpt2_width")) continue;
    SCOPED_TRACE(which.name);
    const SafetensorsFile expected = which.expected();
    const Model model = Model::load(which.model, {Precision::fp64, 0, nullptr});
    const auto run = model.run_reference(everything(which, model.config()));
    for_each_value(run, [&](const std::string& name, const BasicTensor<double>& value) {
      expect_within(expected, name, value, kReferenceTolerance);
    });
    expect_within(expected, "hidden_states.f64", run.hidden_states, kReferenceTolerance64);
    expect_within(expected, "logits.f64", run.logits, kReferenceTolerance64);
  }
}

TEST_F(Numbers, EveryTensorOfTheOracleIsCompared) {
  for (const OracleCase& which : cases_) {
    const Model model = Model::load(which.model, {Precision::fp64, 0, nullptr});
    std::size_t points = 0;
    for (const auto& [name, error] : which.pytorch_errors())
      if (name != "hidden_states" && name != "logits")
        points += find_hook_point(name, model.config()).has_value() ? 1U : 0U;
    EXPECT_EQ(points + 2, which.pytorch_errors().size()) << which.name;
    EXPECT_EQ(points, all_hook_points(model.config()).size()) << which.name;
  }
}

}  // namespace
}  // namespace stratoscope
