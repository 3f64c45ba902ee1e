// The search for NaN and infinity among stored numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace stratoscope {

// Whether any of the numbers, of 16, 32 or 64 bits each, has all bits of `exponent` set, as NaN and infinity have.
// Bytes after the last whole number are ignored; the bytes need not be aligned.
bool has_full_exponent(std::span<const std::byte> bytes, std::uint16_t exponent);
bool has_full_exponent(std::span<const std::byte> bytes, std::uint32_t exponent);
bool has_full_exponent(std::span<const std::byte> bytes, std::uint64_t exponent);

}  // namespace stratoscope
