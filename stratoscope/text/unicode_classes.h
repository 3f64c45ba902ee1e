// General categories of Unicode, in the version of Hugging Face's tokenizers.
#pragma once

#include <cstdint>
#include <span>

namespace stratoscope {

// The standard's names; Cn is not assigned.
// clang-format off
enum class Category : std::uint8_t {
  Cn, Lu, Ll, Lt, Lm, Lo, Mn, Mc, Me, Nd, Nl, No, Pc, Pd, Ps, Pe, Pi, Pf, Po, Sm, Sc, Sk, So, Zs, Zl, Zp, Cc, Cf, Co
};
// clang-format on

struct CategoryRange {
  char32_t first, last;
  Category value;
};

// Ascending and disjoint; other code points are Category::Cn.
std::span<const CategoryRange> category_ranges();

Category general_category(char32_t code_point);

// The property White_Space.
bool is_whitespace(char32_t code_point);

// Alphabetic characters, marks, decimal digits and connecting punctuation.
bool is_word(char32_t code_point);

}  // namespace stratoscope
