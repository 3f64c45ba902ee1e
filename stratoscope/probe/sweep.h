// A sweep: edits over a grid, for one or many prompts; one run and one number per grid point.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/model/model.h"
#include "stratoscope/probe/effect.h"
#include "stratoscope/probe/metrics.h"
#include "stratoscope/probe/sweep_grid.h"

namespace STRATOSCOPE_API stratoscope {

class Tokenizer;

// A grid over one prompt.
struct SweepRequest {
  TokenIds text = {};
  TokenIds corrupt = {};                 // of --corrupt; empty if none was given
  std::vector<EditTemplate> edits = {};  // one without placeholders acts at every grid point
  std::vector<SweepAxis> axes = {};
  // Instead of templates and axes: the edits of each grid point with their positions.
  std::vector<std::vector<HookEdit>> points = {};
  Metric metric = Metric::log_prob;
  TokenIds targets = {};  // as many as the metric reads; with `whole`, the tokens of the whole target
  bool whole = false;     // log_prob only: the sum over the target's tokens, each given the previous ones
  // Further measures of the same runs.
  std::vector<Measure> also = {};
  // The position after which the metric reads the prediction, the last one by default. Later positions are not run. Not
  // with `whole`.
  std::optional<std::size_t> position = {};
  const Tokenizer* tokenizer = nullptr;  // for edits that select by text
  Progress* progress = nullptr;
};

// The result of one grid point.
struct GridValue {
  double value = 0;
  Effect effect = {};
  std::vector<double> also = {};  // of the further measures
};

struct SweepOptions {
  // Limit for all memory of a sweep besides the model and its requests; larger grids run in slices. 0: a quarter of the
  // machine's memory. Throws Error if one grid point needs more.
  std::size_t memory_limit = 0;
  // Multiplications and additions of a slice, which a stop loses. 0: about a second's work at the measured rate, but
  // enough that the clean runs, which each slice repeats, are a small part.
  double operations_per_slice = 0;
  // Computes one whole run for each grid point: the definition of the result, and the reference in tests of cones.
  bool full_runs = false;
  // A known grid point is not run; the result of every other one is passed to `take`, in any order.
  std::function<std::optional<GridValue>(std::size_t request, std::size_t point)> known = {};
  std::function<void(std::size_t request, std::size_t point, const GridValue& result)> take = {};
  // For displays that show results early: the limit of grid points of one prompt in a slice; its clean run is kept for
  // all of them. 0: the fastest number.
  std::size_t points_per_slice = 0;
  // Called once for the clean run of each prompt, before its grid points; without an effect.
  std::function<void(std::size_t request, const GridValue& clean)> take_clean = {};
};

struct SweepResult {
  double clean = 0;                              // the metric without any edit
  std::vector<double> values;                    // row-major over the axes, the last one fastest
  std::vector<double> also_clean;                // of the further measures
  std::vector<std::vector<double>> also_values;  // [measure][grid point]
  // The largest over the grid, at the position that the metric reads. `nonfinite` is that of the first grid point of
  // the first request whose result is not finite; `sequence` is the index of the request.
  Effect effect;
  std::vector<Effect> effects;  // of each grid point
};

// The cost of a sweep, computed without running it.
struct SweepPlan {
  std::size_t points = 0;
  std::size_t known = 0;  // number of them with a known result, which cost nothing
  // Multiplications and additions within the cones, of the clean runs, and of the runs whose values the edits read.
  double operations = 0;
  double full_operations = 0;  // the same if every grid point were a whole run
  std::size_t bytes = 0;       // peak memory, besides the model and the requests
  std::size_t slices = 1;
};

// The limit itself, or for 0 a quarter of the machine's memory.
std::size_t memory_limit_of(std::size_t asked);

// The edits of a grid point, with placeholders replaced.
std::vector<EditExpression> edits_of_point(const SweepRequest& request, std::size_t point);

// Throws Error for a placeholder without axis, an axis that no template uses, and the errors of resolve_edit. Each grid
// point computes only the values that its edits can change, with the bits of a whole run (run_cones).
SweepResult sweep(const Model& model, const SweepRequest& request, const SweepOptions& options = {});

// Multiplications and additions, including clean runs and the runs whose values the edits read.
struct SweepOperations {
  double done = 0;      // performed
  double required = 0;  // within the cones of the edits
  double whole = 0;     // if every grid point were a whole run
};

// For many prompts, whose grid points share matrix products. Uses the progress of the first request.
std::vector<SweepResult> sweep_all(const Model& model, std::span<const SweepRequest> requests,
                                   const SweepOptions& options = {}, SweepOperations* operations = nullptr);

// Runs nothing.
SweepPlan plan_sweep(const Model& model, std::span<const SweepRequest> requests, const SweepOptions& options = {});

}  // namespace stratoscope
