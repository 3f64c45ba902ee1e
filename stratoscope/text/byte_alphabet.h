// The spelling of bytes in vocabulary files of byte-level BPE: one printable character for each (a space is "Ġ"), so
// that every byte string is a word without spaces.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace stratoscope {

// "\xC3\xA9" is spelled "Ã©".
std::string spell_bytes(std::string_view bytes);

// The bytes of a spelling; nullopt if one of its characters (it is valid UTF-8) spells no byte.
std::optional<std::string> unspell_bytes(std::string_view spelling);

}  // namespace stratoscope
