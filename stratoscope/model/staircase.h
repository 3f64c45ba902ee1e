// All cells of a request, block by block: what is alive at a block are rows of the same matrix products, and new cells
// join as depth grows. Between blocks a live cell holds its residual rows and nothing else.
#pragma once

#include "stratoscope/model/cells.h"
#include "stratoscope/model/weights.h"

namespace stratoscope {

// The request has been checked (check_cells). Returns the multiplications and additions that were done.
double run_staircase(const Checkpoint& checkpoint, const ModelConfig& config, const Weights& weights,
                     const CellsRequest& request);

}  // namespace stratoscope
