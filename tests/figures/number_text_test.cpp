#include "stratoscope/figures/number_text.h"

#include <gtest/gtest.h>

namespace stratoscope {
namespace {

TEST(Grouped, SetsCommasByThousands) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1,000");
  EXPECT_EQ(grouped(1234567), "1,234,567");
}

TEST(Brief, HasThreeDigitsAndATypographicMinus) {
  EXPECT_EQ(brief(0.37216), "0.372");
  EXPECT_EQ(brief(-9.669), "−9.67");
  EXPECT_EQ(brief(1.25e-7), "1.25e−7");
  EXPECT_EQ(brief(2.5e12), "2.5e12");
  EXPECT_EQ(brief(12345), "12345");
}

TEST(Fixed, NeverShowsMinusZero) {
  EXPECT_EQ(fixed(-0.001, 1), "0.0");
  EXPECT_EQ(fixed(-0.25, 2), "−0.25");
}

TEST(PowerOfTen, RaisesItsExponent) {
  EXPECT_EQ(power_of_ten(-12), "10⁻¹²");
  EXPECT_EQ(power_of_ten(0), "10⁰");
}

}  // namespace
}  // namespace stratoscope
