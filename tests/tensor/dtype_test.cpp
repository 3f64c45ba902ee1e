#include "stratoscope/tensor/dtype.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "tests/base/error_text.h"

namespace stratoscope {
namespace {

// The value of an IEEE 754 number with these fields: sign, biased exponent and fraction, by the definition.
double ieee_value(unsigned bits, int exponent_bits, int fraction_bits) {
  const bool negative = ((bits >> (exponent_bits + fraction_bits)) & 1U) != 0;
  const int exponent = static_cast<int>((bits >> fraction_bits) & ((1U << exponent_bits) - 1U));
  const int fraction = static_cast<int>(bits & ((1U << fraction_bits) - 1U));
  const int bias = (1 << (exponent_bits - 1)) - 1;
  double magnitude = 0;
  if (exponent == (1 << exponent_bits) - 1) {
    magnitude = fraction == 0 ? std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
  } else if (exponent == 0) {
    magnitude = std::ldexp(fraction, 1 - bias - fraction_bits);
  } else {
    magnitude = std::ldexp((1 << fraction_bits) + fraction, exponent - bias - fraction_bits);
  }
  return negative ? -magnitude : magnitude;
}

template <class Out>
void check_every_pattern(DType dtype, int exponent_bits, int fraction_bits) {
  std::vector<std::uint16_t> stored(65536);
  for (std::size_t i = 0; i < stored.size(); ++i) stored[i] = static_cast<std::uint16_t>(i);
  std::vector<Out> out(stored.size());
  convert(dtype, std::as_bytes(std::span(stored)), std::span<Out>(out));
  for (unsigned i = 0; i < out.size(); ++i) {
    const double wanted = ieee_value(i, exponent_bits, fraction_bits);
    if (std::isnan(wanted)) {
      ASSERT_TRUE(std::isnan(out[i])) << i;
    } else {
      ASSERT_EQ(static_cast<double>(out[i]), wanted) << i;
      ASSERT_EQ(std::signbit(out[i]), std::signbit(wanted)) << i;
    }
  }
}

TEST(Convert, EveryHalf) {
  check_every_pattern<float>(DType::f16, 5, 10);
  check_every_pattern<double>(DType::f16, 5, 10);
}

TEST(Convert, EveryBfloat) {
  check_every_pattern<float>(DType::bf16, 8, 7);
  check_every_pattern<double>(DType::bf16, 8, 7);
}

TEST(Convert, SomeHalvesByHand) {
  const std::vector<std::uint16_t> stored = {0x3C00, 0xC000, 0x7BFF, 0x0001, 0x03FF, 0x0400, 0x3555};
  std::vector<float> out(stored.size());
  convert(DType::f16, std::as_bytes(std::span(stored)), std::span<float>(out));
  EXPECT_EQ(out, (std::vector<float>{1, -2, 65504, 0x1p-24F, 1023 * 0x1p-24F, 0x1p-14F, 0.333251953125F}));
}

template <class Stored>
std::vector<double> to_doubles(DType dtype, const std::vector<Stored>& stored) {
  std::vector<double> out(stored.size());
  convert(dtype, std::as_bytes(std::span(stored)), std::span<double>(out));
  return out;
}

TEST(Convert, WholeNumbersAndFloats) {
  using Doubles = std::vector<double>;
  EXPECT_EQ(to_doubles<std::int64_t>(DType::i64, {-(1LL << 53), 7}), (Doubles{-9007199254740992.0, 7}));
  EXPECT_EQ(to_doubles<std::int32_t>(DType::i32, {INT32_MIN, INT32_MAX}), (Doubles{-2147483648.0, 2147483647.0}));
  EXPECT_EQ(to_doubles<std::int16_t>(DType::i16, {INT16_MIN, 3}), (Doubles{-32768, 3}));
  EXPECT_EQ(to_doubles<std::int8_t>(DType::i8, {-128, 127}), (Doubles{-128, 127}));
  EXPECT_EQ(to_doubles<std::uint64_t>(DType::u64, {0, 1ULL << 63}), (Doubles{0, 0x1p63}));
  EXPECT_EQ(to_doubles<std::uint32_t>(DType::u32, {0, UINT32_MAX}), (Doubles{0, 4294967295.0}));
  EXPECT_EQ(to_doubles<std::uint16_t>(DType::u16, {0, UINT16_MAX}), (Doubles{0, 65535}));
  EXPECT_EQ(to_doubles<std::uint8_t>(DType::u8, {0, 255}), (Doubles{0, 255}));
  EXPECT_EQ(to_doubles<std::uint8_t>(DType::boolean, {0, 1}), (Doubles{0, 1}));
  EXPECT_EQ(to_doubles<float>(DType::f32, {0.1F, -0x1p-149F}), (Doubles{0.1F, -0x1p-149}));
  EXPECT_EQ(to_doubles<double>(DType::f64, {0.1, 1e300}), (Doubles{0.1, 1e300}));
}

TEST(Convert, ADoubleIsRoundedToTheNearestFloat) {
  const std::vector<double> stored = {0.1, 1 + 0x1p-24, 1e300};
  std::vector<float> out(stored.size());
  convert(DType::f64, std::as_bytes(std::span(stored)), std::span<float>(out));
  EXPECT_EQ(out, (std::vector<float>{0.1F, 1.0F, std::numeric_limits<float>::infinity()}));
}

TEST(Convert, ReadsFromAnyAddress) {
  const float values[] = {1.5F, -2.25F};
  std::vector<std::byte> bytes(sizeof values + 1);
  std::memcpy(bytes.data() + 1, values, sizeof values);
  std::vector<float> out(2);
  convert(DType::f32, std::span<const std::byte>(bytes).subspan(1), std::span<float>(out));
  EXPECT_EQ(out, (std::vector<float>{1.5F, -2.25F}));
}

TEST(Convert, RefusesBytesThatAreNotAsManyNumbers) {
  const std::vector<std::byte> bytes(7);
  std::vector<float> out(2);
  EXPECT_TRUE(testing::holds(testing::error_text([&] { convert(DType::f32, bytes, std::span<float>(out)); }),
                             "bytes and element count disagree"));
}

TEST(DType, WhatIsUnreadableHasNoSizeAndIsNotConverted) {
  const std::vector<std::byte> bytes(2);
  std::vector<float> out(2);
  EXPECT_TRUE(testing::holds(testing::error_text([&] { convert(DType::unreadable, bytes, std::span<float>(out)); }),
                             "are not read here"));
  EXPECT_TRUE(testing::holds(testing::error_text([] { size_of(DType::unreadable); }), "are not read here"));
  EXPECT_FALSE(is_floating(DType::unreadable));
}

TEST(DType, NamesAndSizesAreThoseOfSafetensors) {
  const std::vector<std::pair<std::string, std::size_t>> known = {
      {"F64", 8}, {"F32", 4}, {"F16", 2}, {"BF16", 2}, {"I64", 8}, {"I32", 4}, {"I16", 2},
      {"I8", 1},  {"U64", 8}, {"U32", 4}, {"U16", 2},  {"U8", 1},  {"BOOL", 1}};
  for (std::size_t i = 0; i < known.size(); ++i) {
    const auto dtype = static_cast<DType>(i);
    EXPECT_EQ(name_of(dtype), known[i].first);
    EXPECT_EQ(size_of(dtype), known[i].second);
    EXPECT_EQ(is_floating(dtype), known[i].first.find('F') != std::string::npos);
  }
}

}  // namespace
}  // namespace stratoscope
