#include "stratoscope/ops/add.h"

#include <gtest/gtest.h>

#include "tests/support/random_checkpoint.h"

namespace stratoscope {
namespace {

TEST(Add, IsExactAndMayWriteOverEitherOperand) {
  test::Random random(1);
  for (const std::size_t cols : {1U, 7U, 33U}) {
    const auto a = random.units(5 * (cols + 2)), b = random.units(5 * cols);
    std::vector<float> sum(5 * (cols + 1), 9.0F), over_b = b;
    const MatrixView<const float> x(a.data(), 5, cols, cols + 2), y(b.data(), 5, cols);
    add(x, y, {sum.data(), 5, cols, cols + 1});
    add(x, y, {over_b.data(), 5, cols});
    for (std::size_t r = 0; r < 5; ++r) {
      for (std::size_t i = 0; i < cols; ++i) {
        EXPECT_EQ(sum[r * (cols + 1) + i], x.row(r)[i] + y.row(r)[i]);
        EXPECT_EQ(over_b[r * cols + i], x.row(r)[i] + y.row(r)[i]);
      }
      EXPECT_EQ(sum[r * (cols + 1) + cols], 9.0F);
    }
  }
}

}  // namespace
}  // namespace stratoscope
