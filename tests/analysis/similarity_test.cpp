#include "stratoscope/analysis/similarity.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "stratoscope/base/threads.h"
#include "tests/support/random_checkpoint.h"

namespace stratoscope {
namespace {

TEST(CosineMatrix, AgreesWithItsDefinition) {
  test::Random random(1);
  const auto x = random.units(7 * 21);
  const MatrixView<const float> rows(x.data(), 7, 19, 21);  // strided
  const auto matrix = cosine_matrix(rows);
  ASSERT_EQ(matrix.size(), 7U);
  for (std::size_t a = 0; a < 7; ++a) {
    EXPECT_EQ(matrix[a][a], 1);
    for (std::size_t b = 0; b < 7; ++b) {
      double dot = 0, aa = 0, bb = 0;
      for (std::size_t i = 0; i < 19; ++i) {
        const auto p = static_cast<double>(rows.row(a)[i]), q = static_cast<double>(rows.row(b)[i]);
        dot += p * q;
        aa += p * p;
        bb += q * q;
      }
      EXPECT_NEAR(matrix[a][b], dot / std::sqrt(aa * bb), 1e-14);
      EXPECT_EQ(matrix[a][b], matrix[b][a]);
    }
  }
}

TEST(CosineMatrix, StaysWithinOneAndKnowsScaleAndZero) {
  const std::vector<double> x = {0.1, 0.2, 0.3, /**/ 1e37, 2e37, 3e37, /**/ -1e-37, -2e-37, -3e-37, 0, 0, 0};
  const auto matrix = cosine_matrix(MatrixView<const double>(x.data(), 4, 3));
  EXPECT_NEAR(matrix[0][1], 1, 1e-14);
  EXPECT_NEAR(matrix[0][2], -1, 1e-14);
  EXPECT_NEAR(matrix[1][2], -1, 1e-14);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(matrix[3][i], 0) << "a zero vector is similar to nothing";
  for (const auto& row : matrix)
    for (const double value : row) EXPECT_LE(std::abs(value), 1);
}

TEST(CosineMatrix, NotANumberStaysInItsRowAndColumn) {
  const std::vector<float> x = {1, 2, 3, std::nanf(""), 2, 1};
  const auto matrix = cosine_matrix(MatrixView<const float>(x.data(), 3, 2));
  for (std::size_t a = 0; a < 3; ++a)
    for (std::size_t b = 0; b < 3; ++b) EXPECT_EQ(std::isnan(matrix[a][b]), a == 1 || b == 1);
}

TEST(CosineMatrix, BitsDoNotDependOnTheThreads) {
  test::Random random(2);
  const auto x = random.units(50 * 33);
  const MatrixView<const float> rows(x.data(), 50, 33);
  const ThreadScope one(1);
  const auto expected = cosine_matrix(rows);
  for (const int threads : {2, 3, 7}) {
    const ThreadScope scope(threads);
    EXPECT_EQ(cosine_matrix(rows), expected);
  }
}

TEST(UpperTriangle, IsRowByRowFromTheChosenTokenOn) {
  const std::vector<std::vector<double>> matrix = {{0, 1, 2, 3}, {4, 5, 6, 7}, {8, 9, 10, 11}, {12, 13, 14, 15}};
  EXPECT_EQ(upper_triangle(matrix), (std::vector<double>{6, 7, 11}));
  EXPECT_EQ(upper_triangle(matrix, 0), (std::vector<double>{1, 2, 3, 6, 7, 11}));
  EXPECT_TRUE(upper_triangle({{1, 2}, {3, 4}}).empty());
  EXPECT_TRUE(upper_triangle({{1}}).empty());
  EXPECT_TRUE(upper_triangle({}).empty());
}

}  // namespace
}  // namespace stratoscope
