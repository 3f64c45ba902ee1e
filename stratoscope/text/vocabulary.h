// The tokens of a tokenizer: their bytes by id, their id by bytes.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "stratoscope/text/token_id.h"
#include "stratoscope/text/tokenizer_definition.h"

namespace stratoscope {

class Vocabulary {
 public:
  // Throws Error for ids that are negative, given twice or far apart, and for spellings that stand for no bytes.
  explicit Vocabulary(const TokenizerDefinition& definition);
  Vocabulary(const Vocabulary&) = delete;  // ids_ points into bytes_
  Vocabulary& operator=(const Vocabulary&) = delete;

  // One more than the largest id, of added tokens too.
  std::size_t size() const { return bytes_.size(); }

  // The bytes of a token, added ones too. Throws Error for an id of no token.
  std::string_view bytes(TokenId id) const;
  bool contains(TokenId id) const;

  // The token of the vocabulary proper that stands for these bytes; added tokens are found by SpecialTokens.
  std::optional<TokenId> find(std::string_view bytes) const;

 private:
  void place(const std::string& file, const std::string& spelling, std::int64_t id, std::string bytes);

  std::vector<std::string> bytes_;  // by id; no bytes where there is no token
  std::unordered_map<std::string_view, TokenId> ids_;
};

}  // namespace stratoscope
