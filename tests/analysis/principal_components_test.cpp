// Principal components of data whose axes are known, and the identities that every PCA keeps.
#include "stratoscope/analysis/principal_components.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "tests/support/random_checkpoint.h"

namespace stratoscope {
namespace {

std::vector<double> numbers(std::uint64_t seed, std::size_t count) {
  test::Random random(seed);
  const auto units = random.units(count);
  return {units.begin(), units.end()};
}

PrincipalComponents components_of(const std::vector<double>& x, std::size_t cols, std::size_t count) {
  return principal_components(MatrixView<const double>(x.data(), x.size() / cols, cols), count);
}

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

TEST(PrincipalComponents, OfAKnownCross) {
  // Along (3, 4) / 5 by 10 and across it, along (-4, 3) / 5, by 1, about (1, 2).
  const std::vector<double> x = {1 + 6, 2 + 8, 1 - 6, 2 - 8, 1 - 0.8, 2 + 0.6, 1 + 0.8, 2 - 0.6};
  const PrincipalComponents found = components_of(x, 2, 2);
  EXPECT_NEAR(found.mean[0], 1, 1e-12);
  EXPECT_NEAR(found.mean[1], 2, 1e-12);
  EXPECT_NEAR(found.directions[0][0], 0.6, 1e-12);
  EXPECT_NEAR(found.directions[0][1], 0.8, 1e-12);
  EXPECT_NEAR(found.directions[1][0], 0.8, 1e-12) << "the largest number of a direction is positive";
  EXPECT_NEAR(found.directions[1][1], -0.6, 1e-12);
  EXPECT_NEAR(found.coordinates[0][0], 10, 1e-12);
  EXPECT_NEAR(found.coordinates[1][0], -10, 1e-12);
  EXPECT_NEAR(found.coordinates[2][1], -1, 1e-12);
  EXPECT_NEAR(found.explained[0], 200.0 / 202, 1e-12);
  EXPECT_NEAR(found.explained[1], 2.0 / 202, 1e-12);
  EXPECT_NEAR(found.variance, 202.0 / 3, 1e-12);
}

TEST(PrincipalComponents, TallAndWideKeepTheIdentities) {
  for (const auto& [rows, cols] : {std::pair<std::size_t, std::size_t>{30, 7}, {7, 30}, {12, 12}}) {
    const auto x = numbers(rows, rows * cols);
    const std::size_t count = std::min(rows, cols);
    const PrincipalComponents found = components_of(x, cols, 99);
    ASSERT_EQ(found.directions.size(), count);
    EXPECT_NEAR(std::accumulate(found.explained.begin(), found.explained.end(), 0.0), 1, 1e-12);
    double scatter = 0;
    for (std::size_t r = 0; r < rows; ++r) {
      double squares = 0, left = 0;
      for (std::size_t c = 0; c < cols; ++c) squares += std::pow(x[r * cols + c] - found.mean[c], 2);
      for (const double each : found.coordinates[r]) left += each * each;
      EXPECT_NEAR(left, squares, 1e-10) << "all components together turn a row, and change no length";
      scatter += squares;
    }
    EXPECT_NEAR(found.variance, scatter / static_cast<double>(rows - 1), 1e-10);
    for (std::size_t a = 0; a < count; ++a) {
      if (found.explained[a] < 1e-12) continue;  // no direction is left in so few rows
      EXPECT_LE(found.explained[a], found.explained[a == 0 ? 0 : a - 1]);
      for (std::size_t b = 0; b <= a; ++b)
        EXPECT_NEAR(dot(found.directions[a], found.directions[b]), a == b ? 1 : 0, 1e-9) << a << b;
    }
  }
}

TEST(PrincipalComponents, OfLittle) {
  const PrincipalComponents single = components_of({1, 2, 3}, 3, 2);
  EXPECT_EQ(single.coordinates, (std::vector<std::vector<double>>{{0}}));
  EXPECT_EQ(single.explained, std::vector<double>{0});
  EXPECT_EQ(components_of({1, 2, 1, 2, 1, 2}, 2, 2).explained, (std::vector<double>{0, 0}));
  const PrincipalComponents pair = components_of({0, 0, 3, 4}, 2, 2);
  EXPECT_NEAR(pair.explained[0], 1, 1e-15);
  EXPECT_NEAR(pair.coordinates[1][0], 2.5, 1e-15);
}

TEST(PrincipalComponents, NotANumberIsNotHidden) {
  for (const double bad : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    auto x = numbers(1, 12);
    x[4] = bad;
    const PrincipalComponents found = components_of(x, 3, 2);
    EXPECT_TRUE(std::isnan(found.explained[0]));
    ASSERT_EQ(found.coordinates.size(), 4U);
    EXPECT_TRUE(std::isnan(found.coordinates[0][1]));
  }
}

double count_for(const std::vector<double>& x, std::size_t cols, double share) {
  return components_for_variance(MatrixView<const double>(x.data(), x.size() / cols, cols), share);
}

TEST(ComponentsForVariance, CountsTheFirstOneThatReachesTheShare) {
  // Along the axes with 16, 4 and 1 parts of the variance, of 21.
  const std::vector<double> x = {4, 0, 0, -4, 0, 0, 0, 2, 0, 0, -2, 0, 0, 0, 1, 0, 0, -1};
  EXPECT_EQ(count_for(x, 3, 0.5), 1);
  EXPECT_EQ(count_for(x, 3, 16.0 / 21), 1);
  EXPECT_EQ(count_for(x, 3, 16.1 / 21), 2);
  EXPECT_EQ(count_for(x, 3, 20.0 / 21), 2);
  EXPECT_EQ(count_for(x, 3, 1), 3);
  EXPECT_EQ(count_for({1, 2, 1, 2, 1, 2}, 2, 0.95), 0) << "equal rows";
  EXPECT_TRUE(std::isnan(count_for({1, 2}, 2, 0.95))) << "one row";
  EXPECT_TRUE(std::isnan(count_for({1, 2, 3, std::nan("")}, 2, 0.95)));
}

TEST(ComponentsForVariance, AgreesWithTheSharesOfTheComponents) {
  for (const auto& [rows, cols] : {std::pair<std::size_t, std::size_t>{30, 7}, {7, 30}, {12, 12}}) {
    const auto x = numbers(rows + 1, rows * cols);
    const PrincipalComponents found = components_of(x, cols, 99);
    for (const double share : {0.3, 0.6, 0.95}) {
      double sum = 0;
      std::size_t count = 0;
      while (sum < share) sum += found.explained[count++];
      EXPECT_EQ(count_for(x, cols, share), static_cast<double>(count));
    }
  }
}

}  // namespace
}  // namespace stratoscope
