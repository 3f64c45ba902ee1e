// The tokens of a tokenizer: their forms by id, their id by form. A form is the input of the model: bytes in a
// byte-level vocabulary, else the spelling; for an added token its text, normalized if the token is.
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
  // Throws Error for ids that are negative, repeated or far apart, and for empty tokens.
  Vocabulary(const TokenizerDefinition& definition, const Normalizer& normalizer);

  // One more than the largest id, including added tokens.
  std::size_t size() const { return places_.size(); }

  // The form of a token, including added ones. Throws Error for an invalid id.
  std::string_view form(TokenId id) const;
  bool contains(TokenId id) const;

  // The token of the vocabulary proper with this form; added tokens are found by AddedTokens.
  std::optional<TokenId> find(std::string_view form) const;

 private:
  struct Place {
    std::uint32_t begin, size;  // in forms_; size 0 if there is no token
  };
  void put(const std::string& file, const std::string& spelling, std::int64_t id, std::string_view form);
  struct Slot {
    TokenId id;          // kNoToken if empty
    std::uint32_t hash;  // part of the form's hash, to skip most comparisons
  };
  std::size_t slot_of(std::string_view form, std::uint64_t hash) const;
  std::string_view form_at(Place place) const { return std::string_view(forms_).substr(place.begin, place.size); }

  std::string forms_;
  std::vector<Place> places_;  // by id
  std::vector<Slot> slots_;    // by hash of the form, open addressing, at most half full
};

}  // namespace stratoscope
