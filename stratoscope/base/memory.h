// The memory that a process may still take.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace stratoscope {

// Bytes: the system's own estimate of what can be had without swapping, or what the process's control group has left
// where that is less. Nothing where the system does not say.
std::optional<std::size_t> available_memory();

// "12.3 GiB", "410 MiB", "7 KiB"
std::string memory_text(std::size_t bytes);

}  // namespace stratoscope
