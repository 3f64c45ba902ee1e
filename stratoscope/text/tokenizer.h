// GPT-2's byte-level byte-pair encoding: text to token ids and back, id for id what Hugging Face's tokenizers give.
//
// A text is split at its special tokens, each stretch between them into words by the checkpoint's regular expression
// (word_splitter.h), and each word into tokens by its merges (bpe.h). Tokens are byte strings: a character outside the
// vocabulary falls into several tokens, each with bytes of its own.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/text/token_id.h"

namespace STRATOSCOPE_API stratoscope {

// Token i is the bytes [offsets[i].first, offsets[i].second) of the text. The offsets tile the text: the first begins
// at 0, each begins where the one before it ends, the last ends with the text. (Hugging Face counts characters, and
// gives every token of one split character the whole of it.)
struct Encoding {
  std::vector<TokenId> ids;
  std::vector<std::pair<std::size_t, std::size_t>> offsets;
};

// Immutable once loaded: every method is safe to call from several threads at once.
class Tokenizer {
 public:
  // Reads `folder`/tokenizer.json, or vocab.json and merges.txt where there is none. Throws Error, which names the
  // file, for anything missing, malformed, contradictory or not implemented.
  static Tokenizer load(const std::filesystem::path& folder);

  ~Tokenizer();
  Tokenizer(Tokenizer&& other) noexcept;
  Tokenizer& operator=(Tokenizer&& other) noexcept;

  // Special tokens written in the text become their ids; none is added. Throws Error with the byte offset of the
  // first bad byte unless `text` is UTF-8.
  Encoding encode(std::string_view text) const;

  // The tokens' bytes in a row: decode(encode(text).ids) is `text`, byte for byte. Part of an encoding may end inside
  // a character, so that the bytes need not be UTF-8 (see sanitize_utf8). Throws Error for an id of no token.
  std::string decode(std::span<const TokenId> ids) const;

  // The bytes that one token stands for, and the same as valid UTF-8: parts of characters become U+FFFD. Throw Error
  // for an id of no token.
  std::string token_bytes(TokenId id) const;
  std::string token_text(TokenId id) const;

  // One more than the largest id.
  std::size_t vocab_size() const;

  // The one token that stands for exactly these bytes, special tokens included.
  std::optional<TokenId> find(std::string_view bytes) const;

  // Whether the id is a token's. Between the ids of the vocabulary and of added tokens there may be gaps.
  bool contains(TokenId id) const;

  // What the tokenizer's files put around a text: Hugging Face's tokenizer(text) does. encode() adds none of it.
  const std::vector<TokenId>& added_before() const;
  const std::vector<TokenId>& added_after() const;

  // The token that the tokenizer's files name for the beginning of a text, and that for its end or <|endoftext|>, which
  // is both in GPT-2; none in a vocabulary without them.
  std::optional<TokenId> named_beginning() const;
  std::optional<TokenId> end_of_text() const;

  // Settings of the files that are not followed, for the user to know.
  const std::vector<std::string>& notes() const;

 private:
  struct State;
  explicit Tokenizer(std::unique_ptr<const State> state);

  std::unique_ptr<const State> state_;
};

}  // namespace stratoscope
