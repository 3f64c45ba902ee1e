// bfloat16: the upper half of a float32.
#pragma once

#include <bit>
#include <cstdint>

namespace stratoscope {

// Rounds to the nearest, halves to even; NaN stays NaN.
inline std::uint16_t rounded_to_bfloat16(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const bool is_nan = (bits & 0x7FFFFFFFU) > 0x7F800000U;
  const std::uint32_t rounded = is_nan ? bits | 0x400000U : bits + 0x7FFFU + (bits >> 16 & 1U);
  return static_cast<std::uint16_t>(rounded >> 16);
}

inline float widened(std::uint16_t bfloat16) { return std::bit_cast<float>(std::uint32_t{bfloat16} << 16); }

}  // namespace stratoscope
