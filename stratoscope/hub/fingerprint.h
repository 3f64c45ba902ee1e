// A short hash that identifies a model without reading all of its weights.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "stratoscope/files/safetensors.h"

namespace stratoscope {

// 16 hexadecimal digits, an XXH3 over the text of config.json, the tensors' names, types and shapes, and the numbers:
// all of a small tensor's, evenly spaced pieces of a large one's. The tensors' order counts.
std::string fingerprint_of(std::string_view config, std::span<const std::pair<std::string, StoredTensor>> tensors);

}  // namespace stratoscope
