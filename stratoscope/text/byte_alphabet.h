// How vocabulary files of byte-level BPE spell bytes: one printable character for each (a space is "Ġ"), so that every
// byte string is a word without blanks.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace stratoscope {

// "\xC3\xA9" is spelled "Ã©".
std::string spell_bytes(std::string_view bytes);

// The bytes that a spelling stands for; none when a character of it (it is valid UTF-8) spells no byte.
std::optional<std::string> unspell_bytes(std::string_view spelling);

}  // namespace stratoscope
