// Rows of numbers with one number for each token of a text, as users write them.
//
//   row = "surprisal" | "entropy" | "attribution" | capture | head "[from " position "]" | head "[to " position "]"
//       | file.npy [ ":" column ]
//
// A capture names one number of each token: a hook point with .dim[N], and .head[H] where it has heads. A head is L5H3,
// also L5H3.scores.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>

#include "stratoscope/base/api.h"
#include "stratoscope/probe/edit_grammar.h"
#include "stratoscope/probe/indices.h"

namespace STRATOSCOPE_API stratoscope {

enum class TokenRowKind {
  surprisal,       // minus the log-probability of the token, given those before it
  entropy,         // of the prediction after the token
  attribution,     // the part of a logit that all heads read from the token
  hook,            // a number of a hook point
  attention_from,  // the weights of one query
  attention_to,    // the weights on one key
  file,            // a column of numbers
};

struct TokenRow {
  TokenRow() = default;
  TokenRow(const char* written);         // NOLINT(google-explicit-constructor): as written; throws Error
  TokenRow(const std::string& written);  // NOLINT(google-explicit-constructor)

  std::string text = {};
  TokenRowKind kind = TokenRowKind::surprisal;
  HookExpression hook = {};          // of a hook point or a head
  Index position = 0;                // the query or the key
  std::filesystem::path file = {};   // .npy
  std::optional<Index> column = {};  // of the file's table
};

}  // namespace stratoscope
