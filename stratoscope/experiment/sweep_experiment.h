// Demonstration 3 and its kind: one edit over a grid, and what becomes of a metric.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/experiment/document.h"
#include "stratoscope/experiment/target.h"
#include "stratoscope/figures/figure.h"
#include "stratoscope/probe/sweep.h"

namespace STRATOSCOPE_API stratoscope {

struct SweepExperimentRequest {
  std::string text = {};
  TextOptions text_options = {};
  Edits edits = {};                    // templates
  std::vector<std::string> axes = {};  // "layer=all"
  std::vector<TargetChoice> targets = {};
  std::string metric = "log_prob";
  bool whole = false;
};

struct SweepExperiment {
  Text text;
  std::vector<Target> targets;
  Metric metric = Metric::log_prob;
  bool whole = false;
  std::vector<SweepAxis> axes;
  SweepResult result;
  std::vector<std::string> warnings;
};

SweepExperiment run_sweep(const Session& session, const SweepExperimentRequest& request);
Document to_json(const Session& session, const SweepExperiment& experiment);
// One axis: a line beside the dashed clean value. Two: a heat map of the change. More: a grid of those. None: a bar.
Figure figure_of(const SweepExperiment& experiment);
// "log-probability of “ insect” (nats)"
std::string metric_title(const SweepExperiment& experiment);

}  // namespace stratoscope
