// The probe against the conditions of its minimum, and its judgement on rows with and without a difference.
#include "stratoscope/analysis/logistic_probe.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "stratoscope/analysis/ranks.h"
#include "tests/support/random_checkpoint.h"

namespace stratoscope {
namespace {

// Rows in [-1, 1], the first group shifted along the first column; the last column is constant.
struct Sample {
  std::vector<double> numbers;
  std::vector<bool> is_first;
  std::size_t cols;

  Sample(std::uint64_t seed, std::size_t rows, std::size_t columns, double shift) : cols(columns) {
    test::Random random(seed);
    for (const double unit : random.units(rows * columns)) numbers.push_back(unit);
    for (std::size_t r = 0; r < rows; ++r) {
      is_first.push_back(r % 3 == 0);
      if (is_first[r]) numbers[r * cols] += shift;
      numbers[r * cols + cols - 1] = 0.1;
    }
  }
  MatrixView<const double> rows() const { return {numbers.data(), numbers.size() / cols, cols}; }
};

// At the minimum of a convex function its slope along each weight and the bias is 0.
void expect_minimum(const Sample& sample, double penalty) {
  const LogisticProbe probe = fit_logistic_probe(sample.rows(), sample.is_first, penalty);
  std::vector<double> slopes;
  for (const double weight : probe.weights) slopes.push_back(penalty * weight);
  double bias_slope = 0;
  for (std::size_t r = 0; r < sample.is_first.size(); ++r) {
    const double* row = sample.rows().row(r);
    double score = probe.bias;
    for (std::size_t c = 0; c < sample.cols; ++c)
      score += probe.weights[c] * (row[c] - probe.mean[c]) / probe.deviation[c];
    EXPECT_NEAR(probe.score(row), score, 1e-12);
    const double y = sample.is_first[r] ? 1 : -1, pull = -y / (1 + std::exp(y * score));
    for (std::size_t c = 0; c < sample.cols; ++c) slopes[c] += pull * (row[c] - probe.mean[c]) / probe.deviation[c];
    bias_slope += pull;
  }
  for (const double slope : slopes) EXPECT_NEAR(slope, 0, 1e-8);
  EXPECT_NEAR(bias_slope, 0, 1e-8);
  EXPECT_GT(probe.weights[0], 0) << "the first group has the larger numbers";
  EXPECT_EQ(probe.weights.back(), 0) << "a constant column says nothing";
}

TEST(LogisticProbe, IsAtTheMinimum) {
  expect_minimum(Sample(1, 30, 5, 1), 1);
  expect_minimum(Sample(2, 20, 60, 1), 1);  // fewer rows than columns
  expect_minimum(Sample(3, 20, 20, 5), 1e-3);
  expect_minimum(Sample(4, 12, 40, 5), 1e-4);  // separable
}

TEST(LogisticProbe, StandardisesColumns) {
  const Sample sample(1, 30, 5, 1);
  Sample scaled = sample;
  for (std::size_t r = 0; r < 30; ++r) {
    scaled.numbers[r * 5 + 1] *= 1000;
    scaled.numbers[r * 5 + 2] += 50;
  }
  const LogisticProbe probe = fit_logistic_probe(sample.rows(), sample.is_first, 1);
  const LogisticProbe other = fit_logistic_probe(scaled.rows(), sample.is_first, 1);
  for (std::size_t c = 0; c < 5; ++c) EXPECT_NEAR(probe.weights[c], other.weights[c], 1e-8);
  EXPECT_NEAR(other.deviation[1], 1000 * probe.deviation[1], 1e-9);
}

TEST(LogisticProbe, FoldsAreEvenInBothGroups) {
  std::vector<bool> is_first(23, false);
  for (std::size_t i = 0; i < 10; ++i) is_first[i] = true;
  const auto folds = stratified_folds(is_first, 5, 1);
  EXPECT_EQ(folds, stratified_folds(is_first, 5, 1));
  EXPECT_NE(folds, stratified_folds(is_first, 5, 2));
  for (std::size_t fold = 0; fold < 5; ++fold) {
    EXPECT_EQ(std::count(folds.begin(), folds.begin() + 10, fold), 2);
    const auto others = std::count(folds.begin() + 10, folds.end(), fold);
    EXPECT_TRUE(others == 2 || others == 3) << others;
  }
}

TEST(LogisticProbe, IsJudgedOnRowsThatItDidNotSee) {
  const Sample sample(5, 40, 30, 0.8);
  const ProbeQuality found = cross_validate(sample.rows(), sample.is_first, 4, 7, 1);
  // The same by hand.
  const auto fold_of = stratified_folds(sample.is_first, 4, 7);
  std::vector<double> first, second;
  std::size_t right = 0;
  for (std::size_t left_out = 0; left_out < 4; ++left_out) {
    Sample training = sample;
    training.numbers.clear();
    training.is_first.clear();
    for (std::size_t r = 0; r < 40; ++r)
      if (fold_of[r] != left_out) {
        training.numbers.insert(training.numbers.end(), sample.rows().row(r), sample.rows().row(r) + 30);
        training.is_first.push_back(sample.is_first[r]);
      }
    const LogisticProbe probe = fit_logistic_probe(training.rows(), training.is_first, 1);
    for (std::size_t r = 0; r < 40; ++r)
      if (fold_of[r] == left_out) {
        const double score = probe.score(sample.rows().row(r));
        right += (score > 0) == sample.is_first[r] ? 1 : 0;
        (sample.is_first[r] ? first : second).push_back(score);
      }
  }
  EXPECT_EQ(found.accuracy, static_cast<double>(right) / 40);
  EXPECT_EQ(found.auc, area_under_curve(first, second));
}

TEST(LogisticProbe, FindsADifferenceAndOnlyWhereThereIsOne) {
  const Sample apart(6, 60, 8, 4), alike(6, 60, 8, 0);
  EXPECT_EQ(cross_validate(apart.rows(), apart.is_first, 5, 1, 1).accuracy, 1);
  EXPECT_EQ(cross_validate(apart.rows(), apart.is_first, 5, 1, 1).auc, 1);
  double auc = 0;
  for (std::uint64_t seed = 10; seed < 30; ++seed) {
    const Sample sample(seed, 60, 8, 0);
    auc += cross_validate(sample.rows(), sample.is_first, 5, 1, 1).auc / 20;
  }
  EXPECT_NEAR(auc, 0.5, 0.1);
  Sample broken = alike;
  broken.numbers[3] = std::nan("");
  EXPECT_TRUE(std::isnan(cross_validate(broken.rows(), broken.is_first, 5, 1, 1).accuracy));
}

}  // namespace
}  // namespace stratoscope
