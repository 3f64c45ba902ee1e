// The JSON header of a safetensors file as it is written down, before its offsets are held against the file.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "stratoscope/tensor/dtype.h"
#include "stratoscope/tensor/shape.h"

namespace stratoscope {

// Both the reference implementation and we refuse a longer header, in bytes.
inline constexpr std::size_t kMaxSafetensorsHeader = 100'000'000;

// [begin, end) count bytes from the header's end. `type` is the spelling of the file.
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

// Each entry is complete; types that DType does not have are its `unreadable`. Throws Error, `file` named; memory and
// stack stay in proportion to the text however it is nested.
SafetensorsHeader parse_safetensors_header(std::string_view json, const std::string& file);

}  // namespace stratoscope
