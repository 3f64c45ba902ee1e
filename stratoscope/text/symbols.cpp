#include "stratoscope/text/symbols.h"

#include <algorithm>
#include <string>

#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"
#include "stratoscope/text/byte_alphabet.h"
#include "stratoscope/text/decoder.h"
#include "stratoscope/text/utf8.h"

namespace stratoscope {
namespace {

constexpr std::size_t kPage = 256, kPages = 0x110000 / kPage;

bool is_in_utf8(std::size_t byte) { return byte < 0xF5 && byte != 0xC0 && byte != 0xC1; }

}  // namespace

std::optional<std::array<TokenId, 256>> fallback_tokens(const TokenizerDefinition& definition,
                                                        const Vocabulary& vocabulary) {
  if (!definition.byte_fallback) return std::nullopt;
  std::array<TokenId, 256> tokens{};
  std::size_t found = 0;
  std::string missing;
  for (std::size_t byte = 0; byte < tokens.size(); ++byte) {
    const std::string spelling = spell_fallback_byte(static_cast<unsigned char>(byte));
    const auto token = vocabulary.find(spelling);
    if (token)
      ++found;
    else
      missing = spelling;
    tokens[byte] = token.value_or(0);
  }
  if (found == 0) return std::nullopt;
  if (found < tokens.size())
    throw Error("tokenizer", definition.vocabulary_file + ": byte fallback needs all 256 bytes, and " +
                                 in_quotes(missing) + " is not in the vocabulary");
  return tokens;
}

std::optional<TokenId> unknown_token(const TokenizerDefinition& definition, const Vocabulary& vocabulary) {
  if (!definition.unknown) return std::nullopt;
  const std::string& spelling = *definition.unknown;
  const auto form = definition.is_byte_level() ? unspell_bytes(spelling) : std::optional(spelling);
  auto token = form ? vocabulary.find(*form) : std::nullopt;
  if (!token) token = vocabulary.find(spelling);
  for (const auto& added : definition.added_tokens)
    if (!token && added.content == spelling) token = static_cast<TokenId>(added.id);
  if (!token)
    throw Error("tokenizer", definition.vocabulary_file + ": the unknown token " + in_quotes(spelling) +
                                 " is not in the vocabulary");
  return token;
}

Symbols::Symbols(const TokenizerDefinition& definition, const Vocabulary& vocabulary)
    : byte_level_(definition.is_byte_level()),
      fallback_(fallback_tokens(definition, vocabulary)),
      unknown_(unknown_token(definition, vocabulary)),
      fuses_unknown_(definition.fuses_unknown) {
  if (byte_level_) {
    for (std::size_t byte = 0; byte < bytes_.size(); ++byte) {
      const std::string form(1, static_cast<char>(byte));
      bytes_[byte] = vocabulary.find(form).value_or(kNoToken);
      if (bytes_[byte] == kNoToken && is_in_utf8(byte) && !unknown_)
        throw Error("tokenizer", definition.vocabulary_file + ": has no token for the byte " + std::to_string(byte) +
                                     ", spelled '" + spell_bytes(form) + "'");
    }
    return;
  }
  pages_.assign(kPages, 0);
  characters_.assign(kPage, kNoToken);
  for (const auto& token : definition.vocabulary) {
    const std::string& spelling = token.spelling;
    if (spelling.empty() || spelling.size() != utf8_length(static_cast<unsigned char>(spelling[0]))) continue;
    const char32_t c = decode_code_point(spelling, 0);
    std::uint32_t& page = pages_[c / kPage];
    if (page == 0) {
      page = static_cast<std::uint32_t>(characters_.size());
      characters_.resize(characters_.size() + kPage, kNoToken);
    }
    characters_[page + c % kPage] = vocabulary.find(spelling).value_or(kNoToken);
  }
}

TokenId Symbols::character_token(char32_t c) const { return characters_[pages_[c / kPage] + c % kPage]; }

void Symbols::append_unknown(std::uint32_t length, std::vector<Piece>& pieces) const {
  if (!unknown_) {
    if (!pieces.empty()) pieces.back().length += length;
    return;
  }
  if (fuses_unknown_ && !pieces.empty() && pieces.back().id == *unknown_)
    pieces.back().length += length;
  else
    pieces.push_back({*unknown_, length});
}

void Symbols::append(std::string_view word, std::vector<Piece>& pieces) const {
  if (byte_level_) {
    for (const char byte : word) {
      const TokenId id = bytes_[static_cast<unsigned char>(byte)];
      if (id == kNoToken)
        append_unknown(1, pieces);
      else
        pieces.push_back({id, 1});
    }
    return;
  }
  std::uint32_t left_out = 0;
  for (std::size_t at = 0, length = 0; at < word.size(); at += length) {
    length = utf8_length(static_cast<unsigned char>(word[at]));
    const TokenId id = character_token(decode_code_point(word, at));
    if (id != kNoToken) {
      pieces.push_back({id, static_cast<std::uint32_t>(length) + left_out});
    } else if (fallback_) {
      for (std::size_t i = 0; i < length; ++i)
        pieces.push_back({(*fallback_)[static_cast<unsigned char>(word[at + i])], i == 0 ? 1 + left_out : 1});
    } else if (!unknown_ && pieces.empty()) {
      left_out += static_cast<std::uint32_t>(length);
      continue;
    } else {
      append_unknown(static_cast<std::uint32_t>(length), pieces);
    }
    left_out = 0;
  }
}

}  // namespace stratoscope
