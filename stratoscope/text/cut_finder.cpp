#include "stratoscope/text/cut_finder.h"

#include <algorithm>
#include <cstdint>

#include "stratoscope/text/decoder.h"
#include "stratoscope/text/utf8.h"

namespace stratoscope {
namespace {

constexpr int kSlotBits = 20;

// Calls `visit` with each character and its position, until it returns false.
template <class Visit>
void for_each_character(std::string_view text, std::size_t begin, const Visit& visit) {
  for (std::size_t at = begin; at < text.size(); at += utf8_length(static_cast<unsigned char>(text[at])))
    if (!visit(decode_code_point(text, at), at)) return;
}

}  // namespace

// Pairs of ASCII have slots of their own.
std::size_t CutFinder::slot_of(char32_t first, char32_t second) {
  constexpr std::size_t kAsciiSlots = 128 * 128;
  if ((first | second) < 128) return first << 7 | second;
  const std::uint64_t pair = std::uint64_t{first} << 21 | second;
  return kAsciiSlots + (pair * 0x9E3779B97F4A7C15U >> (64 - kSlotBits));
}

CutFinder::CutFinder(const TokenizerDefinition& definition, bool applies) {
  if (!applies || definition.is_byte_level() || definition.ignores_merges) return;
  for (const auto& merge : definition.merges)
    if (fallback_byte(merge.left) || fallback_byte(merge.right)) return;  // a symbol that is not a character
  pairs_.assign((std::size_t{1} << kSlotBits) + 128 * 128, false);
  for (const auto& merge : definition.merges) {
    char32_t before = 0;
    const std::string product = merge.left + merge.right;
    for_each_character(product, 0, [&](char32_t c, std::size_t at) {
      if (at > 0) pairs_[slot_of(before, c)] = true;
      before = c;
      return true;
    });
  }
}

std::size_t CutFinder::next_cut(std::string_view text, std::size_t begin) const {
  std::size_t cut = text.size();
  char32_t before = 0;
  for_each_character(text, begin, [&](char32_t c, std::size_t at) {
    if (at > begin && !pairs_[slot_of(before, c)]) {
      cut = at;
      return false;
    }
    before = c;
    return true;
  });
  return cut;
}

}  // namespace stratoscope
