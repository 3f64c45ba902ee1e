// Windows that score each token once, and scores with the bits of a run of the window alone.
#include "stratoscope/experiments/score.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "stratoscope/experiments/predict.h"
#include "stratoscope/experiments/score_windows.h"
#include "tests/support/built_in_model.h"
#include "tests/support/errors.h"

namespace stratoscope {
namespace {

using test::built_in;
using test::refuses;

TEST(TokenWindows, ScoreEachTokenOnceWithEnoughBeforeIt) {
  std::size_t several = 0;
  for (std::size_t count = 0; count < 40; ++count)
    for (std::size_t context = 2; context < 12; ++context)
      for (std::size_t stride = 1; stride < context; ++stride) {
        std::vector<int> scored(count);
        const auto windows = token_windows(count, context, stride);
        for (std::size_t i = 0; i < windows.size(); ++i) {
          const TokenWindow& window = windows[i];
          ASSERT_EQ(window.begin, i * stride);
          ASSERT_TRUE(window.end <= count && window.end - window.begin <= context);
          for (std::size_t token = window.scored; token < window.end; ++token) {
            ++scored[token];
            ASSERT_TRUE(window.begin == 0 || token - window.begin >= context - stride);
            ASSERT_GT(token, window.begin) << "a token before it predicts it";
          }
        }
        for (std::size_t token = 0; token < count; ++token) ASSERT_EQ(scored[token], token == 0 ? 0 : 1);
        several += windows.size() > 2 ? 1 : 0;
      }
  EXPECT_GT(several, 100U);
}

TEST(Score, OfAShortTextIsThatOfPredict) {
  for (const Precision precision : {Precision::fp32, Precision::fp64}) {
    ScoreRequest request;
    request.text = test::kPenguins;
    const Scores scores = score(built_in(precision), request);
    PredictRequest asked;
    asked.text = test::kPenguins;
    asked.all = true;
    const Predictions expected = predict(built_in(precision), asked);
    ASSERT_EQ(scores.texts.size(), 1U);
    ASSERT_EQ(scores.texts[0].tokens.size(), expected.surprisals.size());
    for (std::size_t i = 0; i < expected.surprisals.size(); ++i)
      EXPECT_NEAR(scores.texts[0].tokens[i].nats, expected.surprisals[i].nats, 1e-12);
    EXPECT_NEAR(scores.total.mean_loss(), expected.mean_loss, 1e-12);
    EXPECT_EQ(scores.total.bytes, request.text.size() - expected.text.offsets[0].second);
  }
}

// The nats of window tokens by a run of the window alone.
std::vector<double> alone(const TokenIds& ids, std::size_t first, const std::vector<HookEdit>& edits = {}) {
  RunRequest pass;
  pass.sequences = {ids};
  pass.edits = edits;
  const auto run = built_in().model().run(pass);
  std::vector<double> nats;
  for (std::size_t token = first; token < ids.size(); ++token)
    nats.push_back(
        -log_softmax(std::as_const(run.logits).matrix().row_span(token - 1))[static_cast<std::size_t>(ids[token])]);
  return nats;
}

TEST(Score, OfALongTextIsThatOfItsWindows) {
  ScoreRequest request;
  request.texts = {test::kPenguins, "a"};
  for (int i = 0; i < 20; ++i) request.texts[1] += std::string(" ") + test::kPenguins;
  request.context = 32;
  request.stride = 8;
  const Scores scores = score(built_in(), request);
  EXPECT_EQ(scores.context, 32U);
  for (std::size_t t = 0; t < 2; ++t) {
    const TokenIds ids = built_in().read(request.texts[t]).ids;
    ASSERT_EQ(scores.texts[t].tokens.size(), ids.size() - 1);
    std::size_t begin = 0, scored = 1;
    while (scored < ids.size()) {
      const std::size_t end = std::min(begin + 32, ids.size());
      const TokenIds window(ids.begin() + static_cast<long>(begin), ids.begin() + static_cast<long>(end));
      const std::vector<double> expected = alone(window, scored - begin);
      for (std::size_t i = 0; i < expected.size(); ++i)
        EXPECT_NEAR(scores.texts[t].tokens[scored - 1 + i].nats, expected[i], 1e-12) << t << " " << scored + i;
      scored = end;
      begin += 8;
    }
  }
  EXPECT_GT(scores.texts[1].tokens.size(), 100U);
  EXPECT_EQ(scores.total.tokens, scores.texts[0].tokens.size() + scores.texts[1].tokens.size());
}

TEST(Score, OfEditsHasTheCleanRunBesideIt) {
  ScoreRequest request;
  request.texts = {test::kPenguins, "The old man gave his crown to the young"};
  const Scores clean = score(built_in(), request);
  EXPECT_FALSE(clean.effect);
  request.edits.expressions = {"blocks.3.hook_resid_post[2:] *= 0.5"};
  const Scores edited = score(built_in(), request);
  ASSERT_TRUE(edited.effect);
  EXPECT_GT(edited.effect->kl, 0);
  double largest = 0;
  for (std::size_t t = 0; t < 2; ++t) {
    const Text text = built_in().read(request.texts[t]);
    EXPECT_EQ(edited.texts[t].sum.other_nats, clean.texts[t].sum.nats);
    RunRequest pass;
    pass.sequences = {text.ids};
    const auto before = built_in().model().run(pass);
    pass.edits = resolve_edits(built_in(), text, request.edits);
    const auto after = built_in().model().run(pass);
    for (std::size_t i = 0; i + 1 < text.ids.size(); ++i) {
      const auto p = log_softmax(std::as_const(before.logits).matrix().row_span(i));
      const auto q = log_softmax(std::as_const(after.logits).matrix().row_span(i));
      const TokenScore& token = edited.texts[t].tokens[i];
      EXPECT_NEAR(token.kl, kl_divergence(p, q), 1e-9);
      EXPECT_NEAR(token.nats, -q[static_cast<std::size_t>(text.ids[i + 1])], 1e-12);
      largest = std::max(largest, token.kl);
    }
    EXPECT_EQ(edited.texts[t].tokens[0].kl, 0) << "the edit begins later";
  }
  EXPECT_EQ(edited.effect->kl, largest);
}

TEST(Score, AgainstTheSameModelIsNothing) {
  ScoreRequest request;
  request.text = test::kPenguins;
  request.against = built_in().folder().string();
  const Scores scores = score(built_in(), request);
  EXPECT_EQ(scores.total.nats, scores.total.other_nats);
  EXPECT_EQ(scores.total.kl, 0);
  EXPECT_GT(scores.total.nats, 0);
}

TEST(Score, OfChoicesIsTheLossOfTheirTokens) {
  ScoreRequest request;
  request.choices = {{"A wise man once said:", {"Penguins are cute.", " Fish xylophone", "No"}, 0},
                     {"The king", {" and the queen", " and"}, std::nullopt}};
  const Scores scores = score(built_in(), request);
  ASSERT_EQ(scores.items.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i)
    for (std::size_t j = 0; j < scores.items[i].choices.size(); ++j) {
      const std::string& choice = request.choices[i].choices[j];
      const Text text = built_in().read(request.choices[i].text + (choice[0] == ' ' ? "" : " ") + choice);
      const std::size_t first = built_in().read(request.choices[i].text).ids.size();
      const auto nats = alone(text.ids, first);
      const ScoredChoice& found = scores.items[i].choices[j];
      EXPECT_EQ(found.sum.tokens, nats.size());
      EXPECT_NEAR(found.sum.nats, std::accumulate(nats.begin(), nats.end(), 0.0), 1e-9);
      EXPECT_EQ(found.choice_bytes, choice.size());
    }
  EXPECT_EQ(scores.labelled(), 1U);
  EXPECT_NEAR(scores.chance(), (1.0 / 3 + 1.0 / 2) / 2, 1e-15);
  ScoredItem item;
  item.choices.resize(3);
  const double nats[] = {6, 5, 8};
  const std::size_t tokens[] = {3, 2, 8}, bytes[] = {30, 5, 10};
  for (std::size_t j = 0; j < 3; ++j) item.choices[j] = {{tokens[j], 99, nats[j], 0, 0}, bytes[j]};
  EXPECT_EQ(item.best(ChoiceNorm::sum), 1U);
  EXPECT_EQ(item.best(ChoiceNorm::per_token), 2U);
  EXPECT_EQ(item.best(ChoiceNorm::per_byte), 0U);
  Scores labelled;
  item.label = 1;
  labelled.items = {item, item};
  labelled.items[1].label = 2;
  EXPECT_EQ(labelled.accuracy(ChoiceNorm::sum), 0.5);
  EXPECT_EQ(labelled.accuracy(ChoiceNorm::per_byte), 0);
}

TEST(Score, Refusals) {
  ScoreRequest request;
  request.text = test::kPenguins;
  request.context = 1;
  EXPECT_TRUE(refuses([&] { score(built_in(), request); }, "a window of 1 tokens is not possible"));
  request.context = 8;
  request.stride = 8;
  EXPECT_TRUE(refuses([&] { score(built_in(), request); }, "--stride is 1 to 7"));
  request = {};
  request.choices = {{"", {"a", "b"}, {}}};
  EXPECT_TRUE(refuses([&] { score(built_in(), request); }, "whose first token nothing predicts"));
  request.texts = {"a"};
  EXPECT_TRUE(refuses([&] { check(request); }, "more than one of TEXT, --texts and --choices"));
  request = {};
  request.texts = {"a b", ""};
  EXPECT_TRUE(refuses([&] { score(built_in(), request); }, "text 1: is empty"));
}

}  // namespace
}  // namespace stratoscope
