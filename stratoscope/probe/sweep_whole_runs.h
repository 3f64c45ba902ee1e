// A sweep as its results are defined: one whole run for each grid point, in float64 or float32.
#pragma once

#include "stratoscope/probe/sweep_results.h"

namespace stratoscope {

// Float64 by the plain reference, where that is the model's precision; else float32.
void run_whole(const SweepJob& job, SweepResults& results);

}  // namespace stratoscope
