// Norms, effective dimension and anisotropy of rows whose answers are known, and against their definitions.
#include "stratoscope/analysis/dispersion.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "stratoscope/analysis/similarity.h"
#include "tests/support/random_checkpoint.h"

namespace stratoscope {
namespace {

MatrixView<const double> rows_of(const std::vector<double>& x, std::size_t cols) {
  return {x.data(), x.size() / cols, cols};
}

std::vector<double> numbers(std::uint64_t seed, std::size_t count) {
  test::Random random(seed);
  const auto units = random.units(count);
  return {units.begin(), units.end()};
}

// By the definition: every pair's cosine.
double mean_of_pairs(const std::vector<double>& x, std::size_t cols) {
  const auto matrix = cosine_matrix(rows_of(x, cols));
  const auto pairs = upper_triangle(matrix, 0);
  double sum = 0;
  for (const double pair : pairs) sum += pair;
  return sum / static_cast<double>(pairs.size());
}

TEST(RowNorms, AreEuclidean) {
  const std::vector<double> x = {3, 4, 0, 0, -5, 12};
  EXPECT_EQ(row_norms(rows_of(x, 2)), (std::vector<double>{5, 0, 13}));
}

TEST(ParticipationRatio, CountsDirectionsOfEqualSpread) {
  for (const std::size_t d : {1U, 2U, 5U, 8U}) {  // both signs of every unit vector: the same variance along each
    std::vector<double> cross(2 * d * d, 7.0);
    for (std::size_t i = 0; i < d; ++i) {
      cross[2 * i * d + i] += 3;
      cross[(2 * i + 1) * d + i] -= 3;
    }
    EXPECT_NEAR(participation_ratio(rows_of(cross, d)), static_cast<double>(d), 1e-12);
  }
}

TEST(ParticipationRatio, KnownSpectra) {
  const std::vector<double> line = {1, 2, 3, 2, 4, 6, 5, 10, 15, -1, -2, -3};
  EXPECT_NEAR(participation_ratio(rows_of(line, 3)), 1, 1e-12);
  // Variances 1 and 4 in the ratio 1 : 4 of their sums of squares: (1 + 4)^2 / (1 + 16).
  const std::vector<double> box = {1, 2, 1, -2, -1, 2, -1, -2};
  EXPECT_NEAR(participation_ratio(rows_of(box, 2)), 25.0 / 17, 1e-12);
  EXPECT_EQ(participation_ratio(rows_of({2, 3, 2, 3}, 2)), 0) << "all rows are the same";
  EXPECT_TRUE(std::isnan(participation_ratio(rows_of({2, 3}, 2))));
}

TEST(ParticipationRatio, IsTheSameFromEitherSide) {
  const auto tall = numbers(1, 40 * 6), wide = numbers(2, 6 * 40);
  for (const auto& [x, cols] : {std::pair(tall, 6U), std::pair(wide, 40U)}) {
    // (sum l)^2 / sum l^2 by traces of the covariance, as written.
    const std::size_t n = x.size() / cols;
    std::vector<double> mean(cols);
    for (std::size_t i = 0; i < x.size(); ++i) mean[i % cols] += x[i] / static_cast<double>(n);
    double trace = 0, squares = 0;
    for (std::size_t a = 0; a < cols; ++a)
      for (std::size_t b = 0; b < cols; ++b) {
        double sum = 0;
        for (std::size_t r = 0; r < n; ++r) sum += (x[r * cols + a] - mean[a]) * (x[r * cols + b] - mean[b]);
        squares += sum * sum;
        if (a == b) trace += sum;
      }
    EXPECT_NEAR(participation_ratio(rows_of(x, cols)), trace * trace / squares, 1e-10);
  }
}

TEST(Anisotropy, AgreesWithEveryPair) {
  auto x = numbers(3, 30 * 11);
  for (std::size_t i = 0; i < x.size(); i += 11) x[i] += 4;  // a common direction
  const Anisotropy found = anisotropy(rows_of(x, 11));
  EXPECT_NEAR(found.raw, mean_of_pairs(x, 11), 1e-12);
  EXPECT_GT(found.raw, 0.5);
  std::vector<double> mean(11);
  for (std::size_t i = 0; i < x.size(); ++i) mean[i % 11] += x[i] / 30;
  for (std::size_t i = 0; i < x.size(); ++i) x[i] -= mean[i % 11];
  EXPECT_NEAR(found.centred, mean_of_pairs(x, 11), 1e-12);
  EXPECT_LT(std::abs(found.centred), 0.1);
}

TEST(Anisotropy, SpecialRows) {
  EXPECT_NEAR(anisotropy(rows_of({1, 2, 2, 4, 3, 6}, 2)).raw, 1, 1e-15);
  const Anisotropy pair = anisotropy(rows_of({1, 2, 5, 1}, 2));
  EXPECT_NEAR(pair.centred, -1, 1e-15) << "two centred rows are opposite";
  EXPECT_NEAR(anisotropy(rows_of({0, 0, 1, 0, 1, 0}, 2)).raw, 1.0 / 3, 1e-15) << "a zero row is similar to nothing";
  EXPECT_TRUE(std::isnan(anisotropy(rows_of({1, 2}, 2)).raw));
}

TEST(Dispersion, NotANumberIsNotHidden) {
  std::vector<double> x = numbers(4, 12);
  x[5] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(std::isnan(row_norms(rows_of(x, 3))[1]));
  EXPECT_FALSE(std::isnan(row_norms(rows_of(x, 3))[0]));
  EXPECT_TRUE(std::isnan(participation_ratio(rows_of(x, 3))));
  EXPECT_TRUE(std::isnan(anisotropy(rows_of(x, 3)).raw));
  EXPECT_TRUE(std::isnan(anisotropy(rows_of(x, 3)).centred));
}

}  // namespace
}  // namespace stratoscope
