// How new tokens are chosen: --temperature, --top-k, --top-p, --seed.
#pragma once

#include "apps/cli/options.h"
#include "stratoscope/probe/sampling.h"

namespace stratoscope::cli {

void add_sampling(CLI::App& command, SamplingOptions& sampling);

}  // namespace stratoscope::cli
