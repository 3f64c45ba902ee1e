// Activation patching between a clean and a corrupt prompt (Meng et al. 2022; Heimersheim and Nanda 2024): the values
// that carry the difference between the two prompts.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/figures/figure.h"
#include "stratoscope/probe/metrics.h"
#include "stratoscope/session/document.h"
#include "stratoscope/session/named_values.h"
#include "stratoscope/session/target.h"

namespace stratoscope {
class Fields;
}

namespace STRATOSCOPE_API stratoscope {

struct PatchRequest {
  TextInput text = {};  // the clean prompt, and the corrupt one, with equal numbers of tokens
  std::string corrupt = {};
  TextOptions text_options = {};
  // Two for logit_diff. Without any: the likeliest token of each prompt, that of the clean one first.
  std::vector<TargetChoice> targets = {};
  std::optional<Metric> metric = {};   // logit_diff of two targets, log_prob of one, or another that reads as many
  std::optional<Index> position = {};  // the metric is read after it; default: the last
  bool noising = false;                // corrupt values into the clean run; otherwise clean values into the corrupt run
  std::size_t memory_limit = 0;        // bytes; 0 is a quarter of this machine's memory
};
void describe(PatchRequest& request, Fields& fields);

// One value patched at every block and place. values[layer][place] is the metric, normalised: 0 is the corrupt run, 1
// the clean one.
struct PatchGrid {
  std::string title, hook;  // "residual stream", "hook_resid_pre"
  bool by_head = false;     // places are heads; otherwise positions
  std::vector<std::vector<double>> values;
};

struct Patch {
  Text clean, corrupt;
  std::vector<Target> targets;
  Metric metric = Metric::logit_diff;
  std::optional<std::size_t> position;  // where it is not the last one
  bool noising = false;
  double clean_value = 0, corrupt_value = 0;  // of the metric, not normalised
  std::vector<PatchGrid> grids;               // residual stream, attention out, MLP out, heads
  Effect effect;                              // the largest effect of a patch on the run in which it is made
  std::vector<std::string> warnings;          // targets that are cut, results that are not finite
};

// Throws Error for prompts of different lengths (with both tokenisations), and if the metric has the same value in both
// prompts.
Patch patch(const Session& session, const PatchRequest& request);
Document to_json(const Session& session, const Patch& patch);
// Each grid under the name of its hook point, [layer, position or head].
std::vector<NamedValues> arrays_of(const Patch& patch);
// Four heat maps on one colour scale.
Figure figure_of(const Patch& patch);
}  // namespace stratoscope
