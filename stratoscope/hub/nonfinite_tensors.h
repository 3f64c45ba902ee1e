// Finds stored numbers that are NaN or infinite.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "stratoscope/files/safetensors.h"

namespace stratoscope {

// Whether a tensor has one. Reads all its bytes.
bool has_nonfinite(const StoredTensor& stored);

// The names of the tensors with NaN or infinity, in the order of the input. Reads all bytes, which must be mapped, and
// keeps no pages.
std::vector<std::string> names_of_nonfinite(std::span<const std::pair<std::string, StoredTensor>> tensors);

}  // namespace stratoscope
