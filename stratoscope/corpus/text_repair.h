// What is no Unicode in a line of JSON: bytes that are not UTF-8, and escapes of half a surrogate pair.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace stratoscope {

// Where the first \uXXXX stands that is half of a surrogate pair and has no other half beside it; line.size() when
// there is none. A program that cut a character in two leaves such.
std::size_t find_lone_surrogate(std::string_view line);

// Makes U+FFFD of each bad sequence of bytes and each lone surrogate. Returns how many.
std::size_t replace_invalid(std::string& line);

}  // namespace stratoscope
