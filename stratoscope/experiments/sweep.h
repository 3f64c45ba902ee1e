// Demonstration 3 and its kind: one edit over a grid, and what becomes of a metric.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/corpus/prompts.h"
#include "stratoscope/figures/figure.h"
#include "stratoscope/probe/sweep.h"
#include "stratoscope/session/document.h"
#include "stratoscope/session/named_values.h"
#include "stratoscope/session/target.h"

namespace stratoscope {
class Fields;
}

namespace STRATOSCOPE_API stratoscope {

struct SweepExperiment;

struct SweepExperimentRequest {
  std::string text = {};
  TextOptions text_options = {};
  std::vector<EditTemplate> edits = {};
  std::optional<std::string> corrupt = {};  // of edits that read it
  std::vector<AxisExpression> axes = {};    // "layer=all"
  std::vector<TargetChoice> targets = {};
  Metric metric = Metric::log_prob;
  bool whole = false;
  // Instead of the text: many prompts, each with its own corrupt text and targets, or with those above.
  std::vector<PromptLine> prompts = {};
  std::size_t memory_limit = 0;                      // bytes; 0 is a quarter of this machine's memory
  std::optional<std::filesystem::path> resume = {};  // a journal: keeps what is done, and goes on with what it keeps
  std::optional<std::filesystem::path> save = {};    // every grid point as .csv, .json or .npz
  bool plan = false;                                 // the forecast alone: no grid point is run
  // For those who show results as they come: each grid point when it is done, in the order of the grid, and before
  // those of a prompt its experiment, of which only the clean result is there.
  std::function<void(const SweepExperiment& begun)> begin = {};
  std::function<void(std::size_t prompt, std::size_t point, const GridValue& result)> take = {};
};
void describe(SweepExperimentRequest& request, Fields& fields);

struct SweepExperiment {
  Text text;
  std::vector<Target> targets;
  Metric metric = Metric::log_prob;
  bool whole = false;
  std::vector<SweepAxis> axes;
  SweepResult result;
  std::vector<std::string> warnings;
};

// What the sweep will cost, without what its journal holds already; `seconds` are expected from the speed of one clean
// run here and now.
struct SweepForecast {
  SweepPlan plan;
  double seconds = 0;
};

// The grids of one or of many prompts.
struct SweptPrompts {
  std::vector<SweepExperiment> prompts;
  bool from_file = false;
  SweepOperations operations;                            // 0 on the reference path
  std::optional<SweepForecast> plan = {};                // instead of results
  std::vector<std::filesystem::path> vector_files = {};  // that the grids' edits read
};

SweepForecast forecast_sweep(const Session& session, const SweepExperimentRequest& request);
Document to_json(const Session& session, const SweepForecast& forecast);
// "264 grid points: 21.3 of 98.2 billion operations (whole runs), 12 MiB in 1 slice, about 0.2 s"
std::string describe(const SweepForecast& forecast);

// "21.3 billion operations; the cones ask for 21.3, whole runs for 98.2"; empty where none were counted.
std::string describe(const SweepOperations& operations);

// Throws UsageError for a text beside prompts, none of both, and one file for two uses.
void check(const SweepExperimentRequest& request);
SweptPrompts sweep(const Session& session, const SweepExperimentRequest& request);
// The same for one prompt.
SweepExperiment sweep_text(const Session& session, const SweepExperimentRequest& request);

Document to_json(const Session& session, const SweptPrompts& swept);
// values and kl [axes …] of one prompt; of prompts from a file with equal grids [prompt, axes …], of others
// values.N and kl.N of each; clean, one number per prompt. None of a forecast.
std::vector<NamedValues> arrays_of(const SweptPrompts& swept);
Document to_json(const Session& session, const SweepExperiment& experiment);
// The grid points with their labels: .csv, .json, or .npz (values, clean and the axes; of many prompts row_offsets
// too). Throws Error, also for an ending that it does not know.
void check_results_ending(const std::filesystem::path& path);
// Of all prompts, each once; of very many the first ones.
std::vector<std::string> warnings_of(const SweptPrompts& swept);
// Files of vectors that the grids' edits read.
std::vector<std::filesystem::path> files_of(const SweptPrompts& swept);
// Emits "start", then "cells" as they are computed.
void stream(SweepExperimentRequest& request, const EmitEvent& emit);
void save_results(const Session& session, const SweptPrompts& swept, const std::filesystem::path& path);
// Throws Error, before anything runs, where figure_of() would: for more heat maps than fit, and for prompts whose grids
// differ.
void check_figure(const Session& session, const SweepExperimentRequest& request);
// Of many prompts: the mean over them. Throws Error where their grids differ.
Figure figure_of(const SweptPrompts& swept);
// One axis: a line beside the dashed clean value. Two: a heat map of the change. More: a grid of those. None: a bar.
Figure figure_of(const SweepExperiment& experiment);
// What stands at a grid point on each axis.
std::vector<std::string> values_of_point(const SweepExperiment& experiment, std::size_t point);
// "log-probability of “ insect” (nats)"
std::string metric_title(const SweepExperiment& experiment);

}  // namespace stratoscope
