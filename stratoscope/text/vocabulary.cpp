#include "stratoscope/text/vocabulary.h"

#include <algorithm>
#include <limits>
#include <unordered_set>
#include <utility>

#include "stratoscope/base/cancellation.h"
#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"
#include "stratoscope/text/byte_alphabet.h"

namespace stratoscope {
namespace {

// The table of ids is as long as the largest id: a wild one must not make it huge.
std::size_t table_size(const TokenizerDefinition& definition) {
  std::int64_t largest = -1;
  for (const auto& token : definition.vocabulary) largest = std::max(largest, token.id);
  for (const auto& token : definition.added_tokens) largest = std::max(largest, token.id);
  const std::size_t tokens = definition.vocabulary.size() + definition.added_tokens.size();
  if (largest > std::numeric_limits<TokenId>::max() - 1 || largest + 1 > static_cast<std::int64_t>(2 * tokens))
    throw Error("tokenizer", definition.vocabulary_file + ": the largest id is " + std::to_string(largest) +
                                 ", far beyond its " + std::to_string(tokens) + " tokens");
  return static_cast<std::size_t>(largest + 1);
}

}  // namespace

Vocabulary::Vocabulary(const TokenizerDefinition& definition) : bytes_(table_size(definition)) {
  const std::string& file = definition.vocabulary_file;
  std::unordered_set<std::string_view> added;
  for (const auto& token : definition.added_tokens) {
    place(file, token.content, token.id, token.content);
    added.insert(token.content);
  }
  ids_.reserve(definition.vocabulary.size());
  for (const auto& token : definition.vocabulary) {
    throw_if_cancelled();
    std::optional<std::string> bytes = unspell_bytes(token.spelling);
    if (!bytes && added.contains(token.spelling)) bytes = token.spelling;
    if (!bytes || bytes->empty())
      throw Error("tokenizer", file + ": token " + in_quotes(token.spelling) + " (id " + std::to_string(token.id) +
                                   ") is not spelled in the byte alphabet");
    place(file, token.spelling, token.id, *std::move(bytes));
    ids_.emplace(bytes_[static_cast<std::size_t>(token.id)], static_cast<TokenId>(token.id));
  }
}

void Vocabulary::place(const std::string& file, const std::string& spelling, std::int64_t id, std::string bytes) {
  const std::string token = file + ": token " + in_quotes(spelling);
  if (id < 0) throw Error("tokenizer", token + " has the negative id " + std::to_string(id));
  std::string& slot = bytes_[static_cast<std::size_t>(id)];
  // An added token is often in the vocabulary as well, and then with the same bytes.
  if (!slot.empty() && slot != bytes)
    throw Error("tokenizer",
                token + " and " + in_quotes(spell_bytes(slot)) + " have the same id " + std::to_string(id));
  slot = std::move(bytes);
}

bool Vocabulary::contains(TokenId id) const {
  return id >= 0 && static_cast<std::size_t>(id) < bytes_.size() && !bytes_[static_cast<std::size_t>(id)].empty();
}

std::string_view Vocabulary::bytes(TokenId id) const {
  if (!contains(id))
    throw Error("tokenizer", "no token has the id " + std::to_string(id),
                "ids go from 0 to " + std::to_string(bytes_.size() - 1));
  return bytes_[static_cast<std::size_t>(id)];
}

std::optional<TokenId> Vocabulary::find(std::string_view bytes) const {
  const auto found = ids_.find(bytes);
  return found == ids_.end() ? std::nullopt : std::optional<TokenId>(found->second);
}

}  // namespace stratoscope
