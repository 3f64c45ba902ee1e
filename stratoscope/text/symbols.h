// The initial symbols of a word, before merges: bytes in a byte-level vocabulary, else characters, with fallbacks for
// characters that the vocabulary lacks.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "stratoscope/text/token_id.h"
#include "stratoscope/text/tokenizer_definition.h"
#include "stratoscope/text/vocabulary.h"

namespace stratoscope {

// A token of a word, and its number of bytes in the word.
struct Piece {
  TokenId id;
  std::uint32_t length;
};

// The tokens <0xNN> of all bytes, if the definition has byte fallback and the vocabulary has them all; nullopt if it
// has none. Throws Error if it has only some.
std::optional<std::array<TokenId, 256>> fallback_tokens(const TokenizerDefinition& definition,
                                                        const Vocabulary& vocabulary);

// The token for unknown characters. Throws Error if the definition names one that the vocabulary lacks.
std::optional<TokenId> unknown_token(const TokenizerDefinition& definition, const Vocabulary& vocabulary);

class Symbols {
 public:
  // Throws Error as the functions above do, and if a byte-level vocabulary lacks a byte of UTF-8 and an unknown token.
  Symbols(const TokenizerDefinition& definition, const Vocabulary& vocabulary);

  // Appends the symbols of the word, which is UTF-8, to `pieces`. A character without a symbol is left out: its bytes
  // count for the previous piece (or the next one).
  void append(std::string_view word, std::vector<Piece>& pieces) const;

  // Whether the symbols of a character depend on that character alone.
  bool are_independent() const { return !fuses_unknown_ || !unknown_ || fallback_.has_value(); }

 private:
  static constexpr TokenId kNoToken = -1;

  TokenId character_token(char32_t c) const;
  void append_unknown(std::uint32_t length, std::vector<Piece>& pieces) const;

  bool byte_level_;
  std::array<TokenId, 256> bytes_{};  // of a byte-level vocabulary
  std::vector<std::uint32_t> pages_;  // by code point / 256: where its page begins in characters_
  std::vector<TokenId> characters_;   // pages of 256; the first is empty
  std::optional<std::array<TokenId, 256>> fallback_;
  std::optional<TokenId> unknown_;
  bool fuses_unknown_;
};

}  // namespace stratoscope
