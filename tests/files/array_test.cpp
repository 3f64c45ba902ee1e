#include "stratoscope/files/array.h"

#include <gtest/gtest.h>

#include "tests/base/error_text.h"

namespace stratoscope {
namespace {

using testing::error_text;
using testing::holds;

TEST(ArrayView, SeesTheTensorItself) {
  const BasicTensor<double> tensor = BasicTensor<double>::zeros({2, 3});
  const ArrayView view = array_view("x", tensor);
  EXPECT_EQ(view.name, "x");
  EXPECT_EQ(view.dtype, DType::f64);
  EXPECT_EQ(view.shape, (Shape{2, 3}));
  EXPECT_EQ(static_cast<const void*>(view.bytes.data()), tensor.data());
  EXPECT_EQ(view.bytes.size(), 48U);
}

TEST(ArrayView, EachTypeOfNumber) {
  EXPECT_EQ(array_view("x", std::vector<float>(3), {3}).dtype, DType::f32);
  EXPECT_EQ(array_view("x", std::vector<double>(3), {3}).dtype, DType::f64);
  EXPECT_EQ(array_view("x", std::vector<std::int64_t>(3), {3}).dtype, DType::i64);
  EXPECT_EQ(array_view("x", std::vector<std::int32_t>(3), {3, 1}).dtype, DType::i32);
  EXPECT_EQ(array_view("x", std::vector<float>(1), {}).bytes.size(), 4U);
}

TEST(ArrayView, RefusesAShapeOfAnotherSize) {
  const std::vector<float> values(3);
  EXPECT_TRUE(holds(error_text([&] { array_view("x", values, {2, 2}); }), "'x' has 3 values, but its shape is [2, 2]"));
}

TEST(ByteCount, OverflowIsAnError) {
  EXPECT_EQ(byte_count(DType::f16, {3, 5}), 30U);
  const Shape shape = {std::size_t{1} << 62};
  EXPECT_EQ(byte_count(DType::u8, shape), std::size_t{1} << 62);
  EXPECT_TRUE(holds(error_text([&] { byte_count(DType::f32, shape); }), "has more bytes than fit"));
}

}  // namespace
}  // namespace stratoscope
