// Ablations against whole runs with the same edits by name.
#include "stratoscope/experiments/ablate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
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

constexpr long kInsect = 300;

AblateRequest ablation_of(std::vector<AblatedPart> parts) {
  AblateRequest request;
  request.text = test::kPenguins;
  request.parts = std::move(parts);
  request.targets = {{"", kInsect}};
  return request;
}

std::map<std::string, Ablation> by_name(const Ablations& ablations) {
  std::map<std::string, Ablation> found;
  for (const Ablation& one : ablations.ablations) found[name_of(one)] = one;
  EXPECT_EQ(found.size(), ablations.ablations.size()) << "each part once";
  return found;
}

// The edits that take the part away, as a user would write them.
std::vector<EditExpression> edits_by_name(const Ablation& ablation) {
  const std::string block = "blocks." + std::to_string(ablation.layer);
  switch (ablation.part) {
    case AblatedPart::head: return {block + ".attn.hook_z.head[" + std::to_string(ablation.index) + "] = zero"};
    case AblatedPart::attn: return {block + ".hook_attn_out = zero"};
    case AblatedPart::mlp: return {block + ".hook_mlp_out = zero"};
    case AblatedPart::block: return {block + ".hook_attn_out = zero", block + ".hook_mlp_out = zero"};
    default:
      return {block + ".mlp.hook_post.dim[" + std::to_string(ablation.index) + ".." + std::to_string(ablation.last) +
              "] = zero"};
  }
}

TEST(Ablate, EveryPartHasTheBitsOfAWholeRunWithoutIt) {
  AblateRequest request =
      ablation_of({AblatedPart::head, AblatedPart::attn, AblatedPart::mlp, AblatedPart::block, AblatedPart::neurons});
  request.neurons_in_group = 300;
  const Ablations ablations = ablate(built_in(), request);
  const ModelConfig& config = built_in().config();
  EXPECT_EQ(ablations.clean, edited_metric(built_in(), request.text, {}, {Metric::log_prob, {kInsect}}));
  std::map<AblatedPart, std::size_t> counts;
  for (const Ablation& one : ablations.ablations) {
    ++counts[one.part];
    if (one.layer % 4 != 3) continue;
    const Edits edits{edits_by_name(one), {}};
    EXPECT_EQ(one.value, edited_metric(built_in(), request.text, edits, {Metric::log_prob, {kInsect}})) << name_of(one);
    EXPECT_EQ(one.effect.kl, edited_metric(built_in(), request.text, edits, {Metric::kl, {}})) << name_of(one);
  }
  const std::size_t layers = config.n_layers();
  EXPECT_EQ(counts[AblatedPart::head], layers * config.n_heads());
  for (const AblatedPart part : {AblatedPart::attn, AblatedPart::mlp, AblatedPart::block})
    EXPECT_EQ(counts[part], layers);
  EXPECT_EQ(counts[AblatedPart::neurons], layers * ((config.d_mlp() + 299) / 300));
}

TEST(Ablate, AMetricOfTwoTargetsAndOneOfNone) {
  AblateRequest request = ablation_of({AblatedPart::mlp});
  request.targets = {{"", kInsect}, {" the", std::nullopt}};
  request.metric = Metric::logit_diff;
  const Ablations difference = ablate(built_in(), request);
  const TokenIds targets = {kInsect, built_in().ids_of(" the")[0]};
  for (const Ablation& one : difference.ablations)
    EXPECT_EQ(one.value,
              edited_metric(built_in(), request.text, {edits_by_name(one), {}}, {Metric::logit_diff, targets}))
        << name_of(one);
  request.targets = {};
  request.metric = Metric::kl;
  const Ablations divergence = ablate(built_in(), request);
  EXPECT_EQ(divergence.clean, 0);
  double largest = 0;
  for (const Ablation& one : divergence.ablations) {
    EXPECT_EQ(one.value, one.effect.kl);
    largest = std::max(largest, one.value);
  }
  EXPECT_EQ(divergence.effect.kl, largest);
  EXPECT_GT(largest, 0);
}

TEST(Ablate, TheMostMovingComesFirst) {
  const Ablations ablations = ablate(built_in(), ablation_of({AblatedPart::head, AblatedPart::mlp}));
  double before = HUGE_VAL;
  for (const Ablation& one : ablations.ablations) {
    EXPECT_LE(std::abs(one.value - ablations.clean), before);
    before = std::abs(one.value - ablations.clean);
  }
}

TEST(Ablate, NeuronsGoInSixteenGroupsOrInThoseThatAreAsked) {
  AblateRequest request = ablation_of({AblatedPart::neurons});
  const std::size_t neurons = built_in().config().d_mlp();
  for (const std::size_t size : {std::size_t{0}, std::size_t{500}, neurons, neurons + 100}) {
    request.neurons_in_group = size;
    const std::size_t group = size == 0 ? (neurons + 15) / 16 : size;
    std::vector<bool> taken(neurons);
    for (const Ablation& one : ablate(built_in(), request).ablations) {
      if (one.layer != 2) continue;
      EXPECT_EQ(one.index % group, 0U);
      EXPECT_EQ(one.last, std::min(neurons, one.index + group) - 1);
      for (std::size_t neuron = one.index; neuron <= one.last; ++neuron) {
        EXPECT_FALSE(taken[neuron]);
        taken[neuron] = true;
      }
    }
    EXPECT_EQ(std::count(taken.begin(), taken.end(), true), static_cast<std::ptrdiff_t>(neurons));
  }
}

// The means of a hook point over all positions of the texts, in double.
std::vector<double> mean_by_hand(const std::vector<std::string>& texts, HookPoint point) {
  std::vector<double> sums;
  std::size_t rows = 0;
  for (const std::string& text : texts) {
    const auto run = test::whole_run(built_in(), text, {}, {point});
    const auto& value = run.value(point);
    const std::size_t count = value.shape()[0], width = value.size() / count;
    sums.resize(width);
    for (std::size_t i = 0; i < value.size(); ++i) sums[i % width] += static_cast<double>(value.data()[i]);
    rows += count;
  }
  for (double& sum : sums) sum /= static_cast<double>(rows);
  return sums;
}

std::vector<double> part_of(const std::vector<double>& numbers, std::size_t first, std::size_t count) {
  const auto begin = numbers.begin() + static_cast<std::ptrdiff_t>(first);
  return {begin, begin + static_cast<std::ptrdiff_t>(count)};
}

void expect_means(const AblateRequest& request, const std::vector<std::string>& texts) {
  const Ablations ablations = ablate(built_in(), request);
  const auto parts = by_name(ablations);
  const auto expect = [&](const char* name, const std::vector<EditExpression>& edits) {
    const double by_hand = edited_metric(built_in(), request.text, {edits, {}}, {Metric::log_prob, {kInsect}});
    EXPECT_NEAR(parts.at(name).value, by_hand, 1e-5) << name;
    EXPECT_NE(parts.at(name).value, ablations.clean);
  };
  const std::size_t d_head = built_in().config().d_model / built_in().config().n_heads();
  const auto z = mean_by_hand(texts, {Hook::z, 5}), attn = mean_by_hand(texts, {Hook::attn_out, 5}),
             mlp = mean_by_hand(texts, {Hook::mlp_out, 5}), post = mean_by_hand(texts, {Hook::mlp_post, 5});
  expect("L5H4", {test::set_to("blocks.5.attn.hook_z.head[4]", part_of(z, 4 * d_head, d_head))});
  expect("attn 5", {test::set_to("blocks.5.hook_attn_out", attn)});
  expect("MLP 5", {test::set_to("blocks.5.hook_mlp_out", mlp)});
  expect("block 5", {test::set_to("blocks.5.hook_attn_out", attn), test::set_to("blocks.5.hook_mlp_out", mlp)});
  expect("MLP 5, neurons 256–511", {test::set_to("blocks.5.mlp.hook_post.dim[256..511]", post)});
}

TEST(Ablate, MeansAreThoseOverThePositionsOfTheText) {
  AblateRequest request =
      ablation_of({AblatedPart::head, AblatedPart::attn, AblatedPart::mlp, AblatedPart::block, AblatedPart::neurons});
  request.neurons_in_group = 256;
  request.mean = true;
  expect_means(request, {request.text});
}

TEST(Ablate, MeansAreThoseOverAllPositionsOfTheReferenceTexts) {
  AblateRequest request =
      ablation_of({AblatedPart::head, AblatedPart::attn, AblatedPart::mlp, AblatedPart::block, AblatedPart::neurons});
  request.neurons_in_group = 256;
  request.mean = true;
  request.reference = {"It was the best of times.", "Yes", "Marley was dead: to begin with."};
  expect_means(request, request.reference);
  request.parts = {AblatedPart::mlp};
  request.neurons_in_group = 0;
  const Ablations ablations = ablate(built_in(), request);
  std::size_t tokens = 0;
  for (const std::string& text : request.reference) tokens += built_in().read(text).ids.size();
  EXPECT_EQ(ablations.reference_texts, 3U);
  EXPECT_EQ(ablations.reference_tokens, tokens);
}

TEST(Ablate, Refusals) {
  const auto refused = [](const auto& change, const char* says) {
    AblateRequest request = ablation_of({AblatedPart::mlp});
    change(request);
    return refuses([&] { ablate(built_in(), request); }, says);
  };
  EXPECT_TRUE(refused([](auto& r) { r.parts = {}; }, "there is nothing to ablate"));
  EXPECT_TRUE(refused(
      [](auto& r) {
        r.parts = {AblatedPart::head, AblatedPart::mlp, AblatedPart::head};
      },
      "the part 'heads' is named twice"));
  EXPECT_TRUE(refused([](auto& r) { r.neurons_in_group = 64; }, "groups of 64 neurons are requested, but no neurons"));
  EXPECT_TRUE(
      refused([](auto& r) { r.reference = {"Yes"}; }, "reference texts are given, but zero ablation needs none"));
  EXPECT_TRUE(refused([](auto& r) { r.mean = true, r.reference = {"Yes", ""}; }, "reference text 1: is empty"));
  EXPECT_TRUE(refused([](auto& r) { r.targets = {}; }, "the metric log_prob reads 1 target"));
  EXPECT_TRUE(refused([](auto& r) { r.metric = Metric::kl; }, "kl"));
  EXPECT_TRUE(refused([](auto& r) { r.targets = {{"", 8192}}; }, "token id 8192 is out of range"));
  EXPECT_TRUE(refused([](auto& r) { r.text = ""; }, "is empty"));
  EXPECT_TRUE(refused([](auto& r) { r.memory_limit = 1000; }, "--memory-limit"));
}

TEST(Ablate, DocumentAndFigureHoldTheSameNumbers) {
  const AblateRequest request = ablation_of({AblatedPart::head, AblatedPart::block});
  const Ablations ablations = ablate(built_in(), request);
  const nlohmann::json document = nlohmann::json::parse(to_json(built_in(), ablations).text());
  EXPECT_EQ(document["value"], "zero");
  EXPECT_FALSE(document.contains("reference"));
  EXPECT_EQ(document["clean"], ablations.clean);
  ASSERT_EQ(document["ablations"].size(), ablations.ablations.size());
  const Figure figure = figure_of(ablations);
  ASSERT_EQ(figure.panels.size(), 2U);
  const auto& heads = std::get<Heatmap>(figure.panels[0].marks[0]).values;
  const auto& blocks = std::get<Heatmap>(figure.panels[1].marks[0]).values;
  ASSERT_EQ(blocks.size(), 1U);
  for (std::size_t i = 0; i < ablations.ablations.size(); ++i) {
    const Ablation& one = ablations.ablations[i];
    const nlohmann::json& shown = document["ablations"][i];
    EXPECT_EQ(shown["name"], name_of(one));
    EXPECT_EQ(shown["value"], one.value);
    EXPECT_EQ(shown["change"], one.value - ablations.clean);
    EXPECT_EQ(shown.contains("head"), one.part == AblatedPart::head);
    const double drawn = one.part == AblatedPart::head ? heads.at(one.index).at(one.layer) : blocks[0].at(one.layer);
    EXPECT_EQ(drawn, one.value - ablations.clean) << name_of(one);
  }
}

}  // namespace
}  // namespace stratoscope
