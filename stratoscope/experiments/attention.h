// Where the heads look: patterns of chosen heads, and what every head does on a text, as scores to rank by.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stratoscope/analysis/attention_scores.h"
#include "stratoscope/base/api.h"
#include "stratoscope/base/choice.h"
#include "stratoscope/experiments/named_values.h"
#include "stratoscope/figures/figure.h"
#include "stratoscope/session/document.h"

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
  std::string text = {};
  TextOptions text_options = {};
  Edits edits = {};
  bool repeat = false;                            // the text's tokens twice in a row: what induction heads are found by
  std::vector<HookExpression> heads = {};         // "L5H3": whose patterns are wanted
  std::optional<IndexList> layer = {};            // all heads of these blocks too
  AttentionScore by = AttentionScore::induction;  // heads are printed, and without patterns drawn, by this score
  std::size_t top = 12;                           // how many are printed
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
// Highest first, those that are not a number last.
std::vector<HeadScores> ranked(const Attention& result, AttentionScore by);
bool can_open(const AttentionRequest& request);
// The text and the edits are those of `open`.
Attention read_open(OpenText& open, const AttentionRequest& request);
Document to_json(const Session& session, const Attention& result, DocumentParts parts = DocumentParts::all);
// "scores" [score, layer, head], "patterns" [pattern, query, key], "thumbnails" [layer, head, query, key]; each where
// it was asked, and in a comparison also of the clean run: "clean_scores", ….
std::vector<NamedValues> arrays_of(const Attention& result);
// The wanted patterns side by side; without any, the score `by` of every head, block by head.
Figure figure_of(const Attention& result, AttentionScore by);
Figure figure_of(const Attention& result, const AttentionRequest& request);

}  // namespace stratoscope
