// The memory available to a process.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace stratoscope {

// In bytes: the system's estimate of memory without swapping, or the rest of the process's control group if that is
// less. nullopt if the system has no estimate.
std::optional<std::size_t> available_memory();

// "12.3 GiB", "410 MiB", "7 KiB"
std::string memory_text(std::size_t bytes);

// Throws Error if the captured arrays of a text of `tokens` tokens, of `bytes` in memory, do not fit into what is
// available.
void require_memory(double bytes, std::size_t tokens);

}  // namespace stratoscope
