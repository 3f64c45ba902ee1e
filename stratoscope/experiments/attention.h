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
class OpenText;
}  // namespace stratoscope

namespace STRATOSCOPE_API stratoscope {

enum class AttentionScore { previous, first, current, duplicate, induction, entropy };
inline constexpr Choice<AttentionScore> kAttentionScores[] = {
    {AttentionScore::previous, "previous"},   {AttentionScore::first, "first"},
    {AttentionScore::current, "current"},     {AttentionScore::duplicate, "duplicate"},
    {AttentionScore::induction, "induction"}, {AttentionScore::entropy, "entropy"}};
constexpr std::span<const Choice<AttentionScore>> choices_of(AttentionScore) { return kAttentionScores; }

struct AttentionRequest {
  TextInput text = {};
  TextOptions text_options = {};
  Edits edits = {};
  bool repeat = false;                            // the text's tokens twice in a row, which shows induction heads
  std::vector<HookExpression> heads = {};         // "L5H3": the heads whose patterns are requested
  std::optional<IndexList> layer = {};            // also all heads of these blocks
  AttentionScore by = AttentionScore::induction;  // ranks the heads, and is drawn if there are no patterns
  std::size_t top = 12;                           // the number that is printed
  IndexList positions = "all";                    // of the patterns: queries and keys
  std::size_t thumbnails = 0;  // the side of small pictures of all heads, each cell its largest weight; 0: none
  bool no_scores = false;      // the patterns alone
  bool compare = false;        // also the clean run's
  bool no_effect = false;
};
void describe(AttentionRequest& request, Fields& fields);

struct HeadScores {
  std::size_t layer = 0, head = 0;
  AttentionScores scores;
};

struct HeadPattern {
  std::size_t layer = 0, head = 0;
  std::vector<std::vector<double>> weights;  // [query][key up to the query], of the asked positions
};

// What was read of one run.
struct HeadsOfRun {
  std::vector<HeadScores> heads;      // all of them, block by block; none where scores were left out
  std::vector<HeadPattern> patterns;  // the wanted ones, block by block
  std::vector<double> thumbnails;     // [layer, head, query cell, key cell]
};

struct Attention : HeadsOfRun {
  Text text;
  std::size_t n_layers = 0, n_heads = 0;
  std::vector<std::size_t> positions;  // of the patterns
  std::size_t thumbnail_side = 0;      // at most the number of tokens
  std::optional<HeadsOfRun> clean;     // of a comparison, where there are edits
  std::optional<Effect> effect;
};

double score_of(const AttentionScores& scores, AttentionScore score);

// Throws UsageError for neither scores nor patterns.
void check(const AttentionRequest& request);
Attention attention(const Session& session, const AttentionRequest& request);
// In falling order, NaN last.
std::vector<HeadScores> ranked(const Attention& result, AttentionScore by);
bool can_open(const AttentionRequest& request);
// The text and the edits are those of `open`.
Attention read_open(OpenText& open, const AttentionRequest& request);
Document to_json(const Session& session, const Attention& result, DocumentParts parts = DocumentParts::all);
// Each score under its name, [layer, head]; patterns [head, query, key] of the requested heads; thumbnails [layer,
// head, query, key]. Of a comparison also those of the clean run, with names that begin with "clean_".
std::vector<NamedValues> arrays_of(const Attention& result);
// The requested patterns side by side; without any, the score `by` of every head, as a map of blocks and heads.
Figure figure_of(const Attention& result, AttentionScore by);
Figure figure_of(const Attention& result, const AttentionRequest& request);

}  // namespace stratoscope
