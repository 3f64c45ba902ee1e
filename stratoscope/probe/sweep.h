// One edit over a grid: templates with placeholders, an axis for each, one run and one number per grid point.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/model/model.h"
#include "stratoscope/probe/edit_grammar.h"
#include "stratoscope/probe/effect.h"
#include "stratoscope/probe/metrics.h"

namespace STRATOSCOPE_API stratoscope {

struct SweepAxis {
  std::string name = {};
  std::vector<std::string> values = {};  // what replaces {name}, as text
};

// "layer=all", "position=0:3,-1", "factor=0,0.5,1", "dim=0..11". layer, position and head are index lists of this
// model and text; other names take the pieces between the commas, whole-number ranges a..b spelled out. Throws Error
// for an empty list, a bad name (letters, digits, '_'; not "value") and an index out of range.
SweepAxis parse_axis(std::string_view text, const ModelConfig& config, std::size_t positions);

struct SweepRequest {
  TokenIds text = {};
  TokenIds corrupt = {};                // of --corrupt; empty where none was given
  std::vector<std::string> edits = {};  // templates; one without placeholders acts at every grid point
  std::vector<SweepAxis> axes = {};
  Metric metric = Metric::log_prob;
  TokenIds targets = {};  // as many as the metric reads; with `whole`, the tokens of the whole target
  bool whole = false;     // log_prob only: the sum over the target's tokens, each given those before
  Progress* progress = nullptr;
};

struct SweepResult {
  double clean = 0;             // the metric without any edit
  std::vector<double> values;   // row-major over the axes, the last one fastest
  Effect effect;                // the largest over the grid, at the position that the metric reads
  std::vector<Effect> effects;  // of each grid point
};

// The edits that are made at a grid point, placeholders replaced.
std::vector<EditExpression> edits_of_cell(const SweepRequest& request, std::size_t cell);

// Throws Error for a placeholder without axis, an axis that no template uses, and everything that resolve_edit throws.
SweepResult sweep(const Model& model, const SweepRequest& request);

}  // namespace stratoscope
