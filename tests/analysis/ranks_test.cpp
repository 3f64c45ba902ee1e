// Ranks and correlations against counts over all pairs and against published examples.
#include "stratoscope/analysis/ranks.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/random_checkpoint.h"

namespace stratoscope {
namespace {

// Few different numbers, so that there are ties.
std::vector<double> coarse(std::uint64_t seed, std::size_t count) {
  test::Random random(seed);
  std::vector<double> values;
  for (const double unit : random.units(count)) values.push_back(std::round(unit * 4));
  return values;
}

TEST(Ranks, EqualNumbersShareTheirMeanRank) {
  EXPECT_EQ(mid_ranks(std::vector<double>{3, 1, 3, 2, 3}), (std::vector<double>{4, 1, 4, 2, 4}));
  EXPECT_EQ(mid_ranks(std::vector<double>{5, 5}), (std::vector<double>{1.5, 1.5}));
  EXPECT_TRUE(std::isnan(mid_ranks(std::vector<double>{1, std::nan("")})[0]));
}

TEST(Ranks, TheAreaIsTheShareOfPairs) {
  std::size_t ties = 0;
  for (std::uint64_t seed = 1; seed < 6; ++seed) {
    const auto a = coarse(seed, 13), b = coarse(seed + 100, 9);
    double pairs = 0;
    for (const double x : a)
      for (const double y : b) {
        pairs += x > y ? 1 : x == y ? 0.5 : 0;
        ties += x == y ? 1 : 0;
      }
    EXPECT_NEAR(area_under_curve(a, b), pairs / (13 * 9), 1e-14);
    EXPECT_NEAR(area_under_curve(b, a), 1 - pairs / (13 * 9), 1e-14);
  }
  EXPECT_GT(ties, 20U);
  EXPECT_EQ(area_under_curve(std::vector<double>{2, 3}, std::vector<double>{0, 1}), 1);
  EXPECT_TRUE(std::isnan(area_under_curve(std::vector<double>{}, std::vector<double>{0, 1})));
}

TEST(Ranks, CorrelationsOfKnownNumbers) {
  // Anscombe's first set (1973).
  const std::vector<double> x = {10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5},
                            y = {8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68};
  EXPECT_NEAR(pearson_correlation(x, y), 0.81642051634484, 1e-13);
  // Without ties Spearman's is 1 - 6 sum of squared rank differences / (n (n^2 - 1)).
  const auto ranks_x = mid_ranks(x), ranks_y = mid_ranks(y);
  double squares = 0;
  for (std::size_t i = 0; i < x.size(); ++i) squares += std::pow(ranks_x[i] - ranks_y[i], 2);
  EXPECT_NEAR(spearman_correlation(x, y), 1 - 6 * squares / (11.0 * 120), 1e-14);
  EXPECT_EQ(spearman_correlation(std::vector<double>{1, 2, 3}, std::vector<double>{1, 10, 100}), 1);
  EXPECT_TRUE(std::isnan(pearson_correlation(std::vector<double>{1, 1, 1}, std::vector<double>{1, 2, 3})));
  EXPECT_TRUE(std::isnan(pearson_correlation(std::vector<double>{1}, std::vector<double>{1})));
}

}  // namespace
}  // namespace stratoscope
