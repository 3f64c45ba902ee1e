// Rounding to bfloat16 against its definition: the nearest of both neighbours, the even one halfway.
#include "stratoscope/tensor/bfloat16.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/support/random_checkpoint.h"

namespace stratoscope {
namespace {

TEST(Bfloat16, RoundsToTheNearest) {
  test::Random random(3);
  for (const float unit : random.units(20000)) {
    const float x = std::ldexp(unit, static_cast<int>(unit * 1e6F) % 30);
    const std::uint16_t rounded = rounded_to_bfloat16(x);
    const double error = std::abs(static_cast<double>(widened(rounded)) - static_cast<double>(x));
    for (const int step : {-1, 1}) {
      const auto neighbour = static_cast<std::uint16_t>(rounded + step);
      ASSERT_LE(error, std::abs(static_cast<double>(widened(neighbour)) - static_cast<double>(x))) << x;
    }
  }
}

TEST(Bfloat16, HalvesGoToTheEvenOne) {
  EXPECT_EQ(rounded_to_bfloat16(1 + 0x1p-8F), rounded_to_bfloat16(1.0F));
  EXPECT_EQ(rounded_to_bfloat16(1 + 3 * 0x1p-8F), rounded_to_bfloat16(1 + 4 * 0x1p-8F));
  EXPECT_EQ(widened(rounded_to_bfloat16(-0.0F)), 0.0F);
  EXPECT_TRUE(std::signbit(widened(rounded_to_bfloat16(-0.0F))));
}

TEST(Bfloat16, WhatIsNotFiniteStaysSo) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(widened(rounded_to_bfloat16(kInfinity)), kInfinity);
  EXPECT_EQ(widened(rounded_to_bfloat16(-kInfinity)), -kInfinity);
  EXPECT_EQ(widened(rounded_to_bfloat16(std::numeric_limits<float>::max())), kInfinity);
  for (const float nan : {std::numeric_limits<float>::quiet_NaN(), std::bit_cast<float>(0x7F800001U)})
    EXPECT_TRUE(std::isnan(widened(rounded_to_bfloat16(nan))));
}

}  // namespace
}  // namespace stratoscope
