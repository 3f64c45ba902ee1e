// What the files of a byte-level BPE tokenizer say, read but not yet checked against each other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace stratoscope {

// Tokens here are spelled as the files spell them (byte_alphabet.h); an added token is the text itself.
struct TokenizerDefinition {
  struct Token {
    std::string spelling;
    std::int64_t id;
  };
  struct AddedToken {
    std::string content;
    std::int64_t id;
    bool normalized;  // looked for after the others, in what they leave
  };
  struct Merge {
    std::string left, right;
  };

  std::vector<Token> vocabulary;
  std::vector<Merge> merges;  // the first is applied first
  std::vector<AddedToken> added_tokens;
  std::string beginning, end;      // of a text: the tokens that the files name; may be empty or no token
  std::vector<std::string> notes;  // settings that are not followed, for the user to know

  // For messages: where the tokens stand, and "FILE: line " or the like before the number of the first merge.
  std::string vocabulary_file, merges_place;
  std::size_t first_merge_number = 0;
};

// Reads `folder`/tokenizer.json, or vocab.json and merges.txt where there is none, and the special tokens that the
// files beside them name (named_tokens.h). Throws Error, which names the file, for what is missing, malformed or not
// implemented.
TokenizerDefinition read_tokenizer_definition(const std::filesystem::path& folder);

}  // namespace stratoscope
