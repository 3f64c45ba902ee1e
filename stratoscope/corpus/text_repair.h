// Repairs lines of JSON that are not valid Unicode: invalid UTF-8, and escapes of lone surrogates.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace stratoscope {

// The index of the first \uXXXX that is a lone surrogate; line.size() if there is none. Programs that cut a character
// in two write such escapes.
std::size_t find_lone_surrogate(std::string_view line);

// Replaces each invalid sequence of bytes and each lone surrogate by U+FFFD. Returns their number.
std::size_t replace_invalid(std::string& line);

}  // namespace stratoscope
