// Computes the scores of a block from the products of queries and keys: scale, cap, slopes and the keys that are seen.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>

#include "stratoscope/families/model_config.h"
#include "stratoscope/ops/attention.h"

namespace stratoscope {

struct ScoreRules {
  explicit ScoreRules(const AttentionSpec& attention)
      : scale(static_cast<float>(attention.scale)), window{attention.window}, spec(attention) {}

  // Completes a row of scaled products: those of the keys that the query at `position` sees.
  void finish(float* row, std::size_t head, std::size_t position) const {
    const std::size_t first = window.first_key(position), end = position + 1;
    if (spec.score_cap > 0) cap_scores(row, first, end, static_cast<float>(spec.score_cap));
    if (spec.slopes) add_slopes(row, first, end, position, static_cast<float>(slope_of(head, spec.heads)));
  }
  void softmax(float* row, std::size_t position) const { softmax_row(row, window.first_key(position), position + 1); }
  // Sets the scores of the keys that the query does not see, of `keys`, to `unseen`.
  void hide(float* row, std::size_t position, std::size_t keys, float unseen) const {
    std::fill(row, row + window.first_key(position), unseen);
    std::fill(row + position + 1, row + keys, unseen);
  }

  static constexpr float kUnseenScore = -std::numeric_limits<float>::infinity(), kUnseenPattern = 0;

  float scale;
  KeyWindow window;
  const AttentionSpec& spec;
};

}  // namespace stratoscope
