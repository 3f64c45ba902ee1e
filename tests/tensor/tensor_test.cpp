#include "stratoscope/tensor/tensor.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <new>
#include <numeric>
#include <type_traits>

#include "tests/base/error_text.h"

namespace stratoscope {
namespace {

TEST(Tensor, IsAlignedToACacheLine) {
  for (const std::size_t size : {0, 1, 3, 1000}) {
    const Tensor tensor({size});
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(tensor.data()) % 64, 0U) << size;
    EXPECT_EQ(tensor.size(), size);
    EXPECT_EQ(tensor.empty(), size == 0);
  }
}

TEST(Tensor, ZerosAreZeros) {
  const BasicTensor<double> tensor = BasicTensor<double>::zeros({3, 5});
  EXPECT_EQ(tensor.values().size(), 15U);
  for (const double value : tensor.values()) EXPECT_EQ(value, 0.0);
}

TEST(Tensor, ACopyHasNumbersOfItsOwn) {
  static_assert(!std::is_copy_constructible_v<Tensor>);
  Tensor tensor = Tensor::zeros({2, 2});
  tensor.data()[3] = 4;
  const Tensor twin = tensor.copy();
  tensor.data()[3] = 5;
  EXPECT_EQ(twin.data()[3], 4);
  EXPECT_EQ(twin.shape(), (Shape{2, 2}));
}

TEST(Tensor, SlicesAndRowsAreWhereTheyShouldBe) {
  Tensor tensor({3, 4, 5});
  std::iota(tensor.data(), tensor.data() + tensor.size(), 0.0F);
  EXPECT_EQ(tensor.matrix().rows, 12U);
  EXPECT_EQ(tensor.matrix().cols, 5U);
  const MatrixView<float> slice = tensor.slice(2);
  EXPECT_EQ(slice.rows, 4U);
  EXPECT_EQ(slice.row(0)[0], 40);
  EXPECT_EQ(slice.row_span(3).back(), 59);
  const MatrixView<const float> part = slice.rows_from(1, 2).cols_from(3, 2);
  EXPECT_EQ(part.rows, 2U);
  EXPECT_EQ(part.cols, 2U);
  EXPECT_EQ(part.row(1)[1], 54);
}

TEST(Tensor, AVectorIsOneRow) {
  const Tensor tensor = Tensor::zeros({7});
  EXPECT_EQ(tensor.matrix().rows, 1U);
  EXPECT_EQ(tensor.matrix().cols, 7U);
}

TEST(Tensor, TooLargeASizeThrows) {
  const std::size_t half = std::size_t{1} << 32;
  EXPECT_THROW(Tensor({half, half}), Error);
  EXPECT_THROW(Tensor({half, half / 2}), std::bad_alloc);
}

}  // namespace
}  // namespace stratoscope
