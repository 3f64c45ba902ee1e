// Asking for memory before it is needed by code that could not say that there is none.
#pragma once

#include <cstddef>

namespace stratoscope {

// Throws std::bad_alloc unless the system would give this process `bytes` more just now.
void require_memory(std::size_t bytes);

}  // namespace stratoscope
