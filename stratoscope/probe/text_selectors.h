// Selectors by text: ["king"] is the positions of the tokens that the text covers, .dim[" coffee"] is a token's id.
#pragma once

#include <string>

#include "stratoscope/probe/edit_grammar.h"
#include "stratoscope/probe/indices.h"
#include "stratoscope/text/tokenizer.h"

namespace stratoscope {

// The list with the positions in `ids` of all tokens that an occurrence of a text covers, in part or in whole. Throws
// Error with the tokens if the text does not occur.
IndexList positions_with_texts(const IndexList& list, const TokenIds& ids, const Tokenizer& tokenizer);

// The list with the id of the token that a text is. Throws Error with the pieces if it is several tokens.
IndexList ids_with_texts(const IndexList& list, const Tokenizer& tokenizer);

// The expression with indices in its lists of positions, keys and dimensions. The tokenizer may be null if these have
// no texts.
EditExpression with_indices(EditExpression expression, const TokenIds& ids, const Tokenizer* tokenizer);

}  // namespace stratoscope
