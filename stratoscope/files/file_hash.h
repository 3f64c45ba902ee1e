// A hash to detect a changed file.
#pragma once

#include <filesystem>
#include <string>

namespace stratoscope {

// XXH3 of all bytes, as 16 hexadecimal digits; not a cryptographic hash. Throws Error if the file cannot be read.
std::string file_hash(const std::filesystem::path& path);

}  // namespace stratoscope
