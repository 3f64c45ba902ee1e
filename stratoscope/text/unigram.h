// Unigram tokenization of one word: the segmentation into tokens with the largest sum of scores. (Kudo 2018,
// arXiv:1804.10959.) A character without a token has a lower score than any token.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "stratoscope/text/symbols.h"
#include "stratoscope/text/token_id.h"
#include "stratoscope/text/tokenizer_definition.h"
#include "stratoscope/text/vocabulary.h"

namespace stratoscope {

class Unigram {
 public:
  class Scratch;  // buffers of encode(): one per thread, reused from word to word

  // Throws Error if byte fallback lacks a byte, and if there is neither an unknown token nor byte fallback. The
  // vocabulary must outlive this object.
  Unigram(const TokenizerDefinition& definition, const Vocabulary& vocabulary);

  // The word's tokens, in order; they stay in `scratch` until its next use. O(n m) for n bytes and tokens of up to m
  // bytes. Throws Error for a character without a token if there is no unknown token.
  const std::vector<Piece>& encode(std::string_view word, Scratch& scratch) const;

 private:
  // A trie of the tokens' bytes: edges by (node, byte), open addressing, at most half full.
  struct Edge {
    std::uint64_t from;  // node << 8 | byte
    std::uint32_t to;
  };
  static constexpr std::uint64_t kNoEdge = ~std::uint64_t{0};
  static constexpr TokenId kNoToken = -1;

  std::size_t slot_of(std::uint64_t from) const;
  void add(std::string_view form, TokenId id);
  void append_unknown(std::string_view part, std::vector<Piece>& pieces) const;

  const Vocabulary& vocabulary_;
  std::optional<std::array<TokenId, 256>> fallback_;
  std::optional<TokenId> unknown_;
  std::vector<Edge> edges_;
  std::vector<TokenId> tokens_;  // by node; kNoToken if no token ends there
  std::vector<double> scores_;   // by id
  double unknown_score_ = 0;
};

class Unigram::Scratch {
 private:
  friend class Unigram;
  // The best segmentation up to a place of the word.
  struct Step {
    double score;
    std::uint32_t begin;  // of its last token; kNowhere if the place is not reached
    TokenId id;           // kNoToken: a character without a token
  };
  struct Part {
    std::uint32_t begin, end;
    TokenId id;
  };
  std::vector<Step> steps_;  // by place
  std::vector<Part> path_;   // the best segmentation, from the word's end
  std::vector<Piece> pieces_;
};

}  // namespace stratoscope
