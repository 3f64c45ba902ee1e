// Text to token ids and back, with the same ids as Hugging Face's tokenizers: byte-pair encoding and Unigram, of bytes
// or of characters, with the steps around them that the checkpoint's files name (docs/tokenizers.md).
//
// A text is cut at its added tokens ("<|endoftext|>"), each stretch between them is normalized (normalizer.h), cut into
// words (pre_tokenizer.h), and each word into tokens by the model (bpe.h, unigram.h).
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
// If the tokenizer changes the text, a token covers the source bytes of its own bytes: bytes merged into one character
// belong to the token of that character's first byte, and removed bytes to the previous token. A token without source
// bytes (an inserted space), or within a character of the previous token, covers none. A text may have no tokens.
struct Encoding {
  std::vector<TokenId> ids;
  std::vector<std::pair<std::size_t, std::size_t>> offsets;
};

// Immutable once loaded: every method is safe to call from several threads at once.
class Tokenizer {
 public:
  // Reads `folder`/tokenizer.json, else vocab.json and merges.txt, else tokenizer.model. Throws Error with the file's
  // name for missing, malformed, contradictory or unsupported content.
  static Tokenizer load(const std::filesystem::path& folder);

  ~Tokenizer();
  Tokenizer(Tokenizer&& other) noexcept;
  Tokenizer& operator=(Tokenizer&& other) noexcept;

  // Added tokens in the text become their ids; none are put around it. Throws Error with the byte offset of the first
  // invalid byte unless `text` is UTF-8, and for texts of 4 GiB and more.
  Encoding encode(std::string_view text) const;

  // The same for a text that continues another, as decode_continuation() for ids: no space is inserted at its
  // beginning.
  Encoding encode_continuation(std::string_view text) const;

  // The ids that the checkpoint's files put before and after a text for the model ("<s>"), as a call of Hugging Face's
  // tokenizer does: by the post-processor of tokenizer.json, else by "add_bos_token" and "add_eos_token" of
  // tokenizer_config.json, else by that file's "tokenizer_class". Often empty.
  const std::vector<TokenId>& added_before() const;
  const std::vector<TokenId>& added_after() const;

  // The text of these tokens, as Hugging Face's decoder gives it with special tokens kept, but in bytes: a part of an
  // encoding may end inside a character and need not be valid UTF-8 (see sanitize_utf8). Throws Error for an invalid
  // id.
  //
  // decode(encode(text).ids) equals `text` in byte-level vocabularies without a normalizer (GPT-2, Llama 3). Others
  // lose what the tokenizer changes: NFC composes characters (Qwen, Pythia); with an inserted space, texts with leading
  // spaces or added tokens may get or lose a space (Llama 2); unknown and removed characters are lost.
  std::string decode(std::span<const TokenId> ids) const;

  // The same for tokens that continue others: steps for the beginning of a text are skipped, so that " cat" keeps its
  // space. For most vocabularies it equals decode().
  std::string decode_continuation(std::span<const TokenId> ids) const;

  // The bytes of one token within a text, and the same as valid UTF-8: parts of characters become U+FFFD.
  // decode_continuation() is the concatenation of token_bytes(). Throw Error for an invalid id.
  std::string token_bytes(TokenId id) const;
  std::string token_text(TokenId id) const;

  // One more than the largest id.
  std::size_t vocab_size() const;

  // The token with exactly these bytes within a text, including added tokens; nullopt if there is none.
  std::optional<TokenId> find(std::string_view bytes) const;

  // Whether the id is valid. There may be gaps between the ids of the vocabulary and of added tokens.
  bool contains(TokenId id) const;

  // The tokens that the tokenizer's files name for the beginning and for the end of a text (<|endoftext|> for both in
  // GPT-2); nullopt in a vocabulary without them.
  std::optional<TokenId> named_beginning() const;
  std::optional<TokenId> end_of_text() const;

  // Settings of the files that are ignored, for the user.
  const std::vector<std::string>& notes() const;

 private:
  struct State;
  Encoding encode_from(std::string_view text, bool continues) const;
  explicit Tokenizer(std::unique_ptr<const State> state);

  std::unique_ptr<const State> state_;
};

}  // namespace stratoscope
