// Where a text may be cut so that its two parts have the tokens of the whole: between two characters that stand side by
// side in no token that merges make. Long words without a pre-tokenizer's cuts become short ones that occur again.
#pragma once

#include <bitset>
#include <cstddef>
#include <string_view>
#include <vector>

#include "stratoscope/text/tokenizer_definition.h"

namespace stratoscope {

class CutFinder {
 public:
  // `applies`: whether a character's symbols depend on that character alone, and words on nothing but merges.
  CutFinder(const TokenizerDefinition& definition, bool applies);

  bool is_usable() const { return !pairs_.empty(); }

  // The first place after `begin` where the text may be cut; its end where there is none.
  std::size_t next_cut(std::string_view text, std::size_t begin) const;

 private:
  static std::size_t slot_of(char32_t first, char32_t second);

  std::vector<bool> pairs_;  // by slot: whether some token may hold such a pair; two pairs may share a slot
};

}  // namespace stratoscope
