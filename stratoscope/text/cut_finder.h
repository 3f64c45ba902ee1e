// Finds places where a text can be cut without changing its tokens: between two characters that are neighbours in no
// merged token. So long words without a pre-tokenizer become short ones that occur repeatedly.
#pragma once

#include <bitset>
#include <cstddef>
#include <string_view>
#include <vector>

#include "stratoscope/text/tokenizer_definition.h"

namespace stratoscope {

class CutFinder {
 public:
  // `applies`: a character's symbols depend on that character alone, and words on merges alone.
  CutFinder(const TokenizerDefinition& definition, bool applies);

  bool is_usable() const { return !pairs_.empty(); }

  // The first place after `begin` where the text can be cut, else its end.
  std::size_t next_cut(std::string_view text, std::size_t begin) const;

 private:
  static std::size_t slot_of(char32_t first, char32_t second);

  std::vector<bool> pairs_;  // by slot: whether a token may contain such a pair; two pairs may share a slot
};

}  // namespace stratoscope
