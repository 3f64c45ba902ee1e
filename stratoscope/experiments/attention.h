// Where the heads look: patterns of chosen heads, and what every head does on a text, as scores to rank by.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stratoscope/analysis/attention_scores.h"
#include "stratoscope/base/api.h"
#include "stratoscope/figures/figure.h"
#include "stratoscope/session/document.h"

namespace STRATOSCOPE_API stratoscope {

struct AttentionRequest {
  std::string text = {};
  TextOptions text_options = {};
  Edits edits = {};
  bool repeat = false;                    // the text's tokens twice in a row: what induction heads are found by
  std::vector<std::string> heads = {};    // "L5H3": whose patterns are wanted
  std::optional<std::string> layer = {};  // all heads of this block too
};

struct HeadScores {
  std::size_t layer = 0, head = 0;
  AttentionScores scores;
};

struct HeadPattern {
  std::size_t layer = 0, head = 0;
  std::vector<std::vector<double>> weights;  // [query][key up to the query]
};

struct Attention {
  Text text;
  std::size_t n_layers = 0, n_heads = 0;
  std::vector<HeadScores> heads;      // all of them, block by block
  std::vector<HeadPattern> patterns;  // the wanted ones, block by block
  std::optional<Effect> effect;
};

// The scores' names, as in the struct. score_of throws Error that lists them.
const std::vector<std::string>& attention_score_names();
double score_of(const AttentionScores& scores, std::string_view name);

Attention attention(const Session& session, const AttentionRequest& request);
// Highest first, those that are not a number last.
std::vector<HeadScores> ranked(const Attention& result, std::string_view by);
Document to_json(const Session& session, const Attention& result);
// The wanted patterns side by side; without any, the score `by` of every head, block by head.
Figure figure_of(const Attention& result, std::string_view by);

}  // namespace stratoscope
