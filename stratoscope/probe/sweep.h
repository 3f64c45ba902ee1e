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
  TokenIds corrupt = {};                // of --corrupt; empty where none was given
  std::vector<std::string> edits = {};  // templates; one without placeholders acts at every grid point
  std::vector<SweepAxis> axes = {};
  // Instead of templates and axes: the edits of each grid point, each with the positions that it changes.
  std::vector<std::vector<SiteEdit>> cells = {};
  Metric metric = Metric::log_prob;
  TokenIds targets = {};  // as many as the metric reads; with `whole`, the tokens of the whole target
  bool whole = false;     // log_prob only: the sum over the target's tokens, each given those before
  Progress* progress = nullptr;
};

// The number of one grid point.
struct SweepCell {
  double value = 0;
  Effect effect = {};
};

struct SweepOptions {
  // For the residual streams of grid points and the clean runs beside them; larger grids go in slices. 0 is a quarter
  // of this machine's memory.
  std::size_t memory_limit = 0;
  // One whole run for each grid point, which is what the result means and what the cone is tested against.
  bool full_runs = false;
  // A grid point that is known already is not run; every other is told when it is done, in any order.
  std::function<std::optional<SweepCell>(std::size_t request, std::size_t cell)> known = {};
  std::function<void(std::size_t request, std::size_t cell, const SweepCell& result)> take = {};
  // For those who show results as they come: so many grid points of one prompt go together at most, and its clean run
  // is kept for all of them. 0: as many as are quickest.
  std::size_t cells_per_slice = 0;
  // Told of a prompt's clean run, once, before its grid points.
  std::function<void(std::size_t request, double clean)> take_clean = {};
};

struct SweepResult {
  double clean = 0;             // the metric without any edit
  std::vector<double> values;   // row-major over the axes, the last one fastest
  Effect effect;                // the largest over the grid, at the position that the metric reads
  std::vector<Effect> effects;  // of each grid point
};

// What a sweep will cost, found without running it.
struct SweepPlan {
  std::size_t cells = 0;
  double operations = 0;       // multiplications and additions within the cones, and of the clean runs
  double full_operations = 0;  // the same if every grid point were a whole run beside the clean ones
  std::size_t bytes = 0;       // of residual streams and clean runs that are held at once, at most
  std::size_t slices = 1;
};

// The edits that are made at a grid point, placeholders replaced.
std::vector<EditExpression> edits_of_cell(const SweepRequest& request, std::size_t cell);

// Throws Error for a placeholder without axis, an axis that no template uses, and everything that resolve_edit throws.
// Each grid point computes only what its edits can change, with the bits of a whole run (Model::run_cells).
SweepResult sweep(const Model& model, const SweepRequest& request, const SweepOptions& options = {});

// The same for many prompts, whose grid points share products. `operations`, where given, becomes the multiplications
// and additions that were done. Progress is the first request's.
std::vector<SweepResult> sweep_all(const Model& model, std::span<const SweepRequest> requests,
                                   const SweepOptions& options = {}, double* operations = nullptr);

SweepPlan plan_sweep(const Model& model, std::span<const SweepRequest> requests, const SweepOptions& options = {});

}  // namespace stratoscope
