#include "stratoscope/ops/finite.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "tests/ops/targets.h"

namespace stratoscope {
namespace {

// One number among others, at every place of rows of every length up to a few vectors, off any boundary.
template <class Bits>
void expect_found_everywhere(Bits exponent, std::initializer_list<Bits> full, std::initializer_list<Bits> finite) {
  test::on_every_target([&] {
    for (std::size_t count = 0; count <= 150; ++count) {
      std::vector<std::byte> bytes(count * sizeof(Bits) + 1);
      const std::span numbers = std::span(bytes).subspan(1);
      const auto put = [&](std::size_t i, Bits number) {
        std::memcpy(&numbers[i * sizeof(Bits)], &number, sizeof(Bits));
      };
      for (std::size_t i = 0; i < count; ++i) put(i, *(finite.begin() + i % finite.size()));
      ASSERT_FALSE(has_full_exponent(numbers, exponent)) << count;
      for (std::size_t i = 0; i < count; ++i) {
        put(i, *(full.begin() + i % full.size()));
        ASSERT_TRUE(has_full_exponent(numbers, exponent)) << "number " << i << " of " << count;
        put(i, *finite.begin());
      }
    }
  });
}

TEST(Finite, FindsInfinityAndNanOfEveryFormat) {
  // Infinity, -infinity, the first and the last NaN; the largest finite number, its negative, zero and a subnormal.
  expect_found_everywhere<std::uint16_t>(0x7c00, {0x7c00, 0xfc00, 0x7c01, 0xffff}, {0x7bff, 0xfbff, 0, 0x8001});
  expect_found_everywhere<std::uint16_t>(0x7f80, {0x7f80, 0xff80, 0x7f81, 0xffff}, {0x7f7f, 0xff7f, 0, 0x8001});
  expect_found_everywhere<std::uint32_t>(0x7f800000U, {0x7f800000U, 0xff800000U, 0x7f800001U, 0xffffffffU},
                                         {0x7f7fffffU, 0xff7fffffU, 0, 0x80000001U});
  constexpr std::uint64_t kExponent = 0x7ff0000000000000U, kSign = std::uint64_t{1} << 63;
  expect_found_everywhere<std::uint64_t>(kExponent, {kExponent, kExponent | kSign, kExponent + 1, ~std::uint64_t{0}},
                                         {kExponent - 1, (kExponent - 1) | kSign, 0, kSign + 1});
}

}  // namespace
}  // namespace stratoscope
