// The three demonstrations against the goldens, in float32 and in float64.
#include <gtest/gtest.h>

#include <cmath>

#include "stratoscope/experiments/activations.h"
#include "stratoscope/experiments/predict.h"
#include "stratoscope/experiments/similarity.h"
#include "stratoscope/experiments/sweep.h"
#include "stratoscope/experiments/verify.h"
#include "tests/support/built_in_model.h"

namespace stratoscope {
namespace {

using nlohmann::json;

class Demonstrations : public ::testing::TestWithParam<Precision> {
 protected:
  const Session& session_ = test::built_in(GetParam());
  // The goldens are printed with nine digits; float32 has fewer.
  const double tolerance_ = GetParam() == Precision::fp64 ? 1e-6 : 1e-5;

  void expect_matrix(const SimilarityMatrix& actual, const json& expected, const char* what) const {
    ASSERT_EQ(actual.size(), expected.size()) << what;
    for (std::size_t a = 0; a < actual.size(); ++a) {
      ASSERT_EQ(actual[a].size(), expected[a].size()) << what;
      for (std::size_t b = 0; b < actual[a].size(); ++b)
        EXPECT_NEAR(actual[a][b], expected[a][b].get<double>(), tolerance_) << what << " " << a << ", " << b;
    }
  }
};

TEST_P(Demonstrations, VarianceOfOneToken) {
  const json golden = test::golden("demo12.json");
  const Activations result = activations(session_, {golden["text"], {}, {}, std::nullopt});
  EXPECT_EQ(result.token, golden["token"].get<std::size_t>());
  ASSERT_EQ(result.statistics.size(), golden["variance"].size());
  for (std::size_t depth = 0; depth < result.statistics.size(); ++depth) {
    const double expected = golden["variance"][depth];
    EXPECT_NEAR(result.statistics[depth].variance / expected, 1, tolerance_) << result.labels[depth];
    EXPECT_EQ(result.values[depth].size(), session_.config().d_model);
  }
  EXPECT_EQ(result.labels.front(), "Emb");
  EXPECT_EQ(result.labels.back(), "L11");
}

TEST_P(Demonstrations, SimilarityAcrossLayersAndTokens) {
  const json golden = test::golden("demo12.json");
  const SimilarityAcrossLayers layers = similarity_across_layers(session_, {golden["text"], {}, {}, {}});
  EXPECT_EQ(layers.tokens, golden["tokens"].get<std::vector<std::size_t>>());
  ASSERT_EQ(layers.matrices.size(), golden["across_layers"].size());
  for (std::size_t i = 0; i < layers.matrices.size(); ++i)
    expect_matrix(layers.matrices[i], golden["across_layers"][i], "across layers");

  const SimilarityAcrossTokens tokens = similarity_across_tokens(session_, {golden["text"], {}, {}, {}});
  EXPECT_EQ(tokens.layers, golden["layers"].get<std::vector<std::size_t>>());
  ASSERT_EQ(tokens.matrices.size(), golden["across_tokens"].size());
  for (std::size_t i = 0; i < tokens.matrices.size(); ++i)
    expect_matrix(tokens.matrices[i], golden["across_tokens"][i], "across tokens");
}

TEST_P(Demonstrations, LaminarProfile) {
  const json golden = test::golden("demo12.json");
  const stratoscope::LaminarProfile profile = laminar_profile(session_, {golden["text"], {}, {}, {}});
  expect_matrix(profile.values, golden["profile"], "profile");
  for (std::size_t depth = 0; depth < profile.values.size(); ++depth) {
    double sum = 0;
    for (const double value : profile.values[depth]) sum += value;
    EXPECT_NEAR(profile.means[depth], sum / static_cast<double>(profile.values[depth].size()), 1e-12);
  }
}

TEST_P(Demonstrations, TheProfileOfTwoTokensIsEmpty) {
  const stratoscope::LaminarProfile profile = laminar_profile(session_, {"A wise", {}, {}, {}});
  ASSERT_EQ(profile.text.ids.size(), 2U);
  for (const auto& values : profile.values) EXPECT_TRUE(values.empty());
}

TEST_P(Demonstrations, LikeliestTokens) {
  const json golden = test::golden("demo3.json");
  PredictRequest request;
  request.text = golden["text"];
  request.top = 21;
  const Predictions predictions = predict(session_, request);
  ASSERT_EQ(predictions.top.size(), 21U);
  for (std::size_t i = 0; i < 21; ++i) {
    const json& expected = golden["top21"][i];
    EXPECT_EQ(predictions.top[i].id, expected["id"].get<TokenId>()) << "place " << i;
    EXPECT_EQ(predictions.top[i].token, expected["token"].get<std::string>());
    EXPECT_NEAR(predictions.top[i].log_prob, expected["log_prob"].get<double>(), tolerance_);
    EXPECT_NEAR(predictions.top[i].prob, std::exp(predictions.top[i].log_prob), 1e-15);
  }
  EXPECT_EQ(predictions.position, predictions.text.ids.size() - 1);
}

TEST_P(Demonstrations, ScalingEachBlocksOutput) {
  const json golden = test::golden("demo3.json");
  SweepExperimentRequest request;
  request.text = golden["text"];
  request.edits = {"blocks.{layer}.hook_resid_post *= 0.8"};
  request.axes = {"layer=all"};
  request.targets = {{golden["target"]["text"], std::nullopt}};
  const SweepExperiment sweep = sweep_text(session_, request);
  EXPECT_EQ(sweep.targets[0].id, golden["target"]["id"].get<TokenId>());
  EXPECT_NEAR(sweep.result.clean, golden["clean_log_prob"].get<double>(), tolerance_);
  const json& expected = golden["scaled_by_0.8_log_prob"];
  ASSERT_EQ(sweep.result.values.size(), expected.size());
  for (std::size_t layer = 0; layer < expected.size(); ++layer)
    EXPECT_NEAR(sweep.result.values[layer], expected[layer].get<double>(), tolerance_) << "block " << layer;
  ASSERT_EQ(sweep.warnings.size(), 1U);
  EXPECT_NE(sweep.warnings[0].find("the final norm"), std::string::npos);
}

TEST_P(Demonstrations, VerifyFindsTheErrorsOfItsPrecision) {
  const Verification verification = verify(session_, {test::kPenguins, {}, {}});
  EXPECT_EQ(verification.errors.size(), all_hook_points(session_.config()).size());
  double worst = 0;
  for (const PointError& error : verification.errors) worst = std::max(worst, error.max_rel);
  if (GetParam() == Precision::fp64) {
    EXPECT_EQ(worst, 0);
  } else {
    EXPECT_GT(worst, 0);
    EXPECT_LE(worst, 2e-5);
  }
}

INSTANTIATE_TEST_SUITE_P(In, Demonstrations, ::testing::Values(Precision::fp32, Precision::fp64),
                         [](const auto& which) { return std::string(name_of(which.param)); });

}  // namespace
}  // namespace stratoscope
