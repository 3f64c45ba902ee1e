// Steering against means, edits and greedy continuations that are computed from whole runs.
#include "stratoscope/experiments/steer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "stratoscope/files/safetensors.h"
#include "stratoscope/session/json_document.h"
#include "tests/base/temporary_folder.h"
#include "tests/support/built_in_model.h"
#include "tests/support/compare.h"
#include "tests/support/edited_metric.h"
#include "tests/support/errors.h"

namespace stratoscope {
namespace {

using stratoscope::testing::TemporaryFolder;
using test::built_in;
using test::refuses;

// Only a table, of a small grid.
SteerRequest towards_joy() {
  SteerRequest request;
  request.text = "The old man looked at the sea and";
  request.positive = {"He was happy and", "She laughed with joy, and"};
  request.negative = {"He was sad and", "She cried in despair, and", "Yes"};
  request.layers = "7,0,11";
  request.strengths = {-2, 0, 1.5};
  request.max_new = 0;
  return request;
}

// The mean over the texts' last positions, or over all of them, in double.
std::vector<double> mean_of_runs(const std::vector<std::string>& texts, HookPoint point, bool all_positions) {
  const std::size_t width = built_in().config().d_model;
  std::vector<double> sums(width);
  double rows = 0;
  for (const std::string& text : texts) {
    const auto run = test::whole_run(built_in(), text, {}, {point});
    const auto& value = run.value(point);
    const std::size_t positions = value.shape()[0];
    for (std::size_t p = all_positions ? 0 : positions - 1; p < positions; ++p, ++rows)
      for (std::size_t i = 0; i < width; ++i) sums[i] += static_cast<double>(value.data()[p * width + i]);
  }
  for (double& sum : sums) sum /= rows;
  return sums;
}

void expect_differences_of_means(const SteerRequest& request, Hook hook) {
  const Steering steering = steer(built_in(), request);
  EXPECT_EQ(steering.positive, request.positive.size());
  EXPECT_EQ(steering.negative, request.negative.size());
  ASSERT_EQ(steering.vectors.size(), built_in().config().n_layers());
  for (const std::size_t layer : {0U, 5U, 11U}) {
    const auto positive = mean_of_runs(request.positive, {hook, layer}, request.all_positions),
               negative = mean_of_runs(request.negative, {hook, layer}, request.all_positions);
    ASSERT_EQ(steering.vectors[layer].size(), positive.size());
    for (std::size_t i = 0; i < positive.size(); ++i)
      ASSERT_NEAR(steering.vectors[layer][i], positive[i] - negative[i], 1e-6 * (1 + std::abs(positive[i])))
          << "block " << layer << ", number " << i;
  }
}

TEST(Steer, DirectionsAreDifferencesOfMeansOverLastPositions) {
  expect_differences_of_means(towards_joy(), Hook::resid_post);
}

TEST(Steer, DirectionsAreDifferencesOfMeansOverAllPositions) {
  SteerRequest request = towards_joy();
  request.all_positions = true;
  expect_differences_of_means(request, Hook::resid_post);
}

TEST(Steer, DirectionsOfAnotherHookPoint) {
  SteerRequest request = towards_joy();
  request.hook = "hook_attn_out";
  expect_differences_of_means(request, Hook::attn_out);
}

TEST(Steer, DirectionsOfBlocksAreThoseOfTheHiddenStates) {
  const SteerRequest request = towards_joy();
  const Steering steering = steer(built_in(), request);
  const auto state = [&](const std::string& text, std::size_t depth) {
    const auto run = test::whole_run(built_in(), text);
    const auto states = run.hidden_states.slice(depth);
    return std::vector<double>(states.row(states.rows - 1), states.row(states.rows - 1) + states.cols);
  };
  for (const std::size_t layer : {0U, 6U}) {
    const auto a = state(request.positive[0], layer + 1), b = state(request.positive[1], layer + 1);
    const auto c = state(request.negative[0], layer + 1), d = state(request.negative[1], layer + 1),
               e = state(request.negative[2], layer + 1);
    for (std::size_t i = 0; i < a.size(); ++i)
      ASSERT_NEAR(steering.vectors[layer][i], (a[i] + b[i]) / 2 - (c[i] + d[i] + e[i]) / 3, 1e-5);
  }
}

TEST(Steer, TheTableHasTheBitsOfEditsThatAddTheSavedDirections) {
  const TemporaryFolder folder;
  SteerRequest request = towards_joy();
  request.file = folder / "joy.safetensors";
  for (const bool is_target : {false, true}) {
    request.metric = is_target ? Metric::log_prob : Metric::kl;
    if (is_target) request.targets = {{" he", std::nullopt}};
    const Steering steering = steer(built_in(), request);
    EXPECT_EQ(steering.layers, (std::vector<std::size_t>{7, 0, 11}));
    ASSERT_EQ(steering.sweep.values.size(), 9U);
    test::FollowedMetric followed{request.metric, {}};
    if (is_target) followed.targets = {steering.targets[0].id};
    EXPECT_EQ(steering.sweep.clean, test::edited_metric(built_in(), request.text, {}, followed));
    for (std::size_t i = 0; i < 9; ++i) {
      const std::string layer = std::to_string(steering.layers[i / 3]);
      const std::string edit = "blocks." + layer +
                               ".hook_resid_post += " + nlohmann::json(request.strengths[i % 3]).dump() + " * " +
                               request.file->string() + ":layer." + layer;
      EXPECT_EQ(steering.sweep.values[i], test::edited_metric(built_in(), request.text, {{edit}, {}}, followed))
          << edit;
      EXPECT_EQ(steering.sweep.values[i] == steering.sweep.clean, request.strengths[i % 3] == 0) << edit;
    }
  }
}

TEST(Steer, SavedDirectionsSteerAgainWithTheSameBits) {
  const TemporaryFolder folder;
  SteerRequest request = towards_joy();
  request.file = folder / "joy.safetensors";
  request.max_new = 3;
  const Steering first = steer(built_in(), request);
  EXPECT_EQ(first.file, request.file);
  const SafetensorsFile file(*request.file);
  EXPECT_EQ(file.tensors().size(), built_in().config().n_layers());
  EXPECT_EQ(test::values_of(file.at("layer.4")), first.vectors[4]);
  EXPECT_EQ(file.metadata().at("hook"), "hook_resid_post");
  EXPECT_EQ(file.metadata().at("model_hash"), built_in().model_hash());
  EXPECT_EQ(nlohmann::json::parse(file.metadata().at("negative")), nlohmann::json(request.negative));

  SteerRequest again = request;
  again.positive = again.negative = {};
  again.file = std::nullopt;
  again.vectors = request.file;
  const Steering second = steer(built_in(), again);
  EXPECT_EQ(second.vectors, first.vectors);
  EXPECT_EQ(second.sweep.values, first.sweep.values);
  EXPECT_EQ(second.steered_text, first.steered_text);
  EXPECT_EQ(second.positive, 0U);
  again.hook = "hook_attn_out";
  EXPECT_TRUE(
      refuses([&] { steer(built_in(), again); }, "was made with the hook 'hook_resid_post', not 'hook_attn_out'"));
}

// The model's continuation of the text, token by token from whole runs.
std::string continued_by_hand(const std::string& text, const std::vector<EditExpression>& edits, std::size_t count) {
  TokenIds ids = built_in().read(text).ids;
  EditResolver resolver(built_in(), {edits, {}});
  std::string written;
  for (std::size_t i = 0; i < count; ++i) {
    RunRequest request;
    request.sequences = {ids};
    request.edits = resolver.resolve(ids);
    const auto run = built_in().model().run(request);
    const auto logits = test::last_logits(run);
    ids.push_back(static_cast<TokenId>(std::max_element(logits.begin(), logits.end()) - logits.begin()));
    written += built_in().token_bytes(ids.back());
  }
  return written;
}

TEST(Steer, TheTextsAreWrittenUnderTheDirectionOfOneBlock) {
  const TemporaryFolder folder;
  SteerRequest request = towards_joy();
  request.file = folder / "joy.safetensors";
  request.max_new = 6;
  request.layer = -9;
  request.strength = 5;
  const Steering steering = steer(built_in(), request);
  EXPECT_EQ(steering.layer, 3U);
  EXPECT_EQ(steering.clean_text, continued_by_hand(request.text, {}, 6));
  const std::string edit = "blocks.3.hook_resid_post += 5 * " + request.file->string() + ":layer.3";
  EXPECT_EQ(steering.steered_text, continued_by_hand(request.text, {edit}, 6));
  EXPECT_NE(steering.steered_text, steering.clean_text);
  request.layer = std::nullopt;
  request.max_new = 0;
  const Steering silent = steer(built_in(), request);
  EXPECT_EQ(silent.layer, built_in().config().n_layers() / 2) << "the middle one";
  EXPECT_EQ(silent.clean_text + silent.steered_text, "");
}

TEST(Steer, Refusals) {
  const TemporaryFolder folder;
  const auto refused = [](const auto& change, const char* says) {
    SteerRequest request = towards_joy();
    change(request);
    return refuses([&] { steer(built_in(), request); }, says);
  };
  EXPECT_TRUE(refused([](auto& r) { r.vectors = "joy.safetensors"; }, "vectors and prompts are given"));
  EXPECT_TRUE(refused([](auto& r) { r.vectors = "a.safetensors", r.positive = {}; }, "vectors and prompts are given"));
  EXPECT_TRUE(refused(
      [&](auto& r) {
        r.vectors = folder / "a.safetensors", r.positive = r.negative = {}, r.file = folder / "b.safetensors";
      },
      "the file of vectors holds the directions already"));
  EXPECT_TRUE(refused([&](auto& r) { r.vectors = folder / "none.safetensors", r.positive = r.negative = {}; },
                      "none.safetensors"));
  EXPECT_TRUE(refused([](auto& r) { r.positive = {}; }, "there is no positive prompt"));
  EXPECT_TRUE(refused([](auto& r) { r.negative = {}; }, "there is no negative prompt"));
  EXPECT_TRUE(refused([](auto& r) { r.negative[2] = ""; }, "negative prompt 2: is empty"));
  EXPECT_TRUE(refused([](auto& r) { r.negative = r.positive; }, "have the same mean at every block"));
  EXPECT_TRUE(refused([](auto& r) { r.strengths = {}; }, "there are no strengths"));
  EXPECT_TRUE(refused([](auto& r) { r.strengths = {1, 1e300}; }, "is not a strength"));
  EXPECT_TRUE(refused([](auto& r) { r.strength = std::numeric_limits<double>::quiet_NaN(); }, "not a finite number"));
  EXPECT_TRUE(refused([](auto& r) { r.layers = "12"; }, "layer: 12 is out of range"));
  EXPECT_TRUE(refused([](auto& r) { r.layer = 12; }, "layer: 12 is out of range"));
  EXPECT_TRUE(refused([](auto& r) { r.metric = Metric::log_prob; }, "reads 1 target"));
  EXPECT_TRUE(refused([&](auto& r) { r.file = folder / "joy.npy"; }, "does not end in .safetensors"));
  for (const char* hook :
       {"attn.hook_z", "attn.hook_pattern", "hook_embed", "blocks.3.hook_resid_post", "hook_nothing"})
    EXPECT_TRUE(refused([&](auto& r) { r.hook = hook; }, "is not a hook point for steering")) << hook;
  EXPECT_EQ(folder.entry_count(), 0U);
}

TEST(Steer, VectorsThatAreNone) {
  const TemporaryFolder folder;
  SteerRequest request = towards_joy();
  request.positive = request.negative = {};
  request.vectors = folder / "v.safetensors";
  const std::size_t layers = built_in().config().n_layers(), width = built_in().config().d_model;
  const auto refused = [&](std::size_t count, std::size_t size, float number, const char* says) {
    const std::vector<float> values(size, number);
    std::vector<ArrayView> arrays;
    for (std::size_t layer = 0; layer < count; ++layer)
      arrays.push_back(array_view("layer." + std::to_string(layer), std::span<const float>(values), {size}));
    write_safetensors(*request.vectors, arrays);
    return refuses([&] { steer(built_in(), request); }, says);
  };
  EXPECT_TRUE(refused(layers, width / 2, 1, "has shape [96], expected [192]"));
  EXPECT_TRUE(refused(layers - 1, width, 1, "layer.11"));
  EXPECT_TRUE(refused(layers, width, NAN, "'layer.0' holds NaN or infinity"));
  EXPECT_TRUE(refused(layers, width, 0, "the same mean at every block"));
  EXPECT_FALSE(refused(layers, width, 1, "")) << "a file of any maker steers";
}

TEST(Steer, DocumentAndFigureHoldTheSameNumbers) {
  const Steering steering = steer(built_in(), towards_joy());
  const nlohmann::json document = nlohmann::json::parse(to_json(built_in(), steering).text());
  ASSERT_EQ(document["results"].size(), 9U);
  const Figure figure = figure_of(steering);
  const auto& drawn = std::get<Heatmap>(figure.panels.at(0).marks.at(0)).values;
  ASSERT_EQ(drawn.size() * drawn[0].size(), 9U);
  for (std::size_t i = 0; i < 9; ++i) {
    EXPECT_EQ(document["results"][i]["layer"], steering.layers[i / 3]);
    EXPECT_EQ(document["results"][i]["strength"], steering.strengths[i % 3]);
    EXPECT_EQ(document["results"][i]["value"], steering.sweep.values[i]);
  }
  double squares = 0;
  for (const double number : steering.vectors[8]) squares += number * number;
  EXPECT_NEAR(document["norms"][8].get<double>(), std::sqrt(squares), 1e-9);
  EXPECT_EQ(document["prompts"], (nlohmann::json{{"positive", 2}, {"negative", 3}}));
}

}  // namespace
}  // namespace stratoscope
