#include "stratoscope/analysis/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/support/random_checkpoint.h"

namespace stratoscope {
namespace {

TEST(Statistics, AgreeWithTheirDefinitions) {
  test::Random random(1);
  for (const std::size_t count : {2U, 3U, 192U, 1001U}) {
    const auto values = random.units(count, 40);
    double sum = 0, squares = 0, deviations = 0;
    for (const float x : values) {
      sum += static_cast<double>(x);
      squares += std::pow(static_cast<double>(x), 2);
    }
    const double mean_value = sum / static_cast<double>(count);
    for (const float x : values) deviations += std::pow(static_cast<double>(x) - mean_value, 2);
    const Statistics s = statistics<float>(values);
    EXPECT_DOUBLE_EQ(s.mean, mean_value);
    EXPECT_NEAR(s.variance, deviations / static_cast<double>(count - 1), 1e-9);
    EXPECT_NEAR(s.norm, std::sqrt(squares), 1e-9);
    EXPECT_EQ(s.min, static_cast<double>(*std::min_element(values.begin(), values.end())));
    EXPECT_EQ(s.max, static_cast<double>(*std::max_element(values.begin(), values.end())));
  }
}

TEST(Statistics, AFarMeanCostsNoDigits) {
  const std::vector<double> values = {1e9 + 1, 1e9 + 2, 1e9 + 3};
  EXPECT_DOUBLE_EQ(statistics<double>(values).variance, 1);
}

TEST(Statistics, ASingleNumberHasNoVariance) {
  const Statistics s = statistics<double>(std::vector<double>{-7});
  EXPECT_EQ(s.variance, 0);
  EXPECT_EQ(s.mean, -7);
  EXPECT_EQ(s.min, -7);
  EXPECT_EQ(s.max, -7);
  EXPECT_EQ(s.norm, 7);
}

TEST(Statistics, NotANumberIsNotHidden) {
  for (std::size_t place = 0; place < 3; ++place) {
    std::vector<double> values = {1, 2, 3};
    values[place] = std::numeric_limits<double>::quiet_NaN();
    const Statistics s = statistics<double>(values);
    EXPECT_TRUE(std::isnan(s.mean) && std::isnan(s.variance) && std::isnan(s.norm)) << place;
    EXPECT_TRUE(std::isnan(s.min)) << place;
    EXPECT_TRUE(std::isnan(s.max)) << place;
  }
}

TEST(MeanAndMedian, OddEvenAndEmpty) {
  EXPECT_EQ(mean(std::vector<double>{1, 2, 6}), 3);
  EXPECT_EQ(median(std::vector<double>{6, 1, 2}), 2);
  EXPECT_EQ(median(std::vector<double>{6, 1, 2, 4}), 3);
  EXPECT_EQ(median(std::vector<double>{5}), 5);
  EXPECT_EQ(mean({}), 0);
  EXPECT_EQ(median({}), 0);
}

TEST(MeanAndMedian, OfNotANumberAreNotNumbers) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(std::isnan(mean(std::vector<double>{1, nan})));
  for (const auto& values : {std::vector<double>{nan, 1, 2}, {1, nan, 2}, {1, 2, nan}, {nan, 3, 2, 1}})
    EXPECT_TRUE(std::isnan(median(values))) << "as NumPy's";
}

}  // namespace
}  // namespace stratoscope
