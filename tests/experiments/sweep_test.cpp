// A sweep of several measures: documents, arrays, files and figures against sweeps of one measure each.
#include "stratoscope/experiments/sweep.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "stratoscope/session/json_document.h"
#include "tests/base/temporary_folder.h"
#include "tests/support/built_in_model.h"
#include "tests/support/errors.h"

namespace stratoscope {
namespace {

using test::built_in;
using test::refuses;

SweepExperimentRequest penguins() {
  SweepExperimentRequest request;
  request.text = "A wise man once said: Penguins are cute";
  request.edits = {std::string("blocks.{layer}.hook_mlp_out[{position}] *= 0")};
  request.axes = {std::string("layer=0..3"), std::string("position=5:8")};
  request.targets = {TargetChoice{" and", {}}, TargetChoice{".", {}}};
  request.also = {Metric::logit_diff, Metric::kl};
  return request;
}

SweepExperimentRequest alone(Metric metric, std::vector<TargetChoice> targets) {
  SweepExperimentRequest request = penguins();
  request.also.clear();
  request.metric = metric;
  request.targets = std::move(targets);
  return request;
}

TEST(SweepOfSeveralMeasures, HasTheNumbersOfOneMeasureEach) {
  const SweepExperimentRequest request = penguins();
  const SweptPrompts swept = sweep(built_in(), request);
  const SweepExperiment& together = swept.prompts[0];
  const std::vector<SweepExperimentRequest> each = {alone(Metric::log_prob, {request.targets[0]}),
                                                    alone(Metric::log_prob, {request.targets[1]}),
                                                    alone(Metric::logit_diff, request.targets), alone(Metric::kl, {})};
  ASSERT_EQ(together.measures.size(), each.size());
  const Json document = Json::parse(to_json(built_in(), swept).text());
  ASSERT_EQ(document["measures"].size(), each.size());
  EXPECT_EQ(document["metric"], "log_prob");
  for (std::size_t m = 0; m < each.size(); ++m) {
    const SweepExperiment expected = sweep_text(built_in(), each[m]);
    EXPECT_EQ(values_of(together, m), expected.result.values) << m;
    EXPECT_EQ(clean_of(together, m), expected.result.clean) << m;
    EXPECT_EQ(document["measures"][m]["values"], Json(expected.result.values)) << m;
    const Json of_one = Json::parse(to_json(built_in(), expected).text());
    EXPECT_EQ(document["measures"][m]["target"], of_one["target"]) << m;
    EXPECT_FALSE(of_one.contains("measures")) << m;
  }
  for (const NamedValues& array : arrays_of(swept)) {
    if (array.name != "measures") continue;
    EXPECT_EQ(array.shape, (Shape{4, 4, 3}));
    const auto& numbers = std::get<std::vector<double>>(array.values);
    for (std::size_t m = 0; m < each.size(); ++m)
      EXPECT_EQ(std::vector<double>(numbers.begin() + static_cast<std::ptrdiff_t>(m * 12),
                                    numbers.begin() + static_cast<std::ptrdiff_t>((m + 1) * 12)),
                values_of(together, m));
  }
}

TEST(SweepOfSeveralMeasures, IsResumedWithAllOfThem) {
  const testing::TemporaryFolder folder;
  SweepExperimentRequest request = penguins();
  request.resume = folder / "journal";
  const auto first = sweep(built_in(), request), again = sweep(built_in(), request);
  EXPECT_LT(again.operations.done, first.operations.done) << "the clean run alone";
  for (std::size_t m = 0; m < 4; ++m) EXPECT_EQ(values_of(again.prompts[0], m), values_of(first.prompts[0], m));
  request.also = {Metric::logit_diff};
  EXPECT_TRUE(refuses([&] { sweep(built_in(), request); }, "belongs to another sweep"));
}

// One panel for each metric of a grid of one axis, one map for each measure of a grid of two.
TEST(SweepOfSeveralMeasures, IsDrawnInOneFigure) {
  SweepExperimentRequest request = penguins();
  check_figure(built_in(), request);
  EXPECT_EQ(figure_of(sweep_text(built_in(), request)).panels.size(), 4U);
  request.axes = {std::string("layer=0..3")};
  request.edits = {std::string("blocks.{layer}.hook_mlp_out *= 0")};
  check_figure(built_in(), request);
  const SweepExperiment lines = sweep_text(built_in(), request);
  const Figure figure = figure_of(lines);
  ASSERT_EQ(figure.panels.size(), 3U);
  std::vector<std::vector<double>> drawn;
  for (const Panel& panel : figure.panels)
    for (const Mark& mark : panel.marks)
      if (const auto* line = std::get_if<Line>(&mark)) drawn.push_back(line->y);
  ASSERT_EQ(drawn.size(), 4U);
  for (std::size_t m = 0; m < drawn.size(); ++m) EXPECT_EQ(drawn[m], values_of(lines, m));
}

TEST(SweepOfSeveralMeasures, MeansOverPromptsAreThoseOfEachMeasure) {
  SweepExperimentRequest request = penguins();
  request.text.clear();
  request.axes = {std::string("layer=0..3")};
  request.edits = {std::string("blocks.{layer}.hook_mlp_out *= 0")};
  request.prompts = {{"Penguins are", {}, {}}, {"The sea was", {}, {}}};
  const SweptPrompts swept = sweep(built_in(), request);
  const Figure figure = figure_of(swept);
  const auto& line = std::get<Line>(figure.panels[2].marks[1]);  // of kl, after its reference
  for (std::size_t layer = 0; layer < 4; ++layer)
    EXPECT_NEAR(line.y[layer], (values_of(swept.prompts[0], 3)[layer] + values_of(swept.prompts[1], 3)[layer]) / 2,
                1e-12);
}

TEST(SweepOfSeveralMeasures, RefusesMetricsWithoutTheirTargets) {
  SweepExperimentRequest request = penguins();
  request.targets.pop_back();
  EXPECT_TRUE(refuses([&] { sweep(built_in(), request); }, "logit_diff reads 2 targets, but 1 is given"));
  request.also = {Metric::log_prob};
  EXPECT_TRUE(refuses([&] { sweep(built_in(), request); }, "log_prob is given twice"));
  request.also = {Metric::entropy};
  request.metric = Metric::kl;
  EXPECT_TRUE(refuses([&] { sweep(built_in(), request); }, "kl reads 0 targets, but 1 is given"));
}

}  // namespace
}  // namespace stratoscope
