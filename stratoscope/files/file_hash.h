// A hash to detect a changed file.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace stratoscope {

// XXH3 of all bytes, as 16 hexadecimal digits; not a cryptographic hash. Throws Error if the file cannot be read.
std::string file_hash(const std::filesystem::path& path);
// The same of a text.
std::string text_hash(std::string_view text);

}  // namespace stratoscope
