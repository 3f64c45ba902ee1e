// Unicode's decompositions, compositions, orders of marks and lower-case letters, in the version of Hugging Face's
// tokenizers. Hangul syllables are computed.
#pragma once

#include <cstdint>
#include <span>

namespace stratoscope {

struct Composition {
  char32_t first, second, product;
};
struct MarkOrder {
  char32_t first, last;
  std::uint8_t order;  // of combining classes: 1 is the smallest; 0, which has no range, is for other characters
};

// A sequence of entries: a code point, a count, and as many code points of its full decomposition.
std::span<const char32_t> canonical_decompositions();
std::span<const char32_t> compatible_decompositions();  // those that differ from the canonical ones
std::span<const char32_t> small_letters();

std::span<const Composition> compositions();
std::span<const MarkOrder> mark_orders();  // ascending and disjoint

}  // namespace stratoscope
