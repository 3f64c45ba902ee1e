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
    bool normalized;                                 // matched after the normalizer, between the other added tokens
    bool strips_left = false, strips_right = false;  // takes the adjacent whitespace
    bool single_word = false;                        // not within a word
  };
  struct Merge {
    std::string left, right;
  };

  Model model = Model::bpe;
  std::vector<Token> vocabulary;
  std::vector<AddedToken> added_tokens;
  std::vector<Merge> merges;           // BPE: the first is applied first
  std::vector<double> scores;          // Unigram: logarithms, in the order of the vocabulary
  std::optional<std::string> unknown;  // spelling of the token for characters without a token
  bool fuses_unknown = false;          // neighbours become one token
  bool byte_fallback = false;          // characters without a token become tokens <0xNN>
  bool ignores_merges = false;         // a word that is a token is not split

  std::vector<NormalizerStep> normalizer;
  std::vector<PreTokenizerStep> pre_tokenizer;
  std::vector<DecoderStep> decoder;
  std::vector<std::int64_t> before, after;  // ids that are added around a text
  bool adds_tokens = false;                 // whether the files' post-processor determined `before` and `after`

  std::string beginning, end;      // of a text: the tokens that the files name; may be empty or not a token
  std::vector<std::string> notes;  // settings that are ignored, for the user

  // For messages: the file of the tokens, and "FILE: line " or similar before the number of the first merge.
  std::string vocabulary_file, merges_place;
  std::size_t first_merge_number = 0;

  bool is_byte_level() const {
    return !pre_tokenizer.empty() && pre_tokenizer.back().kind == PreTokenizerStep::Kind::byte_level;
  }
};

// Reads `folder`/tokenizer.json, else vocab.json and merges.txt, else tokenizer.model, and the special tokens that the
// other files name (named_tokens.h). Throws Error with the file's name for missing, malformed or unsupported content.
TokenizerDefinition read_tokenizer_definition(const std::filesystem::path& folder);

}  // namespace stratoscope
