// Patches against whole runs with `= corrupt` edits, normalised by hand.
#include "stratoscope/experiments/patch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "stratoscope/session/json_document.h"
#include "tests/support/built_in_model.h"
#include "tests/support/edited_metric.h"
#include "tests/support/errors.h"

namespace stratoscope {
namespace {

using test::built_in;
using test::edited_metric;
using test::refuses;

constexpr const char *kKing = "The king sat down and", *kDog = "The dog sat down and";

PatchRequest king_and_dog() {
  PatchRequest request;
  request.text = kKing;
  request.corrupt = kDog;
  request.targets = {{" he", std::nullopt}, {" it", std::nullopt}};
  return request;
}

TokenIds ids_of_targets(const Patch& patch) {
  TokenIds ids;
  for (const Target& target : patch.targets) ids.push_back(target.id);
  return ids;
}

void expect_whole_runs(const PatchRequest& request, Metric metric) {
  const Patch patch = stratoscope::patch(built_in(), request);
  EXPECT_EQ(patch.metric, metric);
  const test::FollowedMetric followed{metric, ids_of_targets(patch)};
  const double clean = edited_metric(built_in(), request.text, {}, followed),
               corrupt = edited_metric(built_in(), request.corrupt, {}, followed);
  EXPECT_EQ(patch.clean_value, clean);
  EXPECT_EQ(patch.corrupt_value, corrupt);
  const std::string& into = request.noising ? request.text : request.corrupt;
  const std::string& from = request.noising ? request.corrupt : request.text;
  const std::size_t layers = built_in().config().n_layers(), positions = built_in().read(kKing).ids.size();
  ASSERT_EQ(patch.grids.size(), 4U);
  std::size_t moved = 0;
  for (const PatchGrid& grid : patch.grids) {
    ASSERT_EQ(grid.values.size(), layers);
    for (std::size_t layer = 0; layer < layers; layer += 3) {
      ASSERT_EQ(grid.values[layer].size(), grid.by_head ? built_in().config().n_heads() : positions);
      for (std::size_t place = 0; place < grid.values[layer].size(); ++place) {
        const std::string selector =
            grid.by_head ? ".head[" + std::to_string(place) + "]" : "[" + std::to_string(place) + "]";
        const Edits edits{{"blocks." + std::to_string(layer) + "." + grid.hook + selector + " = corrupt"}, from};
        const double raw = edited_metric(built_in(), into, edits, followed);
        EXPECT_EQ(grid.values[layer][place], (raw - corrupt) / (clean - corrupt)) << edits.expressions[0].text;
        moved += raw != (request.noising ? clean : corrupt) ? 1 : 0;
      }
    }
  }
  EXPECT_GT(moved, 50U);
}

TEST(Patch, CleanValuesIntoTheCorruptRun) { expect_whole_runs(king_and_dog(), Metric::logit_diff); }

TEST(Patch, CorruptValuesIntoTheCleanRun) {
  PatchRequest request = king_and_dog();
  request.noising = true;
  expect_whole_runs(request, Metric::logit_diff);
}

TEST(Patch, OneTargetIsFollowedByItsLogProbability) {
  PatchRequest request = king_and_dog();
  request.targets.resize(1);
  expect_whole_runs(request, Metric::log_prob);
  request.metric = Metric::prob;
  expect_whole_runs(request, Metric::prob);
}

TEST(Patch, TheWholeResidualStreamOfTheDifferingTokenIsTheOtherRun) {
  const Patch denoised = patch(built_in(), king_and_dog());
  ASSERT_EQ(denoised.grids[0].hook, "hook_resid_pre");
  EXPECT_EQ(denoised.grids[0].values[0][1], 1) << "the prompts differ in token 1 alone";
  EXPECT_EQ(denoised.grids[0].values[0][0], 0);
  PatchRequest request = king_and_dog();
  request.noising = true;
  const Patch noised = patch(built_in(), request);
  EXPECT_EQ(noised.grids[0].values[0][1], 0);
  EXPECT_EQ(noised.grids[0].values[0][0], 1);
}

TEST(Patch, WithoutTargetsItFollowsWhatEachPromptMakesLikeliest) {
  PatchRequest request;
  request.text = "Once upon a";
  request.corrupt = "He looked up at";
  ASSERT_EQ(built_in().read(request.text).ids.size(), built_in().read(request.corrupt).ids.size());
  const Patch patch = stratoscope::patch(built_in(), request);
  const auto likeliest = [](const std::string& text) {
    const auto run = test::whole_run(built_in(), text);
    const auto logits = test::last_logits(run);
    return static_cast<TokenId>(std::max_element(logits.begin(), logits.end()) - logits.begin());
  };
  EXPECT_EQ(ids_of_targets(patch), (TokenIds{likeliest(request.text), likeliest(request.corrupt)}));
  EXPECT_EQ(patch.metric, Metric::logit_diff);
  EXPECT_GT(patch.clean_value, 0);
  EXPECT_LT(patch.corrupt_value, 0);
}

TEST(Patch, LengthsThatDifferAreShownSideBySide) {
  PatchRequest request = king_and_dog();
  request.corrupt = "The old dog sat down and";
  try {
    patch(built_in(), request);
    FAIL();
  } catch (const LengthMismatch& error) {
    EXPECT_NE(std::string(error.what()).find("the clean prompt has 5 tokens, the corrupt one 6"), std::string::npos);
    for (const char* token : {"king", "old", "dog"}) EXPECT_NE(error.details().find(token), std::string::npos) << token;
  }
}

TEST(Patch, Refusals) {
  const auto refused = [](const auto& change, const char* says) {
    PatchRequest request = king_and_dog();
    change(request);
    return refuses([&] { patch(built_in(), request); }, says);
  };
  EXPECT_TRUE(refused([](auto& r) { r.metric = Metric::kl, r.targets = {}; }, "likeliest"));
  EXPECT_TRUE(refused([](auto& r) { r.metric = Metric::kl; }, "kl cannot be normalised"));
  EXPECT_TRUE(refused([](auto& r) { r.corrupt = r.text; }, "the same in both prompts"));
  EXPECT_TRUE(refused([](auto& r) { r.corrupt = r.text, r.targets = {}; }, "both prompts make"));
  EXPECT_TRUE(refused([](auto& r) { r.metric = Metric::log_prob; }, "the metric log_prob reads 1 target"));
  EXPECT_TRUE(refused([](auto& r) { r.targets.resize(1), r.metric = Metric::logit_diff; }, "reads 2 targets"));
  EXPECT_TRUE(refused([](auto& r) { r.targets.push_back({" a", std::nullopt}); }, "target"));
  EXPECT_TRUE(refused([](auto& r) { r.targets[0].text = ""; }, "target: is empty"));
  EXPECT_TRUE(refused([](auto& r) { r.corrupt = ""; }, "is empty"));
}

TEST(Patch, DocumentAndFigureHoldTheSameNumbers) {
  for (const bool noising : {false, true}) {
    PatchRequest request = king_and_dog();
    request.noising = noising;
    const Patch patch = stratoscope::patch(built_in(), request);
    const nlohmann::json document = nlohmann::json::parse(to_json(built_in(), patch).text());
    EXPECT_EQ(document["direction"], noising ? "noising" : "denoising");
    EXPECT_EQ(document["clean"]["value"], patch.clean_value);
    EXPECT_EQ(document["corrupt"]["text"], kDog);
    EXPECT_EQ(document["tokens"]["corrupt"][1], " dog");
    const Figure figure = figure_of(patch);
    ASSERT_EQ(figure.panels.size(), 4U);
    ASSERT_EQ(document["grids"].size(), 4U);
    for (std::size_t g = 0; g < 4; ++g) {
      EXPECT_EQ(document["grids"][g]["values"], nlohmann::json(patch.grids[g].values));
      EXPECT_EQ(document["grids"][g]["axes"][1], g == 3 ? "head" : "position");
      auto drawn = std::get<Heatmap>(figure.panels[g].marks[0]).values;
      EXPECT_EQ(drawn[2][1], patch.grids[g].values[2][1] - (noising ? 1 : 0));
    }
  }
}

}  // namespace
}  // namespace stratoscope
