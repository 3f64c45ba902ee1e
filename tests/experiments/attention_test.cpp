// Attention: patterns read block by block are those of a whole run, also with edits.
#include "stratoscope/experiments/attention.h"

#include <gtest/gtest.h>

#include "tests/support/built_in_model.h"
#include "tests/support/errors.h"

namespace stratoscope {
namespace {

using test::built_in;
using test::refuses;
using EngineRun = Run<float>;  // inside a test `Run` is GoogleTest's

AttentionRequest asked(const std::vector<HookExpression>& heads, const std::vector<EditExpression>& edits = {}) {
  AttentionRequest request;
  request.text = test::kPenguins;
  request.heads = heads;
  request.edits.expressions = edits;
  return request;
}

void expect_patterns_of_a_whole_run(const AttentionRequest& request) {
  const Attention result = attention(built_in(), request);
  RunRequest pass;
  std::vector<HookPoint> points;
  for (std::size_t layer = 0; layer < result.n_layers; ++layer) points.push_back({Hook::pattern, layer});
  pass.captures = captures_of(points);
  const EditedRun edited = run_text(built_in(), result.text, request.edits, pass);
  const auto& whole = std::get<EngineRun>(edited.run);
  for (const HeadPattern& pattern : result.patterns) {
    const auto expected = whole.value({Hook::pattern, pattern.layer}).slice(pattern.head);
    for (std::size_t query = 0; query < pattern.weights.size(); ++query) {
      ASSERT_EQ(pattern.weights[query].size(), query + 1);
      for (std::size_t key = 0; key <= query; ++key)
        ASSERT_EQ(static_cast<float>(pattern.weights[query][key]), expected.row(query)[key]);
    }
  }
  for (const HeadScores& head : result.heads) {
    const auto pattern = whole.value({Hook::pattern, head.layer}).slice(head.head);
    const auto scores = attention_scores(pattern, std::span<const TokenId>(result.text.ids));
    EXPECT_EQ(scores.previous, head.scores.previous);
    EXPECT_EQ(scores.entropy, head.scores.entropy);
  }
}

TEST(Attention, PatternsAndScoresAreThoseOfAWholeRun) {
  expect_patterns_of_a_whole_run(asked({"L0H0", "L3H-1", "L7H2"}));
  expect_patterns_of_a_whole_run(
      asked({"L4H1"}, {"hook_embed[2] *= 2", "blocks.1.hook_resid_post *= 0.5", "pattern.4.head[1].key[0] = zero"}));
}

TEST(Attention, RepeatedTextHasInduction) {
  AttentionRequest request = asked({});
  EXPECT_TRUE(std::isnan(attention(built_in(), request).heads[0].scores.induction));
  request.repeat = true;
  const Attention twice = attention(built_in(), request);
  const auto ranking = ranked(twice, AttentionScore::induction);
  ASSERT_EQ(ranking.size(), twice.n_layers * twice.n_heads);
  EXPECT_GT(ranking[0].scores.induction, 0);
  for (std::size_t i = 1; i < ranking.size(); ++i)
    EXPECT_GE(ranking[i - 1].scores.induction, ranking[i].scores.induction);
}

TEST(Attention, FiguresAndRefusals) {
  AttentionRequest request = asked({});
  request.layer = "1";
  const Attention block = attention(built_in(), request);
  EXPECT_EQ(figure_of(block, AttentionScore::previous).panels.size(), block.n_heads);
  EXPECT_EQ(figure_of(attention(built_in(), asked({})), AttentionScore::entropy).panels.size(), 1U);
  EXPECT_TRUE(refuses([] { attention(built_in(), asked({"resid_post.1"})); }, "'resid_post.1' is not a head"));
  EXPECT_TRUE(refuses([] { attention(built_in(), asked({"L99H0"})); }, "block 99 is out of range"));
  EXPECT_TRUE(refuses([] { parse_choice<AttentionScore>("x", "by"); }, "by: there is no 'x'; one of previous"));
}

}  // namespace
}  // namespace stratoscope
