// The forward pass in float64: plain steps, not fused, with every hook point computed. It defines every value; the
// engine is tested against it.
#pragma once

#include "stratoscope/hub/checkpoint.h"
#include "stratoscope/model/run.h"

namespace stratoscope {

Run<double> reference_forward(const Checkpoint& checkpoint, const ModelConfig& config, const RunRequest& request);

}  // namespace stratoscope
