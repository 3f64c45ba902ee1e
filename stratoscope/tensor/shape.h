// The sizes of an array's axes, outermost first.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "stratoscope/base/api.h"

namespace STRATOSCOPE_API stratoscope {

using Shape = std::vector<std::size_t>;

// "[12, 768]"
std::string to_string(const Shape& shape);

// The product of the axes (1 for no axis). Throws Error if it does not fit into std::size_t.
std::size_t element_count(std::span<const std::size_t> shape);

}  // namespace stratoscope
