// Lists of nearest tokens in documents.
#pragma once

#include "stratoscope/experiments/near_tokens.h"
#include "stratoscope/session/json_document.h"

namespace stratoscope {

// [{"id", "token", "cosine"}…]
Json near_tokens_json(const NearTokens& tokens);

}  // namespace stratoscope
