// Choices by name: tokens, targets, precisions; and labels.
#include <gtest/gtest.h>

#include "stratoscope/experiments/activations.h"
#include "stratoscope/experiments/sweep.h"
#include "stratoscope/session/labels.h"
#include "tests/support/built_in_model.h"
#include "tests/support/errors.h"

namespace stratoscope {
namespace {

using test::built_in;
using test::refuses;

Text text_of(const char* text) { return built_in().read(text); }

std::string chosen(const Text& text, const std::optional<TokenChoice>& choice) {
  return text.tokens[choose_token(text, choice)];
}

TEST(ChooseToken, IndexWordPieceAndDefault) {
  const Text text = text_of(test::kPenguins);
  ASSERT_EQ(text.ids.size(), 10U);
  EXPECT_EQ(choose_token(text, std::nullopt), 8U);
  EXPECT_EQ(choose_token(text_of("A wise man"), std::nullopt), 2U);
  EXPECT_EQ(choose_token(text, "0"), 0U);
  EXPECT_EQ(choose_token(text, "-1"), 9U);
  EXPECT_EQ(chosen(text, "cute"), " cute");
  EXPECT_EQ(chosen(text, " cute"), " cute");
  EXPECT_EQ(chosen(text, "A"), "A");
  EXPECT_EQ(choose_token(text, " wise man"), 2U) << "the last token of several";
  EXPECT_TRUE(refuses([&] { choose_token(text, "10"); }, "token: 10 is out of range; tokens are 0 to 9"));
  EXPECT_TRUE(refuses([&] { choose_token(text, "-11"); }, "-11 is out of range"));
  EXPECT_TRUE(refuses([&] { choose_token(text, "walrus"); }, "'walrus' is neither an index nor a word or token"));
  EXPECT_TRUE(refuses([&] { choose_token(text, "Cute"); }, "'Cute' is neither"));
  EXPECT_TRUE(refuses([&] { choose_token(text, ""); }, "the chosen token is empty"));
  EXPECT_TRUE(refuses([&] { choose_token(text, "99999999999999999999"); }, "is not an index"));
}

TEST(ChooseToken, TheLastPieceOfAWordsFirstOccurrence) {
  const Text text = text_of("The xylophone and the xylophone.");
  const std::size_t index = choose_token(text, "xylophone");
  EXPECT_EQ(text.offsets[index].second, std::string("The xylophone").size());
}

TEST(Targets, AreTextsOrIds) {
  SweepExperimentRequest request;
  request.text = "As Gregor";
  request.edits = {"blocks.{layer}.hook_mlp_out = zero"};
  request.axes = {"layer=0,-1"};
  const auto with = [&](const TargetChoice& target) {
    request.targets = {target};
    return sweep_text(built_in(), request);
  };
  const SweepExperiment by_text = with({" insect", std::nullopt}), by_id = with({"", by_text.targets[0].id});
  EXPECT_EQ(by_id.targets[0].token, " insect");
  EXPECT_EQ(by_text.result.values, by_id.result.values);
  EXPECT_TRUE(by_text.warnings.empty());

  const SweepExperiment cut = with({" insect vermin", std::nullopt});
  EXPECT_EQ(cut.targets[0].id, by_text.targets[0].id);
  EXPECT_GT(cut.targets[0].ids.size(), 1U);
  ASSERT_EQ(cut.warnings.size(), 1U);
  EXPECT_NE(cut.warnings[0].find("the first is used"), std::string::npos);
  request.whole = true;
  const SweepExperiment whole = with({" insect vermin", std::nullopt});
  EXPECT_TRUE(whole.warnings.empty());
  EXPECT_LT(whole.result.clean, cut.result.clean) << "more tokens are less likely";
  request.whole = false;

  EXPECT_TRUE(refuses([&] { with({"", std::nullopt}); }, "target: is empty"));
  EXPECT_TRUE(refuses([&] { with({"", 8192}); }, "token id 8192 is out of range; ids are 0 to 8191"));
  EXPECT_TRUE(refuses([&] { with({"", -1}); }, "token id -1 is out of range"));
  EXPECT_TRUE(refuses([&] { with({"\xFF", std::nullopt}); }, "UTF-8"));
  EXPECT_TRUE(refuses([] { parse_choice<Metric>("perplexity", "metric"); }, "one of log_prob"));
}

TEST(Precisions, Names) {
  EXPECT_EQ(parse_precision("fp32"), Precision::fp32);
  EXPECT_EQ(parse_precision("fp64"), Precision::fp64);
  for (const char* name : {"fp32", "bf16", "fp64"}) EXPECT_EQ(name_of(parse_precision(name)), name);
  EXPECT_TRUE(refuses([] { parse_precision("fp16"); }, "there is no 'fp16'; there are fp32, bf16 and fp64"));
}

TEST(Precisions, OneThatIsGoneNamesWhatToUse) {
  EXPECT_TRUE(refuses([] { parse_precision("bf16x3"); }, "bf16x3 was removed: fp32 is faster and more exact"));
  EXPECT_TRUE(refuses([] { parse_precision("bf16x3"); }, "use fp32 or bf16"));
  for (const char* other : {"fp32", "bf16", "fp64", "fp16", "bf16x", "bf16x33", ""}) EXPECT_EQ(why_gone(other), "");
}

TEST(Texts, AreReadWithNotesOfWhatWasChanged) {
  const Text plain = text_of("A wise man"), with_bos = built_in().read("A wise man", {AddedTokens::beginning});
  EXPECT_TRUE(plain.notes.empty());
  ASSERT_EQ(with_bos.ids.size(), plain.ids.size() + 1);
  EXPECT_EQ(with_bos.offsets[0], (std::pair<std::size_t, std::size_t>{0, 0}));
  EXPECT_EQ(with_bos.notes.size(), 1U);
  EXPECT_TRUE(refuses([] { text_of(""); }, "text: is empty"));
  EXPECT_EQ(built_in().read("", {AddedTokens::beginning}).ids.size(), 1U);
  EXPECT_TRUE(refuses([] { text_of("ab\xFFz"); }, "2"));

  std::string longer;
  const std::size_t context = built_in().config().n_ctx;
  for (std::size_t i = 0; i < context + 5; ++i) longer += " man";
  EXPECT_TRUE(refuses([&] { text_of(longer.c_str()); }, "more than the model's context of " + std::to_string(context)));
  const Text cut = built_in().read(longer, {AddedTokens::usual, true});
  EXPECT_EQ(cut.ids.size(), context);
  EXPECT_EQ(cut.text.size(), 4 * context);
  EXPECT_EQ(cut.notes.size(), 1U);
  EXPECT_EQ(built_in().read(longer, {AddedTokens::usual, false, false}).ids.size(), context + 5);
}

TEST(Labels, TokensDepthsAndNumbers) {
  EXPECT_EQ(token_label(" cute"), "“ cute”");
  EXPECT_EQ(token_label("\n\t"), "“↵⇥”");
  EXPECT_EQ(token_label(std::string_view("\0", 1)), "“\uFFFD”");
  EXPECT_EQ(depth_label(0), "Emb");
  EXPECT_EQ(depth_label(12), "L11");
  EXPECT_EQ(block_label(11), "L11");
  EXPECT_EQ(depth_labels(built_in().config()).size(), 13U);
}

}  // namespace
}  // namespace stratoscope
