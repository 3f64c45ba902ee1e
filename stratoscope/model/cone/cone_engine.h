// All edited runs of a request, block by block: what differs from the clean runs at a block are rows of the same matrix
// products, and new rows enter as depth grows. Between blocks an edited run holds its rows of the residual stream and
// nothing else.
#pragma once

#include "stratoscope/hub/checkpoint.h"
#include "stratoscope/model/cone/cone_runs.h"
#include "stratoscope/model/pass/weights.h"

namespace stratoscope {

// The request has been checked (check_cones). Returns the multiplications and additions that were done.
double compute_cones(const Checkpoint& checkpoint, const ModelConfig& config, const Weights& weights,
                     const ConeRequest& request);

}  // namespace stratoscope
