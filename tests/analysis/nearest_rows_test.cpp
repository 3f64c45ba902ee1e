// The nearest rows of a table are those that a full sort of all cosines gives.
#include "stratoscope/analysis/nearest_rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "stratoscope/analysis/similarity.h"
#include "tests/support/random_checkpoint.h"

namespace stratoscope {
namespace {

TEST(NearestRows, AreThoseOfAFullSort) {
  test::Random random(1);
  const std::size_t rows = 700, width = 13, count = 3;
  auto all = random.units((rows + count) * width);  // the table and the vectors after it
  const auto cosines = cosine_matrix(MatrixView<const float>(all.data(), rows + count, width));
  const auto found = nearest_rows(MatrixView<const float>(all.data() + rows * width, count, width),
                                  MatrixView<const float>(all.data(), rows, width), 9);
  ASSERT_EQ(found.size(), count);
  for (std::size_t v = 0; v < count; ++v) {
    std::vector<std::size_t> order(rows);
    for (std::size_t r = 0; r < rows; ++r) order[r] = r;
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return cosines[rows + v][a] > cosines[rows + v][b]; });
    ASSERT_EQ(found[v].size(), 9U);
    for (std::size_t i = 0; i < 9; ++i) {
      EXPECT_EQ(found[v][i].row, order[i]);
      EXPECT_NEAR(found[v][i].cosine, cosines[rows + v][order[i]], 1e-13);
    }
  }
}

TEST(NearestRows, TiesZerosAndNotANumber) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> table = {nan, 1, 0, 0, 2, 2, 1, 1, -1, 0};
  const std::vector<double> vectors = {1, 1, 0, 0};
  const auto found =
      nearest_rows(MatrixView<const double>(vectors.data(), 2, 2), MatrixView<const float>(table.data(), 5, 2), 99);
  std::vector<std::size_t> order, of_zero;
  for (const NearRow& each : found[0]) order.push_back(each.row);
  for (const NearRow& each : found[1]) of_zero.push_back(each.row);
  EXPECT_EQ(order, (std::vector<std::size_t>{2, 3, 1, 4, 0})) << "ties by the lower row, what is not a number last";
  EXPECT_EQ(found[0][2].cosine, 0);
  EXPECT_EQ(of_zero, (std::vector<std::size_t>{1, 2, 3, 4, 0}));
}

}  // namespace
}  // namespace stratoscope
