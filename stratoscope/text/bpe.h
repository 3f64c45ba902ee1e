// Byte-pair encoding of one word: it begins as symbols (symbols.h); repeatedly, the neighbours whose merge comes first
// in the list (the leftmost of them) are merged, until no neighbours can be. (Sennrich et al. 2016, arXiv:1508.07909.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "stratoscope/text/cut_finder.h"
#include "stratoscope/text/symbols.h"
#include "stratoscope/text/token_id.h"
#include "stratoscope/text/tokenizer_definition.h"
#include "stratoscope/text/vocabulary.h"

namespace stratoscope {

class Bpe {
 public:
  class Scratch;  // buffers of encode(): one per thread, reused from word to word

  // Throws Error if the vocabulary lacks a symbol, or a merge's parts or result. The vocabulary must outlive this
  // object.
  Bpe(const TokenizerDefinition& definition, const Vocabulary& vocabulary);

  // The word's tokens, in order; they stay in `scratch` until its next use. O(n log n) for n bytes. Throws Error for
  // words of 4 GiB and more.
  const std::vector<Piece>& encode(std::string_view word, Scratch& scratch) const;

  // A place at which a word of [begin, end) can be cut with the same result; null if unknown.
  const CutFinder* cuts() const { return cuts_.is_usable() ? &cuts_ : nullptr; }

 private:
  struct Merge {
    std::uint64_t pair;
    std::uint32_t rank;
    TokenId product;
  };
  static constexpr std::uint64_t kNoPair = ~std::uint64_t{0};

  static std::uint64_t pair_of(TokenId left, TokenId right) {
    return std::uint64_t{static_cast<std::uint32_t>(left)} << 32 | static_cast<std::uint32_t>(right);
  }
  std::size_t slot_of(std::uint64_t pair) const;
  const Merge* find(TokenId left, TokenId right) const;
  // Two ways to the same tokens: the first needs n² cheap steps, the second n log n.
  void merge_by_scanning(Scratch& scratch) const;
  void merge_by_queue(Scratch& scratch) const;

  const Vocabulary& vocabulary_;
  Symbols symbols_;
  bool ignores_merges_;
  std::vector<Merge> merges_;  // open addressing, at most half full; its size is a power of two
  int shift_ = 0;
  CutFinder cuts_;
};

class Bpe::Scratch {
 private:
  friend class Bpe;
  // A linked list over the word's symbols.
  struct Link {
    TokenId id;  // kMerged: part of the previous symbol
    std::uint32_t length, previous, next;
  };
  std::vector<Link> links_;
  std::vector<std::uint64_t> queue_;  // a min-heap of rank << 32 | place
  std::vector<const Merge*> merges_;
  std::vector<Piece> pieces_;
};

}  // namespace stratoscope
