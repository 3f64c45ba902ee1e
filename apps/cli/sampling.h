// How new tokens are chosen: --temperature, --top-k, --top-p, --seed.
#pragma once

#include "apps/cli/options.h"
#include "stratoscope/probe/sampling.h"

namespace stratoscope::cli {

void add_sampling(CLI::App& command, SamplingOptions& sampling);
// Warns of options that were given and do nothing at temperature 0.
void warn_unused_sampling(const CLI::App& command, const SamplingOptions& sampling);

}  // namespace stratoscope::cli
