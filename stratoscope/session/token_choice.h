// One token of a text, as a user names it: by its index, or by a word.
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

// Index 8, the notebook's, or the last token of a shorter text, when nothing is chosen; else the index, or the last
// piece of a word's first occurrence. Throws Error for an index out of range and a word that is not there.
std::size_t choose_token(const Text& text, const std::optional<TokenChoice>& chosen);

}  // namespace stratoscope
