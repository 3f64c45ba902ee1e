// The four kinds of character that the regular expressions of byte-level BPE tell apart.
#pragma once

#include <cstdint>

namespace stratoscope {

enum class CharacterClass : std::uint8_t { letter, number, whitespace, other };

// What Hugging Face's tokenizers take the code point for under \p{L}, \p{N} and \s.
CharacterClass character_class(char32_t code_point);

}  // namespace stratoscope
