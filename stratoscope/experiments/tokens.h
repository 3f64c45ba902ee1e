// The tokens, ids and byte offsets of texts of any length, and how many tokens each needs.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/figures/figure.h"
#include "stratoscope/session/document.h"
#include "stratoscope/session/named_values.h"

namespace stratoscope {
class Fields;
}

namespace STRATOSCOPE_API stratoscope {

struct TokensRequest {
  TextInput text = {};
  TextOptions text_options = {};         // the limit of the context does not apply here
  std::vector<std::string> more = {};    // further texts, for a comparison
  std::vector<std::string> labels = {};  // of all texts in a comparison; without, their beginnings
};
void describe(TokensRequest& request, Fields& fields);

struct TokenCounts {
  Text text;
  std::size_t characters = 0, unique_characters = 0;  // code points
  std::size_t unique = 0;                             // number of distinct token ids
  std::string label = {};                             // in a comparison
  std::vector<TokenCounts> more = {};                 // of the further texts

  double tokens_per_character() const;  // NaN for an empty text
};

// Throws UsageError unless there are no labels, or as many as texts.
void check(const TokensRequest& request);
TokenCounts tokens(const Session& session, const TokensRequest& request);
// Of several texts: "texts", a list.
Document to_json(const Session& session, const TokenCounts& counts);
// ids [pos] and offsets [pos, 2]; of several texts characters, bytes and tokens [text].
std::vector<NamedValues> arrays_of(const TokenCounts& counts);
// Characters, bytes, tokens and tokens per character of each text.
Figure figure_of(const TokenCounts& counts);

// The counts of all texts, the first one first.
std::vector<const TokenCounts*> all_texts(const TokenCounts& counts);

}  // namespace stratoscope
