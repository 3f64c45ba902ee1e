#include "stratoscope/analysis/moments.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "tests/support/random_checkpoint.h"

namespace stratoscope {
namespace {

Moments moments_of(const std::vector<double>& values) {
  Moments moments;
  for (const double value : values) moments.add(value);
  return moments;
}

// The definitions, in two passes.
long double central(const std::vector<double>& values, int power) {
  long double mean = 0, sum = 0;
  for (const double value : values) mean += static_cast<long double>(value) / static_cast<long double>(values.size());
  for (const double value : values) sum += std::pow(static_cast<long double>(value) - mean, power);
  return sum / static_cast<long double>(values.size());
}

TEST(Moments, AreTheirDefinitions) {
  test::Random random(3);
  for (const std::size_t count : {2U, 7U, 1000U})
    for (const double offset : {0.0, -3.0, 1e6}) {
      std::vector<double> values;
      for (const float x : random.units(count, 2)) values.push_back(std::pow(static_cast<double>(x), 3) + offset);
      const Moments moments = moments_of(values);
      const auto n = static_cast<double>(count);
      const auto second = static_cast<double>(central(values, 2)), fourth = static_cast<double>(central(values, 4));
      EXPECT_EQ(moments.count(), count);
      EXPECT_NEAR(moments.variance(), second * n / (n - 1), second * 1e-7);
      EXPECT_NEAR(moments.excess_kurtosis(), fourth / (second * second) - 3, 1e-6);
      EXPECT_EQ(moments.min(), *std::min_element(values.begin(), values.end()));
      EXPECT_EQ(moments.max(), *std::max_element(values.begin(), values.end()));
    }
}

TEST(Moments, AreKnownOnes) {
  EXPECT_DOUBLE_EQ(moments_of({-1, 1, -1, 1}).excess_kurtosis(), -2) << "two points: the least of all";
  EXPECT_DOUBLE_EQ(moments_of({1, 2, 3, 4, 5}).excess_kurtosis(), -1.3);
  EXPECT_DOUBLE_EQ(moments_of({1e9 + 1, 1e9 + 2, 1e9 + 3}).variance(), 1) << "a far mean costs no digits";
  EXPECT_DOUBLE_EQ(moments_of({0, 3, -0.0, 1e-300}).zeros(), 0.5);
}

TEST(Moments, OfFewNumbers) {
  const Moments none = moments_of({}), one = moments_of({-7}), equal = moments_of({2, 2, 2});
  EXPECT_EQ(none.count(), 0U);
  for (const double value :
       {none.mean(), none.variance(), none.excess_kurtosis(), none.zeros(), none.min(), none.max()})
    EXPECT_TRUE(std::isnan(value));
  EXPECT_EQ(one.mean(), -7);
  EXPECT_EQ(one.variance(), 0);
  EXPECT_TRUE(std::isnan(one.excess_kurtosis()));
  EXPECT_EQ(equal.variance(), 0);
  EXPECT_TRUE(std::isnan(equal.excess_kurtosis()));
}

TEST(Moments, NotANumberIsNotHidden) {
  for (std::size_t place = 0; place < 3; ++place) {
    std::vector<double> values = {1, 2, 3};
    values[place] = std::numeric_limits<double>::quiet_NaN();
    const Moments moments = moments_of(values);
    for (const double value :
         {moments.mean(), moments.variance(), moments.excess_kurtosis(), moments.min(), moments.max()})
      EXPECT_TRUE(std::isnan(value)) << place;
  }
}

}  // namespace
}  // namespace stratoscope
