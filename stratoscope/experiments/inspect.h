// What there is to know before a run: the model (`info`), and a text's tokens (`tokens`).
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/session/document.h"

namespace STRATOSCOPE_API stratoscope {

struct TokenCounts {
  Text text;
  std::size_t characters = 0, unique_characters = 0;  // code points
  std::size_t unique = 0;                             // different token ids
};

TokenCounts count_tokens(const Session& session, std::string_view input, const TextOptions& options);
Document to_json(const Session& session, const TokenCounts& counts);

// "info": config, parameters, and every hook point with its shape, the number of positions written as "pos", the names
// of its axes, and its scope: "before_blocks", "block" or "after_blocks".
Document model_info(const Session& session);

}  // namespace stratoscope
