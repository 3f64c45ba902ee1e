// --memory-limit: an amount of memory as people write it.
#pragma once

#include <cstddef>
#include <string>

#include "apps/cli/options.h"

namespace stratoscope::cli {

void add_memory_limit(CLI::App& command, std::string& size);
// "512M", "2G", or bytes; 0 for nothing. With a limit the process keeps little freed memory. Throws Error.
std::size_t memory_size(const std::string& text);

}  // namespace stratoscope::cli
