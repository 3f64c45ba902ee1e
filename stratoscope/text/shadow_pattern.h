// Translates a regular expression of a tokenizer's file from Oniguruma's syntax to PCRE2's, for the shadow of a text:
// one byte for each code point, ASCII unchanged and others replaced by the byte of their class in the expression.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace stratoscope {

struct ShadowPattern {
  // Throws Error with the place for syntax that is not implemented.
  explicit ShadowPattern(std::string_view expression);

  std::string pattern;                     // for PCRE2, of bytes
  std::vector<std::uint8_t> shadow_bytes;  // by code point
};

}  // namespace stratoscope
