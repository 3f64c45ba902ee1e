// Demonstration 1: every activation of one token at every depth, and its variance.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "stratoscope/analysis/statistics.h"
#include "stratoscope/base/api.h"
#include "stratoscope/figures/figure.h"
#include "stratoscope/session/document.h"

namespace STRATOSCOPE_API stratoscope {

struct ActivationsRequest {
  std::string text = {};
  TextOptions text_options = {};
  Edits edits = {};
  std::optional<std::string> token = {};  // an index, or a word; the default is that of choose_token
};

struct Activations {
  Text text;
  std::size_t token = 0;
  std::vector<std::string> labels;          // of the depths
  std::vector<std::vector<double>> values;  // [depth][d_model]
  std::vector<Statistics> statistics;       // per depth
  std::optional<Effect> effect;
};

// Index 8, the notebook's, or the last token of a shorter text, when nothing is chosen; else an index, or the last
// piece of a word's first occurrence. Throws Error for an index out of range and a word that is not there.
std::size_t choose_token(const Text& text, const std::optional<std::string>& chosen);

Activations activations(const Session& session, const ActivationsRequest& request);
Document to_json(const Session& session, const Activations& result);
Figure figure_of(const Activations& result);

}  // namespace stratoscope
