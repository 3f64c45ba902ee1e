// Scores of a head's behaviour on a text, computed from its pattern. Each is a mean over the queries for which it is
// defined, and NaN if there are none.
#pragma once

#include <cstdint>
#include <span>

#include "stratoscope/base/api.h"
#include "stratoscope/tensor/tensor.h"

namespace STRATOSCOPE_API stratoscope {

struct AttentionScores {
  double previous = 0;   // weight on the token before the query, for queries from 1 on
  double first = 0;      // weight on the text's first token, for queries from 1 on
  double current = 0;    // weight on the query's own token, for queries from 1 on
  double duplicate = 0;  // weight on the last earlier occurrence of the query's token
  // Weight on the token after the last earlier occurrence of the query's token, where that token precedes the query
  // (Olsson et al. 2022): near 1 for an induction head on repeated text.
  double induction = 0;
  double entropy = 0;  // of the query's weights, in nats, for queries from 1 on
};

// `pattern` is [query, key] of one head over the tokens `ids`; keys after a query are not read.
template <class T>
STRATOSCOPE_API AttentionScores attention_scores(MatrixView<const T> pattern, std::span<const std::int32_t> ids);

}  // namespace stratoscope
