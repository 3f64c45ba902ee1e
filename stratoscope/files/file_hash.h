// Tells whether a file is the one that it was.
#pragma once

#include <filesystem>
#include <string>

namespace stratoscope {

// XXH3 of all its bytes, as 16 hexadecimal digits: it tells files apart and protects from nobody. Throws Error where
// the file cannot be read.
std::string file_hash(const std::filesystem::path& path);

}  // namespace stratoscope
