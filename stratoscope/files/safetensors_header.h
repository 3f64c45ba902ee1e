// The JSON header of a safetensors file, before its offsets are compared with the file.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "stratoscope/tensor/dtype.h"
#include "stratoscope/tensor/shape.h"

namespace stratoscope {

// The limit of a header in bytes, as in the reference implementation.
inline constexpr std::size_t kMaxSafetensorsHeader = 100'000'000;

// Bytes [begin, end) after the header's end. `type` is the spelling of the file.
struct SafetensorsEntry {
  std::string name, type;
  DType dtype = DType::f32;
  Shape shape;
  std::size_t begin = 0, end = 0;
};

struct SafetensorsHeader {
  std::vector<SafetensorsEntry> entries;  // in the order of the header
  std::map<std::string, std::string> metadata;
};

// Each entry is complete; types that DType does not have are `unreadable`. Throws Error with the name `file`. Memory
// and stack are bounded by the length of the text, however it is nested.
SafetensorsHeader parse_safetensors_header(std::string_view json, const std::string& file);

}  // namespace stratoscope
