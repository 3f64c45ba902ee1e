// UTF-8: validation, counting, reading and repair.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace stratoscope {

// The position of the first invalid byte (for a sequence that is truncated, overlong, a surrogate or beyond U+10FFFF:
// of its first byte); text.size() if there is none.
std::size_t find_invalid_utf8(std::string_view text);

// Throws Error(where, …) with the byte offset of the first bad byte, unless `text` is UTF-8.
void validate_utf8(std::string_view text, const std::string& where);

// The length of the code point with first byte `lead`, in valid UTF-8.
constexpr std::size_t utf8_length(unsigned char lead) {
  return lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

// The code point that begins at text[at], in valid UTF-8.
char32_t decode_code_point(std::string_view text, std::size_t at);

// The number of code points of valid UTF-8.
std::size_t count_code_points(std::string_view text);

// Appends `code_point`, at most U+10FFFF and not a surrogate.
void append_utf8(std::string& out, char32_t code_point);

// Valid UTF-8: each maximal part of a sequence that is cut short, and every other bad byte, becomes one U+FFFD (as the
// Unicode standard advises and Python's errors="replace" does).
std::string sanitize_utf8(std::string_view bytes);

}  // namespace stratoscope
