// The choice of one token of a text: by its index, or by a word.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "stratoscope/base/api.h"
#include "stratoscope/probe/indices.h"
#include "stratoscope/session/session.h"

namespace STRATOSCOPE_API stratoscope {

struct TokenChoice {
  TokenChoice(Index index_) : index(index_) {}  // NOLINT(google-explicit-constructor)
  TokenChoice(const std::string& text);         // NOLINT(google-explicit-constructor): digits are an index
  TokenChoice(const char* text) : TokenChoice(std::string(text)) {}  // NOLINT(google-explicit-constructor)

  std::optional<Index> index = {};
  std::string word = {};
};

// Without a choice index 8, as in the published notebook, or the last token of a shorter text; otherwise the index, or
// the last piece of a word's first occurrence. Throws Error for an index out of range and a word that does not occur.
std::size_t choose_token(const Text& text, const std::optional<TokenChoice>& chosen);

}  // namespace stratoscope
