// The residual stream read by the unembedding, with the final norm or without it.
#pragma once

#include <memory>

#include "stratoscope/model/run.h"

namespace stratoscope {

enum class FinalNorm { applied, skipped };

// An edit of a run of one sequence that starts after the last block: the unembedding reads the residual stream of
// `start` itself, not the final norm's output.
HookEdit without_final_norm(std::shared_ptr<const Start> start);

}  // namespace stratoscope
