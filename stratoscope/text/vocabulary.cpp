#include "stratoscope/text/vocabulary.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "stratoscope/base/cancellation.h"
#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"
#include "stratoscope/text/byte_alphabet.h"
#include "stratoscope/text/byte_hash.h"

namespace stratoscope {
namespace {

constexpr TokenId kNoToken = -1;

// The table of ids is as long as the largest id, which therefore must be bounded.
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

Vocabulary::Vocabulary(const TokenizerDefinition& definition, const Normalizer& normalizer)
    : places_(table_size(definition)), slots_(std::bit_ceil(2 * definition.vocabulary.size() + 2), Slot{kNoToken, 0}) {
  const std::string& file = definition.vocabulary_file;
  std::size_t size = 0;
  for (const auto& token : definition.vocabulary) size += token.spelling.size();
  forms_.reserve(size);
  for (const auto& token : definition.added_tokens) {
    const MappedText looked_for = token.normalized
                                      ? normalizer.apply(MappedText(token.content), StretchPlace::beginning)
                                      : MappedText(token.content);
    put(file, token.content, token.id, looked_for.text().empty() ? token.content : looked_for.text());
  }
  for (const auto& token : definition.vocabulary) {
    throw_if_cancelled();
    // A byte-level vocabulary may have texts that are not spelled in the byte alphabet; these are used unchanged.
    std::optional<std::string> bytes = definition.is_byte_level() ? unspell_bytes(token.spelling) : std::nullopt;
    if (bytes && token.id >= 0 && contains(static_cast<TokenId>(token.id)) &&
        form(static_cast<TokenId>(token.id)) == token.spelling)
      bytes = token.spelling;  // an added token that is in the vocabulary as well
    const std::string& form = bytes ? *bytes : token.spelling;
    if (form.empty())
      throw Error("tokenizer", file + ": the token of the id " + std::to_string(token.id) + " is empty");
    put(file, token.spelling, token.id, form);
    // A text that is not in the byte alphabet does not occur in words.
    if (definition.is_byte_level() && unspell_bytes(token.spelling) != form) continue;
    const std::uint64_t hash = byte_hash(form);
    Slot& slot = slots_[slot_of(form, hash)];
    if (slot.id != kNoToken && definition.model == TokenizerDefinition::Model::bpe)
      throw Error("tokenizer", file + ": token " + in_quotes(token.spelling) + " is listed twice");
    slot = {static_cast<TokenId>(token.id), static_cast<std::uint32_t>(hash)};
  }
}

void Vocabulary::put(const std::string& file, const std::string& spelling, std::int64_t id, std::string_view form) {
  const auto token = [&] { return file + ": token " + in_quotes(spelling); };
  if (id < 0) throw Error("tokenizer", token() + " has the negative id " + std::to_string(id));
  Place& place = places_[static_cast<std::size_t>(id)];
  if (place.size > 0) {
    if (form_at(place) != form)
      throw Error("tokenizer",
                  token() + " and " + in_quotes(form_at(place)) + " have the same id " + std::to_string(id));
    return;
  }
  if (forms_.size() + form.size() > std::numeric_limits<std::uint32_t>::max())
    throw Error("tokenizer", file + ": the tokens are longer than 4 GiB");
  place = {static_cast<std::uint32_t>(forms_.size()), static_cast<std::uint32_t>(form.size())};
  forms_ += form;
}

// The slot of the token with this form, or the empty slot for it.
std::size_t Vocabulary::slot_of(std::string_view form, std::uint64_t hash) const {
  const std::size_t mask = slots_.size() - 1;
  const auto is_here = [&](const Slot& slot) {
    return slot.hash == static_cast<std::uint32_t>(hash) && form_at(places_[static_cast<std::size_t>(slot.id)]) == form;
  };
  std::size_t at = hash >> 32 & mask;
  while (slots_[at].id != kNoToken && !is_here(slots_[at])) at = (at + 1) & mask;
  return at;
}

bool Vocabulary::contains(TokenId id) const {
  return id >= 0 && static_cast<std::size_t>(id) < places_.size() && places_[static_cast<std::size_t>(id)].size > 0;
}

std::string_view Vocabulary::form(TokenId id) const {
  if (!contains(id))
    throw Error("tokenizer", "no token has the id " + std::to_string(id),
                "ids go from 0 to " + std::to_string(places_.size() - 1));
  return form_at(places_[static_cast<std::size_t>(id)]);
}

std::optional<TokenId> Vocabulary::find(std::string_view form) const {
  const TokenId found = slots_[slot_of(form, byte_hash(form))].id;
  return found == kNoToken ? std::nullopt : std::optional(found);
}

}  // namespace stratoscope
