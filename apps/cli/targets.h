// What a metric is and which tokens it follows: --metric, and --target and --target-id in the command line's order.
#pragma once

#include <string>
#include <vector>

#include "apps/cli/options.h"
#include "stratoscope/session/target.h"

namespace stratoscope::cli {

struct TargetOptions {
  std::vector<std::string> texts;
  std::vector<long> ids;
  std::vector<TargetChoice> in_order;  // after take_targets_in_order
};

inline constexpr const char* kFollowedToken = "the token that the metric follows, as text";

void add_targets(CLI::App& command, TargetOptions& options, const std::string& help = kFollowedToken);
void add_metric(CLI::App& command, std::string& metric);
void take_targets_in_order(const CLI::App& command, TargetOptions& options);

}  // namespace stratoscope::cli
