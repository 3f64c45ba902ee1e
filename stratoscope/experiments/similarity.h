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
}

namespace STRATOSCOPE_API stratoscope {

enum class SimilarityAcross {
  layers,  // between the depths of a token
  tokens,  // between the tokens at a depth
};
inline constexpr Choice<SimilarityAcross> kSimilarityAcross[] = {{SimilarityAcross::layers, "layers"},
                                                                 {SimilarityAcross::tokens, "tokens"}};
constexpr std::span<const Choice<SimilarityAcross>> choices_of(SimilarityAcross) { return kSimilarityAcross; }

struct SimilarityRequest {
  std::string text = {};
  TextOptions text_options = {};
  Edits edits = {};
  std::optional<SimilarityAcross> across = {};  // the comparison; without it the profile
  bool profile = false;
  std::optional<IndexList> tokens = {};  // across layers: the tokens; without a list four evenly spaced ones
  std::optional<IndexList> layers = {};  // across tokens: the hidden states; without a list four evenly spaced ones
};
void describe(SimilarityRequest& request, Fields& fields);

using SimilarityMatrix = std::vector<std::vector<double>>;

struct SimilarityAcrossLayers {
  Text text;
  std::vector<std::size_t> tokens;
  std::vector<std::string> labels;         // of the depths
  std::vector<SimilarityMatrix> matrices;  // per token, [depth][depth]
  std::optional<Effect> effect;
};

struct SimilarityAcrossTokens {
  Text text;
  std::vector<std::size_t> layers;         // hidden-state entries
  std::vector<SimilarityMatrix> matrices;  // per entry, [token][token]
  std::optional<Effect> effect;
};

struct LaminarProfile {
  Text text;
  std::vector<std::string> labels;          // of the depths
  std::vector<std::vector<double>> values;  // per depth: all pairs of tokens but the first, row order
  std::vector<double> means, medians;
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
Document to_json(const Session& session, const Similarity& result);
// Those of the one that was asked.
std::vector<NamedValues> arrays_of(const Similarity& result);
Figure figure_of(const Similarity& result);

SimilarityAcrossLayers similarity_across_layers(const Session& session, const SimilarityRequest& request);
SimilarityAcrossTokens similarity_across_tokens(const Session& session, const SimilarityRequest& request);
LaminarProfile laminar_profile(const Session& session, const SimilarityRequest& request);

Document to_json(const Session& session, const SimilarityAcrossLayers& result);
// values [token, depth, depth].
std::vector<NamedValues> arrays_of(const SimilarityAcrossLayers& result);
Document to_json(const Session& session, const SimilarityAcrossTokens& result);
// values [layer, pos, pos].
std::vector<NamedValues> arrays_of(const SimilarityAcrossTokens& result);
Document to_json(const Session& session, const LaminarProfile& result);
// values [depth, pair]; means and medians [depth].
std::vector<NamedValues> arrays_of(const LaminarProfile& result);

Figure figure_of(const SimilarityAcrossLayers& result);
Figure figure_of(const SimilarityAcrossTokens& result);
Figure figure_of(const LaminarProfile& result);

}  // namespace stratoscope
