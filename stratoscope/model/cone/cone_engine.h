// All edited runs of a request, block by block. Rows that differ from the clean runs at a block are rows of the same
// matrix products, and further rows enter in later blocks. Between blocks only the changed rows of the residual stream
// are stored for an edited run.
#pragma once

#include "stratoscope/hub/checkpoint.h"
#include "stratoscope/model/cone/cone_runs.h"
#include "stratoscope/model/pass/weights.h"

namespace stratoscope {

// The request must be valid (check_cones). Returns the number of multiplications and additions.
double compute_cones(const Checkpoint& checkpoint, const ModelConfig& config, const Weights& weights,
                     const ConeRequest& request);

}  // namespace stratoscope
