// Scores of patterns whose answers are known.
#include "stratoscope/analysis/attention_scores.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace stratoscope {
namespace {

// A pattern in which every query puts all its weight on one key; values after the query are poison.
std::vector<float> pattern_that_looks_at(const std::vector<std::size_t>& keys) {
  const std::size_t n = keys.size();
  std::vector<float> pattern(n * n, std::numeric_limits<float>::quiet_NaN());
  for (std::size_t query = 0; query < n; ++query)
    for (std::size_t key = 0; key <= query; ++key) pattern[query * n + key] = key == keys[query] ? 1.0F : 0.0F;
  return pattern;
}

AttentionScores scores(const std::vector<std::size_t>& keys, const std::vector<std::int32_t>& ids) {
  const auto pattern = pattern_that_looks_at(keys);
  return attention_scores(MatrixView<const float>(pattern.data(), ids.size(), ids.size()),
                          std::span<const std::int32_t>(ids));
}

TEST(AttentionScores, PureHeads) {
  const std::vector<std::int32_t> ids = {7, 8, 9, 7, 8, 9};
  const AttentionScores previous = scores({0, 0, 1, 2, 3, 4}, ids), first = scores({0, 0, 0, 0, 0, 0}, ids);
  const AttentionScores current = scores({0, 1, 2, 3, 4, 5}, ids), induction = scores({0, 0, 0, 1, 2, 3}, ids);
  const AttentionScores duplicate = scores({0, 0, 0, 0, 1, 2}, ids);
  EXPECT_EQ(previous.previous, 1);
  EXPECT_EQ(previous.first, 0.2);  // query 1: its previous token is the first
  EXPECT_EQ(first.first, 1);
  EXPECT_EQ(current.current, 1);
  EXPECT_EQ(current.previous, 0);
  EXPECT_EQ(induction.induction, 1);
  EXPECT_EQ(induction.duplicate, 0);
  EXPECT_EQ(duplicate.duplicate, 1);
  EXPECT_EQ(duplicate.induction, 0);
  for (const AttentionScores& each : {previous, first, current, induction, duplicate}) EXPECT_EQ(each.entropy, 0);
}

TEST(AttentionScores, TheLastOccurrenceCounts) {
  EXPECT_EQ(scores({0, 0, 2, 0, 2}, {1, 2, 1, 3, 1}).duplicate, 0.5);  // queries 2 and 4: position 0 and position 2
  EXPECT_EQ(scores({0, 0, 1, 0, 3}, {1, 2, 1, 3, 1}).induction, 1);
}

TEST(AttentionScores, EntropyOfEvenWeights) {
  const std::vector<double> pattern = {1, 0, 0, 0.5, 0.5, 0, 0.25, 0.25, 0.5};
  const std::vector<std::int32_t> ids = {1, 2, 3};
  const AttentionScores even = attention_scores(MatrixView<const double>(pattern.data(), 3, 3), std::span(ids));
  EXPECT_NEAR(even.entropy, (std::log(2) + 1.5 * std::log(2)) / 2, 1e-15);
  EXPECT_EQ(even.previous, (0.5 + 0.25) / 2);
}

TEST(AttentionScores, WhatCannotBeAskedIsNotANumber) {
  const AttentionScores single = scores({0}, {5});
  for (const double score :
       {single.previous, single.first, single.current, single.duplicate, single.induction, single.entropy})
    EXPECT_TRUE(std::isnan(score));
  EXPECT_TRUE(std::isnan(scores({0, 0, 0}, {1, 2, 3}).induction));
  EXPECT_TRUE(std::isnan(scores({0, 0}, {1, 1}).induction))
      << "the token behind the last occurrence is the query itself";
}

}  // namespace
}  // namespace stratoscope
