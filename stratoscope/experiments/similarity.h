// Demonstration 2: cosine similarity between depths for a token, between tokens for a depth, and the laminar profile.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/figures/figure.h"
#include "stratoscope/session/document.h"

namespace STRATOSCOPE_API stratoscope {

struct SimilarityRequest {
  std::string text = {};
  TextOptions text_options = {};
  Edits edits = {};
  // Tokens for similarity across layers, hidden-state entries for similarity across tokens: an index list; four evenly
  // spaced ones when absent.
  std::optional<std::string> chosen = {};
};

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

SimilarityAcrossLayers similarity_across_layers(const Session& session, const SimilarityRequest& request);
SimilarityAcrossTokens similarity_across_tokens(const Session& session, const SimilarityRequest& request);
LaminarProfile laminar_profile(const Session& session, const SimilarityRequest& request);

Document to_json(const Session& session, const SimilarityAcrossLayers& result);
Document to_json(const Session& session, const SimilarityAcrossTokens& result);
Document to_json(const Session& session, const LaminarProfile& result);

Figure figure_of(const SimilarityAcrossLayers& result);
Figure figure_of(const SimilarityAcrossTokens& result);
Figure figure_of(const LaminarProfile& result);

}  // namespace stratoscope
