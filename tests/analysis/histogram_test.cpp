#include "stratoscope/analysis/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "tests/support/random_checkpoint.h"

namespace stratoscope {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Histogram histogram_of(const std::vector<double>& values, double low, double high, std::size_t bins) {
  Histogram histogram(low, high, bins);
  for (const double value : values) histogram.add(value);
  return histogram;
}

TEST(Histogram, BinsHaveTheirLowerEdgeAndTheLastOneBoth) {
  const Histogram histogram = histogram_of({0, 1, 1, 2, 3, -0.5, 3.5, kNan, kInfinity, -kInfinity}, 0, 3, 3);
  EXPECT_EQ(histogram.edges(), (std::vector<double>{0, 1, 2, 3}));
  EXPECT_EQ(histogram.counts(), (std::vector<std::int64_t>{1, 2, 2}));
  EXPECT_EQ(histogram.below(), 2);
  EXPECT_EQ(histogram.above(), 2);
  EXPECT_EQ(histogram.not_numbers(), 1);
}

TEST(Histogram, EdgesDecideAboutEveryNumber) {
  test::Random random(5);
  for (const auto& [low, high, bins] :
       {std::tuple(-0.7, 0.9, 37U), std::tuple(1e-9, 3e-9, 10U), std::tuple(-1e6, 1.0, 1U)}) {
    std::vector<double> values;
    for (const float x : random.units(3000, 1))
      values.push_back((high - low) * 0.6 * static_cast<double>(x) + (low + high) / 2);
    const std::vector<double> edges = Histogram(low, high, bins).edges();
    values.insert(values.end(), edges.begin(), edges.end());
    const Histogram histogram = histogram_of(values, low, high, bins);
    std::int64_t inside = 0;
    for (std::size_t i = 0; i < bins; ++i) {
      const bool is_last = i + 1 == bins;
      const auto expected = std::count_if(values.begin(), values.end(), [&](double x) {
        return x >= edges[i] && (x < edges[i + 1] || (is_last && x == edges[i + 1]));
      });
      EXPECT_EQ(histogram.counts()[i], expected) << i;
      inside += expected;
    }
    EXPECT_GT(inside, 1000);
    EXPECT_EQ(inside + histogram.below() + histogram.above(), static_cast<std::int64_t>(values.size()));
  }
}

TEST(Quantiles, AreNumPys) {
  std::vector<double> values = {5, kNan, 1, 3, 2, kInfinity, 4};
  EXPECT_EQ(quantiles(values, {0, 0.5, 1, 0.25, 0.1}), (std::vector<double>{1, 3, 5, 2, 1.4}));
  std::vector<float> few = {7};
  EXPECT_EQ(quantiles(few, {0, 0.3, 1}), (std::vector<double>{7, 7, 7}));
  std::vector<float> none = {std::numeric_limits<float>::quiet_NaN()};
  EXPECT_TRUE(std::isnan(quantiles(none, {0.5})[0]));
}

TEST(Quantiles, AreThoseOfTheSortedList) {
  test::Random random(8);
  const auto drawn = random.units(501, 3);
  std::vector<double> sorted(drawn.begin(), drawn.end()), shuffled = sorted;
  std::sort(sorted.begin(), sorted.end());
  const auto found = quantiles(shuffled, {0.999, 0.001, 0.5});
  EXPECT_NEAR(found[0], (sorted[499] + sorted[500]) / 2, 1e-12);
  EXPECT_NEAR(found[1], (sorted[0] + sorted[1]) / 2, 1e-12);
  EXPECT_EQ(found[2], sorted[250]);
}

TEST(RobustLimits, AreNotStretchedByOutliers) {
  std::vector<double> values(10001);
  std::iota(values.begin(), values.end(), -5000);
  EXPECT_EQ(robust_limits(values), std::pair(-5000.0, 5000.0)) << "all numbers, without outliers";
  values[17] = 1e9;
  values[4000] = -1e9;
  const auto [low, high] = robust_limits(values);
  EXPECT_NEAR(low, -5988, 5);
  EXPECT_NEAR(high, 5988, 5);
}

TEST(RobustLimits, OfEqualNumbersAndOfNone) {
  std::vector<double> zeros = {0, 0}, equal = {-4, -4, kNan}, none = {kInfinity};
  EXPECT_EQ(robust_limits(zeros), std::pair(-0.5, 0.5));
  EXPECT_EQ(robust_limits(equal), std::pair(-4.4, -3.6));
  EXPECT_EQ(robust_limits(none), std::pair(0.0, 1.0));
}

}  // namespace
}  // namespace stratoscope
