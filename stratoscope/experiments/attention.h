// Attention of the heads: patterns of chosen heads, and scores of every head on a text, by which heads are ranked.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stratoscope/analysis/attention_scores.h"
#include "stratoscope/base/api.h"
#include "stratoscope/base/choice.h"
#include "stratoscope/figures/figure.h"
#include "stratoscope/session/document.h"
#include "stratoscope/session/named_values.h"

namespace stratoscope {
class Fields;
}

namespace STRATOSCOPE_API stratoscope {

enum class AttentionScore { previous, first, current, duplicate, induction, entropy };
inline constexpr Choice<AttentionScore> kAttentionScores[] = {
    {AttentionScore::previous, "previous"},   {AttentionScore::first, "first"},
    {AttentionScore::current, "current"},     {AttentionScore::duplicate, "duplicate"},
    {AttentionScore::induction, "induction"}, {AttentionScore::entropy, "entropy"}};
constexpr std::span<const Choice<AttentionScore>> choices_of(AttentionScore) { return kAttentionScores; }

struct AttentionRequest {
  std::string text = {};
  TextOptions text_options = {};
  Edits edits = {};
  bool repeat = false;                            // the text's tokens twice in a row, which shows induction heads
  std::vector<HookExpression> heads = {};         // "L5H3": the heads whose patterns are requested
  std::optional<IndexList> layer = {};            // also all heads of these blocks
  AttentionScore by = AttentionScore::induction;  // ranks the heads, and is drawn if there are no patterns
  std::size_t top = 12;                           // the number that is printed
};
void describe(AttentionRequest& request, Fields& fields);

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
  std::vector<HeadScores> heads;      // all heads, block by block
  std::vector<HeadPattern> patterns;  // the requested patterns, block by block
  std::optional<Effect> effect;
};

double score_of(const AttentionScores& scores, AttentionScore score);

Attention attention(const Session& session, const AttentionRequest& request);
// In falling order, NaN last.
std::vector<HeadScores> ranked(const Attention& result, AttentionScore by);
Document to_json(const Session& session, const Attention& result);
// Each score under its name, [layer, head]; patterns [head, query, key] of the requested heads.
std::vector<NamedValues> arrays_of(const Attention& result);
// The requested patterns side by side; without any, the score `by` of every head, as a map of blocks and heads.
Figure figure_of(const Attention& result, AttentionScore by);
Figure figure_of(const Attention& result, const AttentionRequest& request);

}  // namespace stratoscope
