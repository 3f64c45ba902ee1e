// The engine's forward pass: packed weights, float32, only the requested values.
#pragma once

#include "stratoscope/hub/checkpoint.h"
#include "stratoscope/model/pass/weights.h"
#include "stratoscope/model/run.h"

namespace stratoscope {

// The request must be valid (check_request).
Run<float> engine_forward(const Checkpoint& checkpoint, const ModelConfig& config, const Weights& weights,
                          const RunRequest& request);

}  // namespace stratoscope
