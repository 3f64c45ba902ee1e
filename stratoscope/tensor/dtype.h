// Number formats of stored tensors, and their conversion to the engine's float32 or the reference's float64.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "stratoscope/base/api.h"

namespace STRATOSCOPE_API stratoscope {

enum class DType { f64, f32, f16, bf16, i64, i32, i16, i8, u8, boolean };

std::size_t size_of(DType dtype);
// safetensors' spelling: "F32", "BF16", "I64", "BOOL", …
std::string_view name_of(DType dtype);
bool is_floating(DType dtype);

// Converts little-endian stored numbers; `bytes` holds exactly out.size() of them. F16, BF16 and F32 become
// float or double exactly; F64 is rounded to float.
void convert(DType dtype, std::span<const std::byte> bytes, std::span<float> out);
void convert(DType dtype, std::span<const std::byte> bytes, std::span<double> out);

}  // namespace stratoscope
