// Where arrays of numbers live.
#pragma once

#include <cstddef>

#include "stratoscope/base/api.h"

namespace STRATOSCOPE_API stratoscope {

// At least `bytes` bytes, 64-byte aligned, uninitialised; to be given back by std::free. Large ones lie on huge pages
// where the system has them. Throws std::bad_alloc.
void* allocate_aligned(std::size_t bytes);

}  // namespace stratoscope
