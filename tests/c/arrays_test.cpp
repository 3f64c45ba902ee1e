// Functions of numbers are those that the library uses.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "stratoscope/analysis/similarity.h"
#include "stratoscope/probe/metrics.h"
#include "tests/c/handles.h"
#include "tests/support/random_checkpoint.h"

namespace stratoscope {
namespace {

TEST(CNumbers, LogSoftmaxHasTheBitsOfTheMetrics) {
  constexpr std::size_t kRows = 3, kColumns = 100;
  test::Random random(1);
  const std::vector<float> logits = random.units(kRows * kColumns, 10);
  std::vector<double> out(logits.size());
  ASSERT_EQ(stratoscope_log_softmax(logits.data(), kRows, kColumns, out.data()), STRATOSCOPE_OK);
  for (std::size_t row = 0; row < kRows; ++row) {
    double sum = 0;
    for (std::size_t i = 0; i < kColumns; ++i) {
      const std::int32_t target[] = {static_cast<std::int32_t>(i)};
      const std::span<const float> one(logits.data() + row * kColumns, kColumns);
      EXPECT_EQ(out[row * kColumns + i], metric_value<float>(Metric::log_prob, one, {}, target));
      sum += std::exp(out[row * kColumns + i]);
    }
    EXPECT_NEAR(sum, 1, 1e-12);
  }
}

TEST(CNumbers, CosineIsThatOfTheLibrary) {
  constexpr std::size_t kRows = 5, kColumns = 40;
  test::Random random(2);
  std::vector<float> vectors = random.units(kRows * kColumns);
  std::fill_n(vectors.begin(), kColumns, 0.0F);
  std::vector<double> out(kRows * kRows);
  ASSERT_EQ(stratoscope_cosine(vectors.data(), kRows, kColumns, out.data()), STRATOSCOPE_OK);
  const auto expected = cosine_matrix<float>({vectors.data(), kRows, kColumns});
  for (std::size_t i = 0; i < kRows; ++i)
    for (std::size_t j = 0; j < kRows; ++j) EXPECT_EQ(out[i * kRows + j], expected[i][j]);
  EXPECT_EQ(out[1], 0) << "of a row of zeros";
  EXPECT_NEAR(out[6], 1, 1e-12);
}

TEST(CNumbers, OfNoRowsAreNone) {
  EXPECT_EQ(stratoscope_log_softmax(nullptr, 0, 7, nullptr), STRATOSCOPE_OK);
  EXPECT_EQ(stratoscope_cosine(nullptr, 0, 7, nullptr), STRATOSCOPE_OK);
  double out = 0;
  const float numbers[] = {1};
  EXPECT_EQ(stratoscope_log_softmax(numbers, 1, 0, &out), STRATOSCOPE_USAGE);
}

TEST(CNumbers, OfMoreThanMemoryHoldsAreRefused) {
  double out = 0;
  const float numbers[] = {1};
  constexpr std::size_t kMost = std::numeric_limits<std::size_t>::max();
  for (const auto& [rows, columns] : {std::pair(kMost, kMost), std::pair(kMost / 4, std::size_t{8})}) {
    EXPECT_NE(stratoscope_log_softmax(numbers, rows, columns, &out), STRATOSCOPE_OK);
    EXPECT_NE(stratoscope_cosine(numbers, rows, columns, &out), STRATOSCOPE_OK);
  }
}

}  // namespace
}  // namespace stratoscope
