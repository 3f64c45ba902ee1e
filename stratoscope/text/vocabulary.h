// The tokens of a tokenizer: their forms by id, their id by form. A form is what the model reads: bytes where the
// vocabulary is byte-level, else the spelling; of an added token its text,
// normalized where it is looked for so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stratoscope/text/normalizer.h"
#include "stratoscope/text/token_id.h"
#include "stratoscope/text/tokenizer_definition.h"

namespace stratoscope {

class Vocabulary {
 public:
  // Throws Error for ids that are negative, given twice or far apart, and for tokens that stand for nothing.
  Vocabulary(const TokenizerDefinition& definition, const Normalizer& normalizer);

  // One more than the largest id, of added tokens too.
  std::size_t size() const { return places_.size(); }

  // The form of a token, added ones too. Throws Error for an id of no token.
  std::string_view form(TokenId id) const;
  bool contains(TokenId id) const;

  // The token of the vocabulary proper with this form; added tokens are found by AddedTokens.
  std::optional<TokenId> find(std::string_view form) const;

 private:
  struct Place {
    std::uint32_t begin, size;  // in forms_; of size 0 where there is no token
  };
  void put(const std::string& file, const std::string& spelling, std::int64_t id, std::string_view form);
  struct Slot {
    TokenId id;          // kNoToken where empty
    std::uint32_t hash;  // part of the form's: most other forms are told apart by it
  };
  std::size_t slot_of(std::string_view form, std::uint64_t hash) const;
  std::string_view form_at(Place place) const { return std::string_view(forms_).substr(place.begin, place.size); }

  std::string forms_;
  std::vector<Place> places_;  // by id
  std::vector<Slot> slots_;    // by hash of the form, open addressing, at most half full
};

}  // namespace stratoscope
