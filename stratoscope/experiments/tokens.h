// A text's tokens, ids and byte offsets, of any length.
#pragma once

#include <cstddef>
#include <string>

#include "stratoscope/base/api.h"
#include "stratoscope/session/document.h"
#include "stratoscope/session/named_values.h"

namespace stratoscope {
class Fields;
}

namespace STRATOSCOPE_API stratoscope {

struct TokensRequest {
  std::string text = {};
  TextOptions text_options = {};  // the limit of the context does not apply here
};
void describe(TokensRequest& request, Fields& fields);

struct TokenCounts {
  Text text;
  std::size_t characters = 0, unique_characters = 0;  // code points
  std::size_t unique = 0;                             // number of distinct token ids
};

TokenCounts tokens(const Session& session, const TokensRequest& request);
Document to_json(const Session& session, const TokenCounts& counts);
// ids [pos] and offsets [pos, 2].
std::vector<NamedValues> arrays_of(const TokenCounts& counts);

}  // namespace stratoscope
