// What every tokenizer that loads must do.
#pragma once

#include <array>

#include "stratoscope/text/tokenizer.h"
#include "stratoscope/text/utf8.h"
#include "tests/fuzz/fuzz.h"

namespace stratoscope::fuzz {

// UTF-8 comes back byte for byte, with offsets that tile it and hold each token's bytes; anything else is refused.
inline void require_round_trip(const Tokenizer& tokenizer, std::string_view text) {
  const auto encoding = accepted([&] { return tokenizer.encode(text); });
  require(encoding.has_value() == (find_invalid_utf8(text) == text.size()), "exactly UTF-8 is encoded");
  if (!encoding) return;
  require(encoding->ids.size() == encoding->offsets.size(), "every token has a place");
  require(tokenizer.decode(encoding->ids) == text, "a decoded text is the text");
  std::size_t at = 0;
  for (std::size_t i = 0; i < encoding->ids.size(); ++i) {
    const auto [begin, end] = encoding->offsets[i];
    require(begin == at && end > begin && end <= text.size(), "offsets tile the text");
    require(tokenizer.token_bytes(encoding->ids[i]) == text.substr(begin, end - begin), "offsets hold a token's bytes");
    at = end;
  }
  require(at == text.size(), "offsets reach the text's end");
}

inline void require_usable(const Tokenizer& tokenizer) {
  constexpr std::array<std::string_view, 5> kTexts = {"", " the cat's  hat\n\n 1234 \t", "<|endoftext|> a<|endoftext|>",
                                                      "Größe \xF0\x9F\x90\xA7\xC2\xA0 \xE4\xB8\xAD",
                                                      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaabababababab"};
  for (const std::string_view text : kTexts) require_round_trip(tokenizer, text);
  for (std::size_t id = 0; id < tokenizer.vocab_size(); ++id) {
    const auto bytes = accepted([&] { return tokenizer.token_bytes(static_cast<TokenId>(id)); });
    if (!bytes) continue;
    require(!bytes->empty(), "a token stands for something");
    const auto found = tokenizer.find(*bytes);
    require(found && tokenizer.token_bytes(*found) == *bytes, "a token is found by its bytes");
    const std::string text = tokenizer.token_text(static_cast<TokenId>(id));
    require(find_invalid_utf8(text) == text.size(), "a token's text is UTF-8");
  }
}

}  // namespace stratoscope::fuzz
