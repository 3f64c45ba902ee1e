// A regular expression of a tokenizer's file, in the syntax that Oniguruma reads, translated for PCRE2 on the shadow of
// a text: one byte for each code point, ASCII as it is and every other one replaced by a byte for what the expression
// can tell about it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace stratoscope {

struct ShadowPattern {
  // Throws Error, which quotes the place, for what is not implemented.
  explicit ShadowPattern(std::string_view expression);

  std::string pattern;                     // for PCRE2, of bytes
  std::vector<std::uint8_t> shadow_bytes;  // by code point
};

}  // namespace stratoscope
