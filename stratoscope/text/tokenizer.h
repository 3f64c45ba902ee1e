// Text to token ids and back, id for id what Hugging Face's tokenizers give: byte-pair encoding and Unigram, of bytes
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
//
// Where the tokenizer changes the text, a token covers the bytes that its own came from: what became one character
// belongs to the token of that character's first byte, what is left out belongs to the token before it. A token whose
// bytes came from nowhere (a space put first), or whose character belongs to the token before it, covers none. A text
// may have no tokens at all.
struct Encoding {
  std::vector<TokenId> ids;
  std::vector<std::pair<std::size_t, std::size_t>> offsets;
};

// Immutable once loaded: every method is safe to call from several threads at once.
class Tokenizer {
 public:
  // Reads `folder`/tokenizer.json, else vocab.json and merges.txt, else tokenizer.model. Throws Error, which names the
  // file, for anything missing, malformed, contradictory or not implemented.
  static Tokenizer load(const std::filesystem::path& folder);

  ~Tokenizer();
  Tokenizer(Tokenizer&& other) noexcept;
  Tokenizer& operator=(Tokenizer&& other) noexcept;

  // Added tokens written in the text become their ids; none is put around it. Throws Error with the byte offset of the
  // first bad byte unless `text` is UTF-8, and for texts of 4 GiB and more.
  Encoding encode(std::string_view text) const;

  // The same for a text that goes on after another, as decode_continuation() is for ids: no space is put first.
  Encoding encode_continuation(std::string_view text) const;

  // The ids that the checkpoint's files put before and after a text for the model ("<s>"), as a call of Hugging Face's
  // tokenizer does: by the post-processor of tokenizer.json, else by "add_bos_token" and "add_eos_token" of
  // tokenizer_config.json, else by that file's "tokenizer_class". Often empty.
  const std::vector<TokenId>& added_before() const;
  const std::vector<TokenId>& added_after() const;

  // The text of these tokens, as Hugging Face's decoder gives it with special tokens kept, but in bytes: part of an
  // encoding may end inside a character, so that they need not be UTF-8 (see sanitize_utf8). Throws Error for an id of
  // no token.
  //
  // decode(encode(text).ids) is `text`, byte for byte, in byte-level vocabularies without a normalizer (GPT-2, Llama
  // 3). Elsewhere it is what the tokenizer keeps of the text: NFC gives the composed form (Qwen, Pythia); where a space
  // is put first, texts that begin with spaces or hold added tokens may come back with one space less or more (Llama
  // 2); unknown tokens, and what is left out, do not come back.
  std::string decode(std::span<const TokenId> ids) const;

  // The same for tokens that go on after others: nothing is done that is meant for a text's beginning, so that " cat"
  // keeps its space. For most vocabularies the same as decode().
  std::string decode_continuation(std::span<const TokenId> ids) const;

  // The bytes that one token stands for within a text, and the same as valid UTF-8: parts of characters become U+FFFD.
  // decode_continuation() gives the token_bytes() of its ids in a row. Throw Error for an id of no token.
  std::string token_bytes(TokenId id) const;
  std::string token_text(TokenId id) const;

  // One more than the largest id.
  std::size_t vocab_size() const;

  // The one token that stands for exactly these bytes within a text, added tokens included.
  std::optional<TokenId> find(std::string_view bytes) const;

  // Whether the id is a token's. Between the ids of the vocabulary and of added tokens there may be gaps.
  bool contains(TokenId id) const;

  // The token that the tokenizer's files name for the beginning of a text, and that for its end or <|endoftext|>, which
  // is both in GPT-2; none in a vocabulary without them.
  std::optional<TokenId> named_beginning() const;
  std::optional<TokenId> end_of_text() const;

  // Settings of the files that are not followed, for the user to know.
  const std::vector<std::string>& notes() const;

 private:
  struct State;
  Encoding encode_from(std::string_view text, bool continues) const;
  explicit Tokenizer(std::unique_ptr<const State> state);

  std::unique_ptr<const State> state_;
};

}  // namespace stratoscope
