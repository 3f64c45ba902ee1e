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
#include "stratoscope/session/named_values.h"
#include "stratoscope/session/token_choice.h"

namespace stratoscope {
class Fields;
class OpenText;
}  // namespace stratoscope

namespace STRATOSCOPE_API stratoscope {

struct ActivationsRequest {
  TextInput text = {};
  TextOptions text_options = {};
  Edits edits = {};
  std::optional<TokenChoice> token = {};  // the default is that of choose_token
  bool compare = false;                   // also the clean run's
  bool no_effect = false;
};
void describe(ActivationsRequest& request, Fields& fields);

struct Activations {
  Text text;
  std::size_t token = 0;
  std::vector<std::string> labels;          // of the depths
  std::vector<std::vector<double>> values;  // [depth][d_model]
  std::vector<Statistics> statistics;       // per depth
  // Of a comparison, the same of the clean run, where there are edits.
  std::vector<std::vector<double>> clean_values;
  std::vector<Statistics> clean_statistics;
  std::optional<Effect> effect;
};

Activations activations(const Session& session, const ActivationsRequest& request);
bool can_open(const ActivationsRequest& request);
// The text and the edits are those of `open`.
Activations read_open(OpenText& open, const ActivationsRequest& request);
Document to_json(const Session& session, const Activations& result);
// values [depth, d_model]; variance, mean, min, max and norm [depth]; of a comparison also clean_values.
std::vector<NamedValues> arrays_of(const Activations& result);
Figure figure_of(const Activations& result);

}  // namespace stratoscope
