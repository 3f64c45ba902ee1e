// A text coloured by numbers: rows with one number for each token, from the run, from attributions, or from files.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/figures/figure.h"
#include "stratoscope/probe/token_row.h"
#include "stratoscope/session/document.h"
#include "stratoscope/session/named_values.h"
#include "stratoscope/session/target.h"

namespace stratoscope {
class Fields;
}

namespace STRATOSCOPE_API stratoscope {

struct HeatmapRequest {
  TextInput text = {};
  TextOptions text_options = {};
  Edits edits = {};
  std::vector<TokenRow> rows = {"surprisal"};
  // Of "attribution": as in AttributionRequest.
  std::vector<TargetChoice> targets = {};
  std::optional<Index> position = {};
  bool compare = false;  // also the clean run's rows
};
void describe(HeatmapRequest& request, Fields& fields);

// One number for each token; NaN where there is none.
struct HeatmapRow {
  std::string by;     // as written
  std::string label;  // "L5H3, attention from token 9"
  std::string unit;   // "nats", "attention weight", "activation", "logits", or "value"
  bool is_signed = false;
  std::vector<double> values;
  std::vector<double> clean;  // of a comparison, where there are edits, except of a file
};

struct TextHeatmap {
  Text text;
  std::vector<HeatmapRow> rows;  // a list of heads or dimensions gives several
  std::vector<Target> targets;   // of attributions
  std::optional<Effect> effect;
};

// Throws UsageError for options of attributions without one.
void check(const HeatmapRequest& request);
// Throws Error for a row that is not one number for each token, an index out of range, and a file of another length.
TextHeatmap heatmap(const Session& session, const HeatmapRequest& request);
// Targets of several tokens, of which only one is read.
std::vector<std::string> warnings_of(const TextHeatmap& result);
Document to_json(const Session& session, const TextHeatmap& result);
// values [row, token]; of a comparison also clean_values.
std::vector<NamedValues> arrays_of(const TextHeatmap& result);
// The text once for each row, coloured; of a comparison by the differences from the clean run.
Figure figure_of(const TextHeatmap& result);

}  // namespace stratoscope
