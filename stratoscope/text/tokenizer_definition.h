// The content of a tokenizer's files, parsed but not yet checked for consistency.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "stratoscope/text/tokenizer_steps.h"

namespace stratoscope {

// Tokens are spelled as in the files (with byte_level as the last pre-tokenizer: in the characters of byte_alphabet.h);
// an added token is its text.
struct TokenizerDefinition {
  enum class Model { bpe, unigram };
  struct Token {
    std::string spelling;
    std::int64_t id;
  };
  struct AddedToken {
    std::string content;
    std::int64_t id;
    bool normalized;                                 // looked for in what the others leave, after the normalizer
    bool strips_left = false, strips_right = false;  // takes the whitespace beside it
    bool single_word = false;                        // not within a word
  };
  struct Merge {
    std::string left, right;
  };

  Model model = Model::bpe;
  std::vector<Token> vocabulary;
  std::vector<AddedToken> added_tokens;
  std::vector<Merge> merges;           // BPE: the first is applied first
  std::vector<double> scores;          // Unigram: logarithms, of the vocabulary's tokens in their order
  std::optional<std::string> unknown;  // spelling: what stands for characters without a token
  bool fuses_unknown = false;          // neighbours become one token
  bool byte_fallback = false;          // characters without a token become tokens <0xNN>
  bool ignores_merges = false;         // a word that is a token is that token

  std::vector<NormalizerStep> normalizer;
  std::vector<PreTokenizerStep> pre_tokenizer;
  std::vector<DecoderStep> decoder;
  std::vector<std::int64_t> before, after;  // ids that are put around a text
  bool adds_tokens = false;                 // whether the files' post-processor decided about `before` and `after`

  std::string beginning, end;      // of a text: the tokens that the files name; may be empty or no token
  std::vector<std::string> notes;  // settings that are not followed, for the user to know

  // For messages: where the tokens stand, and "FILE: line " or the like before the number of the first merge.
  std::string vocabulary_file, merges_place;
  std::size_t first_merge_number = 0;

  bool is_byte_level() const {
    return !pre_tokenizer.empty() && pre_tokenizer.back().kind == PreTokenizerStep::Kind::byte_level;
  }
};

// Reads `folder`/tokenizer.json, else vocab.json and merges.txt, else tokenizer.model, and the special tokens that the
// files beside them name (named_tokens.h). Throws Error, which names the file, for what is missing, malformed or not
// implemented.
TokenizerDefinition read_tokenizer_definition(const std::filesystem::path& folder);

}  // namespace stratoscope
