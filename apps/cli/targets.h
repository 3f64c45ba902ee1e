// --target and --target-id, in the order in which the command line has them.
#pragma once

#include <string>
#include <vector>

#include "apps/cli/options.h"
#include "stratoscope/experiment/target.h"

namespace stratoscope::cli {

struct TargetOptions {
  std::vector<std::string> texts;
  std::vector<long> ids;
  std::vector<TargetChoice> in_order;  // after take_targets_in_order
};

void add_targets(CLI::App& command, TargetOptions& options, const std::string& help);
void take_targets_in_order(const CLI::App& command, TargetOptions& options);

}  // namespace stratoscope::cli
