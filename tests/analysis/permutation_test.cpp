// Permutations: all of them, equally often, and the same for one seed.
#include "stratoscope/analysis/permutation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <utility>

namespace stratoscope {
namespace {

TEST(Permutation, EachIsAsLikelyAsTheOthers) {
  std::mt19937_64 random(1);
  std::map<std::vector<std::size_t>, int> seen;
  constexpr int kDraws = 6000;
  for (int i = 0; i < kDraws; ++i) ++seen[permutation(3, random)];
  ASSERT_EQ(seen.size(), 6U);
  for (const auto& [order, count] : seen) EXPECT_NEAR(count, kDraws / 6, 6 * 29) << "six standard deviations";
  EXPECT_TRUE(permutation(0, random).empty());
}

TEST(Permutation, ShufflesEachColumnOnItsOwn) {
  constexpr std::size_t kRows = 20, kCols = 5;
  BasicTensor<double> rows({kRows, kCols});
  for (std::size_t i = 0; i < kRows * kCols; ++i) rows.data()[i] = static_cast<double>(i);
  const auto first = shuffled_columns(std::as_const(rows).matrix(), 3);
  const auto again = shuffled_columns(std::as_const(rows).matrix(), 3);
  const auto other = shuffled_columns(std::as_const(rows).matrix(), 4);
  EXPECT_TRUE(std::equal(first.data(), first.data() + first.size(), again.data()));
  EXPECT_FALSE(std::equal(first.data(), first.data() + first.size(), other.data()));
  std::vector<std::vector<double>> orders(kCols);
  for (std::size_t c = 0; c < kCols; ++c) {
    for (std::size_t r = 0; r < kRows; ++r) orders[c].push_back(first.matrix().row(r)[c] - static_cast<double>(c));
    std::vector<double> sorted = orders[c];
    std::sort(sorted.begin(), sorted.end());
    for (std::size_t r = 0; r < kRows; ++r) EXPECT_EQ(sorted[r], static_cast<double>(r * kCols));
    EXPECT_NE(sorted, orders[c]);
    if (c > 0) {
      EXPECT_NE(orders[c], orders[c - 1]);
    }
  }
}

}  // namespace
}  // namespace stratoscope
