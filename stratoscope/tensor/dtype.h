// Number formats of stored tensors, and their conversion to the engine's float32 or the reference's float64.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "stratoscope/base/api.h"

namespace STRATOSCOPE_API stratoscope {

// `unreadable` is every other type that a file names (8-bit floats, complex numbers, future types): the file may have
// such numbers, but they cannot be converted.
enum class DType { f64, f32, f16, bf16, i64, i32, i16, i8, u64, u32, u16, u8, boolean, unreadable };

// In bytes. Throws Error for `unreadable`.
std::size_t size_of(DType dtype);
// The spelling of safetensors: "F32", "BF16", "I64", "BOOL", …; "unreadable" for that.
std::string_view name_of(DType dtype);
bool is_floating(DType dtype);

// Converts little-endian stored numbers; `bytes` has exactly out.size() of them. F16, BF16 and F32 become float or
// double exactly; F64 is rounded to float. Throws Error for another count and for `unreadable`.
void convert(DType dtype, std::span<const std::byte> bytes, std::span<float> out);
void convert(DType dtype, std::span<const std::byte> bytes, std::span<double> out);

}  // namespace stratoscope
