// The search for NaN and infinity among stored numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace stratoscope {

// Whether any of the numbers, of the width of Bits, has all bits of `exponent` set, as NaN and infinity have. Bytes
// past the last whole number are left out; none need to be aligned. For std::uint16_t, std::uint32_t and std::uint64_t.
template <class Bits>
bool has_full_exponent(std::span<const std::byte> bytes, Bits exponent);

}  // namespace stratoscope
