// The definition of a sweep's results: one whole run for each grid point, in float64 or float32.
#pragma once

#include "stratoscope/probe/sweep_results.h"

namespace stratoscope {

// Uses the float64 reference if that is the precision of the model, else float32.
void run_whole(const SweepJob& job, SweepResults& results);

}  // namespace stratoscope
