// What characters decompose and compose to, the order of marks, small letters: Unicode's tables as Hugging Face's
// tokenizers know them. Hangul syllables are left to arithmetic.
#pragma once

#include <cstdint>
#include <span>

namespace stratoscope {

struct Composition {
  char32_t first, second, product;
};
struct MarkOrder {
  char32_t first, last;
  std::uint8_t order;  // of combining classes: 1 is the smallest; 0 (of no range) is no mark
};

// Entries in a row: a code point, a count, and as many code points that it becomes, with nothing left to decompose.
std::span<const char32_t> canonical_decompositions();
std::span<const char32_t> compatible_decompositions();  // where they differ from the canonical ones
std::span<const char32_t> small_letters();

std::span<const Composition> compositions();
std::span<const MarkOrder> mark_orders();  // ascending and disjoint

}  // namespace stratoscope
