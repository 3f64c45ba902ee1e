// Tokens that are text rather than byte pairs ("<|endoftext|>"): found in a text before anything else is.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "stratoscope/text/token_id.h"
#include "stratoscope/text/tokenizer_definition.h"

namespace stratoscope {

class SpecialTokens {
 public:
  struct Match {
    std::size_t begin, end;  // bytes
    TokenId id;
  };

  // Throws Error for empty tokens and for one text with two ids.
  explicit SpecialTokens(const TokenizerDefinition& definition);

  // All that stand in the text, in order. Of those that begin at one place the longest counts; as in Hugging Face's
  // tokenizers, tokens marked "normalized" are looked for in what the others leave.
  std::vector<Match> find_all(std::string_view text) const;

  std::optional<TokenId> find(std::string_view content) const;

 private:
  struct Group {
    std::vector<std::string> contents;  // sorted
    std::array<bool, 256> first_bytes{};
  };
  void find_group(const Group& group, std::string_view text, std::size_t begin, std::size_t end,
                  std::vector<Match>& matches) const;

  Group plain_, normalized_;
  std::unordered_map<std::string, TokenId> ids_;
};

}  // namespace stratoscope
