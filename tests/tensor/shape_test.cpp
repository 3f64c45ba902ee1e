#include "stratoscope/tensor/shape.h"

#include <gtest/gtest.h>

#include "tests/base/error_text.h"

namespace stratoscope {
namespace {

TEST(Shape, ReadsAsAList) {
  EXPECT_EQ(to_string({}), "[]");
  EXPECT_EQ(to_string({7}), "[7]");
  EXPECT_EQ(to_string({12, 768}), "[12, 768]");
}

TEST(ElementCount, IsTheProductOfTheAxes) {
  EXPECT_EQ(element_count(Shape{}), 1U);
  EXPECT_EQ(element_count(Shape{3, 4, 5}), 60U);
  EXPECT_EQ(element_count(Shape{3, 0, 5}), 0U);
}

TEST(ElementCount, OverflowIsAnError) {
  const std::size_t half = std::size_t{1} << 32;
  EXPECT_EQ(element_count(Shape{half, half - 1}), half * (half - 1));
  const std::string text = testing::error_text([&] { element_count(Shape{half, half}); });
  EXPECT_TRUE(testing::holds(text, "[4294967296, 4294967296] has more elements than fit"));
}

}  // namespace
}  // namespace stratoscope
