// Properties of every tokenizer that loads.
#pragma once

#include <array>

#include "stratoscope/text/tokenizer.h"
#include "stratoscope/text/utf8.h"
#include "tests/fuzz/fuzz.h"

namespace stratoscope::fuzz {

// Properties of a tokenised text: GPT-2's tokenizers decode to the same text, others as their files define.
enum class Promise { lossless, tiled };

// Nothing but UTF-8 is encoded, with offsets that tile it. Where that is promised, all UTF-8 is, comes back byte for
// byte, and each token's bytes stand at its offsets.
inline void require_encoding(const Tokenizer& tokenizer, std::string_view text, Promise promise) {
  const bool is_lossless = promise == Promise::lossless;
  const bool is_utf8 = find_invalid_utf8(text) == text.size();
  const auto encoding = accepted([&] { return tokenizer.encode(text); });
  require(!encoding || is_utf8, "only UTF-8 is encoded");
  require(encoding || !is_utf8 || !is_lossless, "all UTF-8 is encoded");
  if (!encoding) return;
  require(encoding->ids.size() == encoding->offsets.size(), "every token has a place");
  require(!is_lossless || tokenizer.decode(encoding->ids) == text, "a decoded text is the text");
  std::string bytes;
  std::size_t at = 0;
  for (std::size_t i = 0; i < encoding->ids.size(); ++i) {
    const auto [begin, end] = encoding->offsets[i];
    require(begin == at && end >= begin && end <= text.size(), "offsets tile the text");
    const std::string own = tokenizer.token_bytes(encoding->ids[i]);
    require(!is_lossless || own == text.substr(begin, end - begin), "offsets hold a token's bytes");
    bytes += own;
    at = end;
  }
  require(at == text.size() || encoding->ids.empty(), "offsets reach the text's end");
  require(tokenizer.decode_continuation(encoding->ids) == bytes, "a continuation is its tokens' bytes");
  accepted([&] { return tokenizer.decode(encoding->ids); });
}

inline void require_usable(const Tokenizer& tokenizer, Promise promise) {
  constexpr std::array<std::string_view, 6> kTexts = {"",
                                                      " the cat's  hat\n\n 1234 \t",
                                                      "<|endoftext|> a<|endoftext|>",
                                                      "Größe \xF0\x9F\x90\xA7\xC2\xA0 \xE4\xB8\xAD",
                                                      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaabababababab",
                                                      "e\xCC\x81\xE2\x96\x81 <x> \xEF\xAC\x81THE"};
  for (const std::string_view text : kTexts) require_encoding(tokenizer, text, promise);
  for (std::size_t id = 0; id < tokenizer.vocab_size(); ++id) {
    const auto bytes = accepted([&] { return tokenizer.token_bytes(static_cast<TokenId>(id)); });
    if (!bytes) continue;
    const std::string text = tokenizer.token_text(static_cast<TokenId>(id));
    require(find_invalid_utf8(text) == text.size(), "a token's text is UTF-8");
    const auto found = tokenizer.find(*bytes);
    if (promise != Promise::lossless) continue;
    require(!bytes->empty(), "a token stands for something");
    require(found && tokenizer.token_bytes(*found) == *bytes, "a token is found by its bytes");
  }
}

}  // namespace stratoscope::fuzz
