// Linear CKA: its invariances, its definition in features, and its bias with few tokens.
#include "stratoscope/analysis/cka.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "stratoscope/base/threads.h"
#include "tests/support/random_checkpoint.h"

namespace stratoscope {
namespace {

using Rows = MatrixView<const double>;

std::vector<double> numbers(std::uint64_t seed, std::size_t count) {
  test::Random random(seed);
  const auto units = random.units(count);
  return {units.begin(), units.end()};
}

std::vector<std::vector<double>> cka(const std::vector<Rows>& sets, CkaEstimate estimate = CkaEstimate::plain) {
  return linear_cka(std::span<const Rows>(sets), estimate);
}

// Turned by Givens rotations in every plane of neighbouring axes, scaled and moved.
std::vector<double> turned(std::vector<double> x, std::size_t cols) {
  for (std::size_t axis = 0; axis + 1 < cols; ++axis)
    for (std::size_t r = 0; r < x.size() / cols; ++r) {
      double &a = x[r * cols + axis], &b = x[r * cols + axis + 1];
      const double angle = 0.3 + static_cast<double>(axis), c = std::cos(angle), s = std::sin(angle), old = a;
      a = c * old - s * b;
      b = s * old + c * b;
    }
  for (double& each : x) each = 17 * each + 3;
  return x;
}

TEST(LinearCka, IsOneForItselfTurnedScaledAndMoved) {
  const auto x = numbers(1, 20 * 6), y = turned(x, 6);
  for (const CkaEstimate estimate : {CkaEstimate::plain, CkaEstimate::debiased}) {
    const auto matrix = cka({Rows(x.data(), 20, 6), Rows(y.data(), 20, 6)}, estimate);
    EXPECT_EQ(matrix[0][0], 1);
    EXPECT_NEAR(matrix[0][1], 1, 1e-12);
    EXPECT_EQ(matrix[0][1], matrix[1][0]);
  }
}

TEST(LinearCka, AgreesWithItsDefinitionInFeatures) {
  const std::size_t n = 15;
  const auto x = numbers(2, n * 4), y = numbers(3, n * 9);
  const auto centred = [&](std::vector<double> m, std::size_t cols) {
    for (std::size_t c = 0; c < cols; ++c) {
      double mean = 0;
      for (std::size_t r = 0; r < n; ++r) mean += m[r * cols + c] / static_cast<double>(n);
      for (std::size_t r = 0; r < n; ++r) m[r * cols + c] -= mean;
    }
    return m;
  };
  const auto cx = centred(x, 4), cy = centred(y, 9);
  const auto norm = [&](const std::vector<double>& a, std::size_t p, const std::vector<double>& b, std::size_t q) {
    double squares = 0;
    for (std::size_t i = 0; i < p; ++i)
      for (std::size_t j = 0; j < q; ++j) {
        double sum = 0;
        for (std::size_t r = 0; r < n; ++r) sum += a[r * p + i] * b[r * q + j];
        squares += sum * sum;
      }
    return squares;
  };
  const double expected = norm(cx, 4, cy, 9) / std::sqrt(norm(cx, 4, cx, 4) * norm(cy, 9, cy, 9));
  EXPECT_NEAR(cka({Rows(x.data(), n, 4), Rows(y.data(), n, 9)})[0][1], expected, 1e-12);
}

TEST(LinearCka, FewTokensRaiseItUnlessDebiased) {
  double plain = 0, debiased = 0;
  const int tries = 40;
  for (int i = 0; i < tries; ++i) {  // unrelated, 8 tokens in 64 dimensions
    const auto x = numbers(100 + static_cast<std::uint64_t>(i), 8 * 64),
               y = numbers(900 + static_cast<std::uint64_t>(i), 8 * 64);
    const std::vector<Rows> sets = {Rows(x.data(), 8, 64), Rows(y.data(), 8, 64)};
    plain += cka(sets)[0][1] / tries;
    debiased += cka(sets, CkaEstimate::debiased)[0][1] / tries;
  }
  EXPECT_GT(plain, 0.8);
  EXPECT_LT(std::abs(debiased), 0.1);
}

TEST(LinearCka, WhatIsUndefinedIsNotANumber) {
  const auto x = numbers(4, 12);
  auto broken = x;
  broken[7] = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> still(12, 2.5);
  const auto matrix = cka({Rows(x.data(), 4, 3), Rows(broken.data(), 4, 3), Rows(still.data(), 4, 3)});
  EXPECT_EQ(matrix[0][0], 1);
  for (std::size_t i = 1; i < 3; ++i)
    for (std::size_t j = 0; j < 3; ++j) EXPECT_TRUE(std::isnan(matrix[i][j])) << i << j;
  EXPECT_TRUE(std::isnan(cka({Rows(x.data(), 1, 12)})[0][0]));
  EXPECT_TRUE(std::isnan(cka({Rows(x.data(), 3, 4)}, CkaEstimate::debiased)[0][0]));
  EXPECT_EQ(cka({Rows(x.data(), 4, 3)}, CkaEstimate::debiased)[0][0], 1);
}

TEST(LinearCka, BitsDoNotDependOnTheThreads) {
  const auto x = numbers(5, 6 * 30 * 17);
  std::vector<Rows> sets;
  for (std::size_t i = 0; i < 6; ++i) sets.emplace_back(x.data() + i * 30 * 17, 30, 17);
  const ThreadScope one(1);
  const auto expected = cka(sets);
  for (const int threads : {2, 3, 7}) {
    const ThreadScope scope(threads);
    EXPECT_EQ(cka(sets), expected);
  }
}

}  // namespace
}  // namespace stratoscope
