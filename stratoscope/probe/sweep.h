// One edit over a grid of one or many prompts: one run and one number per grid point.
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

// A grid over one prompt.
struct SweepRequest {
  TokenIds text = {};
  TokenIds corrupt = {};                 // of --corrupt; empty where none was given
  std::vector<EditTemplate> edits = {};  // one without placeholders acts at every grid point
  std::vector<SweepAxis> axes = {};
  // Instead of templates and axes: the edits of each grid point, each with the positions that it changes.
  std::vector<std::vector<HookEdit>> points = {};
  Metric metric = Metric::log_prob;
  TokenIds targets = {};  // as many as the metric reads; with `whole`, the tokens of the whole target
  bool whole = false;     // log_prob only: the sum over the target's tokens, each given those before
  Progress* progress = nullptr;
};

// The number of one grid point.
struct GridValue {
  double value = 0;
  Effect effect = {};
};

struct SweepOptions {
  // For everything that a sweep holds beside the model and its requests; larger grids go in slices. 0 is a quarter of
  // this machine's memory. Throws Error where one grid point needs more.
  std::size_t memory_limit = 0;
  // Multiplications and additions of a slice: what a stop loses. 0 is about a second's work, at the rate of the slices
  // before, and never so few that clean runs, which each slice makes again, would be much of it.
  double operations_per_slice = 0;
  // One whole run for each grid point, which is what the result means and what the cone is tested against.
  bool full_runs = false;
  // A grid point that is known already is not run; every other is told when it is done, in any order.
  std::function<std::optional<GridValue>(std::size_t request, std::size_t point)> known = {};
  std::function<void(std::size_t request, std::size_t point, const GridValue& result)> take = {};
  // For those who show results as they come: so many grid points of one prompt go together at most, and its clean run
  // is kept for all of them. 0: as many as are quickest.
  std::size_t points_per_slice = 0;
  // Told of a prompt's clean run, once, before its grid points.
  std::function<void(std::size_t request, double clean)> take_clean = {};
};

struct SweepResult {
  double clean = 0;            // the metric without any edit
  std::vector<double> values;  // row-major over the axes, the last one fastest
  // The largest over the grid, at the position that the metric reads. Its `nonfinite` is looked for at the first grid
  // point of the first request whose result is not finite; `sequence` counts requests.
  Effect effect;
  std::vector<Effect> effects;  // of each grid point
};

// What a sweep will cost, found without running it.
struct SweepPlan {
  std::size_t points = 0;
  std::size_t known = 0;  // of them, by SweepOptions::known: they cost nothing
  // Multiplications and additions within the cones, of the clean runs, and of the runs that `mean` and `corrupt` read.
  double operations = 0;
  double full_operations = 0;  // the same if every grid point were a whole run beside the others
  std::size_t bytes = 0;       // of memory that is held at once, at most, beside the model and the requests
  std::size_t slices = 1;
};

// What is asked for, or for 0 a quarter of this machine's memory.
std::size_t memory_limit_of(std::size_t asked);

// The edits that are made at a grid point, placeholders replaced.
std::vector<EditExpression> edits_of_point(const SweepRequest& request, std::size_t point);

// Throws Error for a placeholder without axis, an axis that no template uses, and everything that resolve_edit throws.
// Each grid point computes only what its edits can change, with the bits of a whole run (run_cones).
SweepResult sweep(const Model& model, const SweepRequest& request, const SweepOptions& options = {});

// Multiplications and additions, with clean runs and the runs that `mean` and `corrupt` read.
struct SweepOperations {
  double done = 0;      // counted where they are done
  double required = 0;  // within the cones, counted from the reach of the edits
  double whole = 0;     // if every grid point had been a whole run
};

// The same for many prompts, whose grid points share products. Progress is the first request's.
std::vector<SweepResult> sweep_all(const Model& model, std::span<const SweepRequest> requests,
                                   const SweepOptions& options = {}, SweepOperations* operations = nullptr);

// Runs nothing.
SweepPlan plan_sweep(const Model& model, std::span<const SweepRequest> requests, const SweepOptions& options = {});

}  // namespace stratoscope
