// Demonstration 2: cosine similarity between depths for a token, between tokens for a depth, and the laminar profile.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <variant>
#include <vector>

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

enum class SimilarityAcross {
  layers,  // between the depths of a token
  tokens,  // between the tokens at a depth
};
inline constexpr Choice<SimilarityAcross> kSimilarityAcross[] = {{SimilarityAcross::layers, "layers"},
                                                                 {SimilarityAcross::tokens, "tokens"}};
constexpr std::span<const Choice<SimilarityAcross>> choices_of(SimilarityAcross) { return kSimilarityAcross; }

struct SimilarityRequest {
  TextInput text = {};
  TextOptions text_options = {};
  Edits edits = {};
  std::optional<SimilarityAcross> across = {};  // the comparison; without it the profile
  bool profile = false;
  std::optional<IndexList> tokens = {};  // across layers: which tokens; four evenly spaced ones when absent
  std::optional<IndexList> layers = {};  // across tokens: which hidden states, likewise
  IndexList positions = "all";           // across tokens and in the profile: of which tokens
  std::size_t most_pairs = 0;  // the profile lists about every n-th pair, so that at most so many are left; 0: all
  bool compare = false;        // also the clean run's
  bool no_effect = false;
};
void describe(SimilarityRequest& request, Fields& fields);

using SimilarityMatrix = std::vector<std::vector<double>>;

struct SimilarityAcrossLayers {
  Text text;
  std::vector<std::size_t> tokens;
  std::vector<std::string> labels;         // of the depths
  std::vector<SimilarityMatrix> matrices;  // per token, [depth][depth]
  std::vector<SimilarityMatrix> clean;     // of a comparison, where there are edits
  std::optional<Effect> effect;
};

struct SimilarityAcrossTokens {
  Text text;
  std::vector<std::size_t> layers;         // hidden-state entries
  std::vector<std::size_t> positions;      // of the tokens
  std::vector<SimilarityMatrix> matrices;  // per entry, [token][token]
  std::vector<SimilarityMatrix> clean;     // of a comparison, where there are edits
  std::optional<Effect> effect;
};

struct LaminarProfile {
  Text text;
  std::vector<std::string> labels;          // of the depths
  std::vector<std::vector<double>> values;  // per depth: all pairs of tokens but the first, row order
  std::vector<double> means, medians;       // of all pairs, also where `values` are fewer
  std::size_t pairs = 0;                    // of a depth
  bool is_part = false;                     // whether `values` are fewer
  // Of a comparison, where there are edits; the medians of the changes are not the changes of the medians.
  std::vector<std::vector<double>> clean_values;
  std::vector<double> clean_means, clean_medians, median_changes;
  std::optional<Effect> effect;
};

// The requested one of the three.
struct Similarity {
  std::variant<SimilarityAcrossLayers, SimilarityAcrossTokens, LaminarProfile> of;
  std::optional<Effect> effect;
};
// Throws UsageError unless one of `across` and `profile` is given, and for a list that belongs to the other comparison.
void check(const SimilarityRequest& request);
Similarity similarity(const Session& session, const SimilarityRequest& request);
bool can_open(const SimilarityRequest& request);
// The text and the edits are those of `open`.
Similarity read_open(OpenText& open, const SimilarityRequest& request);
Document to_json(const Session& session, const Similarity& result, DocumentParts parts = DocumentParts::all);
// Those of the one that was asked; of a comparison also clean_values.
std::vector<NamedValues> arrays_of(const Similarity& result);
Figure figure_of(const Similarity& result);

SimilarityAcrossLayers similarity_across_layers(const Session& session, const SimilarityRequest& request);
SimilarityAcrossTokens similarity_across_tokens(const Session& session, const SimilarityRequest& request);
LaminarProfile laminar_profile(const Session& session, const SimilarityRequest& request);

Document to_json(const Session& session, const SimilarityAcrossLayers& result,
                 DocumentParts parts = DocumentParts::all);
// values [token, depth, depth].
std::vector<NamedValues> arrays_of(const SimilarityAcrossLayers& result);
Document to_json(const Session& session, const SimilarityAcrossTokens& result,
                 DocumentParts parts = DocumentParts::all);
// values [layer, pos, pos].
std::vector<NamedValues> arrays_of(const SimilarityAcrossTokens& result);
Document to_json(const Session& session, const LaminarProfile& result, DocumentParts parts = DocumentParts::all);
// values [depth, pair]; means and medians [depth].
std::vector<NamedValues> arrays_of(const LaminarProfile& result);

Figure figure_of(const SimilarityAcrossLayers& result);
Figure figure_of(const SimilarityAcrossTokens& result);
Figure figure_of(const LaminarProfile& result);

}  // namespace stratoscope
