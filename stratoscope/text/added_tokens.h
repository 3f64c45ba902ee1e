// Tokens that are matched in a text before the other steps ("<|endoftext|>"), special or not.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "stratoscope/text/normalizer.h"
#include "stratoscope/text/token_id.h"
#include "stratoscope/text/tokenizer_definition.h"

namespace stratoscope {

class AddedTokens {
 public:
  // [begin, end) in bytes, including the whitespace that the token strips.
  struct Match {
    std::size_t begin, end;
    TokenId id;
  };

  // Throws Error for empty tokens and for one text with two ids.
  AddedTokens(const TokenizerDefinition& definition, const Normalizer& normalizer);

  // All matches in order; the longest of those at one place. "normalized" tokens are matched in the stretches between
  // the others, after normalization.
  std::vector<Match> find_all(std::string_view text) const { return find_group(plain_, text); }
  std::vector<Match> find_all_normalized(std::string_view text) const { return find_group(normalized_, text); }
  bool has_normalized() const { return !normalized_.tokens.empty(); }

  std::optional<TokenId> find(std::string_view content) const;

 private:
  struct Token {
    std::string content;  // as matched
    TokenId id;
    bool strips_left, strips_right, single_word;
  };
  struct Group {
    std::vector<Token> tokens;  // sorted by content
    std::array<bool, 256> first_bytes{};
  };
  static const Token* longest_start(const Group& group, std::string_view text);
  static std::vector<Match> find_group(const Group& group, std::string_view text);

  Group plain_, normalized_;
  std::unordered_map<std::string, TokenId> ids_;
};

}  // namespace stratoscope
