// Metrics against their definitions written out.
#include "stratoscope/probe/metrics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "stratoscope/probe/effect.h"
#include "tests/support/errors.h"
#include "tests/support/random_checkpoint.h"

namespace stratoscope {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::vector<double> naive_probabilities(std::span<const float> logits) {
  double total = 0;
  std::vector<double> probabilities;
  for (const float logit : logits) probabilities.push_back(std::exp(static_cast<double>(logit)));
  for (const double p : probabilities) total += p;
  for (double& p : probabilities) p /= total;
  return probabilities;
}

double value(Metric metric, std::span<const float> logits, std::span<const float> clean,
             const std::vector<std::int32_t>& targets) {
  return metric_value<float>(metric, logits, clean, targets);
}

TEST(Metrics, AgreeWithTheirDefinitions) {
  test::Random random(1);
  for (const std::size_t size : {2U, 7U, 311U}) {
    const auto logits = random.units(size, 8), clean = random.units(size, 8);
    const auto p = naive_probabilities(clean), q = naive_probabilities(logits);
    const auto target = static_cast<std::int32_t>(size / 2);
    const auto t = static_cast<std::size_t>(target);
    double kl = 0, entropy = 0, rank = 0;
    for (std::size_t i = 0; i < size; ++i) {
      kl += p[i] * std::log(p[i] / q[i]);
      entropy -= q[i] * std::log(q[i]);
      rank += logits[i] > logits[t] ? 1 : 0;
    }
    EXPECT_NEAR(value(Metric::log_prob, logits, clean, {target}), std::log(q[t]), 1e-12);
    EXPECT_NEAR(value(Metric::prob, logits, clean, {target}), q[t], 1e-12);
    EXPECT_EQ(value(Metric::rank, logits, clean, {target}), rank);
    EXPECT_EQ(value(Metric::logit, logits, clean, {target}), static_cast<double>(logits[t]));
    EXPECT_EQ(value(Metric::logit_diff, logits, clean, {target, 0}),
              static_cast<double>(logits[t]) - static_cast<double>(logits[0]));
    EXPECT_NEAR(value(Metric::kl, logits, clean, {}), kl, 1e-12 * (1 + kl));
    EXPECT_NEAR(value(Metric::entropy, logits, clean, {}), entropy, 1e-12 * (1 + entropy));
    EXPECT_EQ(value(Metric::kl, logits, logits, {}), 0);
  }
}

TEST(Metrics, LargeLogitsDoNotOverflow) {
  const std::vector<float> logits = {1e6F, 1e6F, -1e6F}, largest = {3e38F, 3e38F, -3e38F};
  EXPECT_NEAR(value(Metric::log_prob, logits, logits, {0}), -std::log(2.0), 1e-9);
  EXPECT_EQ(value(Metric::prob, logits, logits, {2}), 0);
  EXPECT_NEAR(value(Metric::entropy, logits, logits, {}), std::log(2.0), 1e-9);
  EXPECT_EQ(value(Metric::kl, logits, logits, {}), 0);
  EXPECT_TRUE(std::isfinite(value(Metric::log_prob, largest, largest, {0})));
  EXPECT_TRUE(std::isfinite(value(Metric::entropy, largest, largest, {})));
}

TEST(Metrics, EqualLogitsRankByTheirIds) {
  const std::vector<float> logits = {1, 5, 5, 2, 5};
  EXPECT_EQ(value(Metric::rank, logits, logits, {1}), 0);
  EXPECT_EQ(value(Metric::rank, logits, logits, {2}), 1);
  EXPECT_EQ(value(Metric::rank, logits, logits, {4}), 2);
  EXPECT_EQ(value(Metric::rank, logits, logits, {0}), 4);
  EXPECT_EQ(most_likely<float>(logits, 4), (std::vector<std::int32_t>{1, 2, 4, 3}));
  EXPECT_EQ(most_likely<float>(logits, 99).size(), 5U);
  EXPECT_TRUE(most_likely<float>(logits, 0).empty());
  std::vector<float> equal(100, 0.0F);
  std::vector<std::int32_t> ids(10);
  std::iota(ids.begin(), ids.end(), 0);
  EXPECT_EQ(most_likely<float>(equal, 10), ids);
}

TEST(Metrics, NotANumberComesLastAndIsNotHidden) {
  const std::vector<double> logits = {kNan, 1, kNan, 3};
  EXPECT_EQ(most_likely<double>(logits, 2), (std::vector<std::int32_t>{3, 1}));
  EXPECT_TRUE(std::isnan(metric_value<double>(Metric::log_prob, logits, logits, std::vector<std::int32_t>{1})));
  EXPECT_TRUE(std::isnan(metric_value<double>(Metric::kl, logits, logits, {})));
  EXPECT_TRUE(std::isnan(metric_value<double>(Metric::entropy, logits, logits, {})));
}

TEST(Metrics, KlOfImpossibleTokens) {
  const std::vector<double> sure = {0, -kInfinity}, even = {std::log(0.5), std::log(0.5)};
  EXPECT_NEAR(kl_divergence(sure, even), std::log(2.0), 1e-15);
  EXPECT_EQ(kl_divergence(even, sure), kInfinity);
}

TEST(Metrics, NamesAndTargets) {
  for (const Metric metric :
       {Metric::log_prob, Metric::prob, Metric::rank, Metric::logit, Metric::logit_diff, Metric::kl, Metric::entropy}) {
    EXPECT_EQ(parse_choice<Metric>(name_of(metric), "metric"), metric);
    EXPECT_FALSE(title_of(metric).empty());
  }
  EXPECT_EQ(targets_of(Metric::logit_diff), 2U);
  EXPECT_EQ(targets_of(Metric::log_prob), 1U);
  EXPECT_EQ(targets_of(Metric::kl), 0U);
  EXPECT_TRUE(test::refuses([] { parse_choice<Metric>("logprob", "metric"); },
                            "there is no 'logprob'; one of log_prob, prob, rank, logit, logit_diff, kl, entropy"));
}

TEST(Effect, TheLargestOverPositionsAndNanIsTold) {
  const std::vector<float> clean = {0, 0}, edited = {1, -2};
  Effect effect;
  effect.include<float>(clean, edited);
  EXPECT_EQ(effect.max_change, 2);
  EXPECT_NEAR(effect.kl, kl_divergence(log_softmax<float>(clean), log_softmax<float>(edited)), 1e-15);
  effect.include<float>(clean, clean);
  EXPECT_EQ(effect.max_change, 2);
  Effect broken;
  broken.include<float>(clean, std::vector<float>{1, std::numeric_limits<float>::quiet_NaN()});
  EXPECT_TRUE(std::isnan(broken.kl));
  EXPECT_TRUE(std::isnan(broken.max_change));
  effect.include(broken);
  EXPECT_TRUE(std::isnan(effect.kl));
  effect.include<float>(clean, edited);
  EXPECT_TRUE(std::isnan(effect.max_change)) << "forgotten";
}

}  // namespace
}  // namespace stratoscope
