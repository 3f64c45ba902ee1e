// Demonstration 3 and similar sweeps: one edit over a grid, and the values of a metric.
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
  TextInput text = {};
  TextOptions text_options = {};
  std::vector<EditTemplate> edits = {};
  std::optional<std::string> corrupt = {};  // for edits that read it
  std::vector<AxisExpression> axes = {};    // "layer=all"
  std::vector<TargetChoice> targets = {};
  Metric metric = Metric::log_prob;
  std::vector<Metric> also = {};       // further metrics of the same runs
  std::optional<Index> position = {};  // the metrics are read after it; default: the last
  bool whole = false;
  // Instead of the text: many prompts, each with its own corrupt text and targets, or with the ones above.
  std::vector<PromptLine> prompts = {};
  std::size_t memory_limit = 0;                      // bytes; 0 is a quarter of this machine's memory
  std::optional<std::filesystem::path> resume = {};  // a journal: saves finished grid points and reuses them
  std::optional<std::filesystem::path> save = {};    // every grid point as .csv, .json or .npz
  bool plan = false;                                 // only the forecast: no grid point is run
  // For callers that show results as they are computed: each grid point when it is done, in the order of the grid;
  // before the grid points of a prompt, its experiment with only the clean result.
  std::function<void(const SweepExperiment& begun)> begin = {};
  std::function<void(std::size_t prompt, std::size_t point, const GridValue& result)> take = {};
};
void describe(SweepExperimentRequest& request, Fields& fields);

struct SweepExperiment {
  Text text;
  std::vector<Target> targets;
  // One for each metric and target; the result has the numbers of the first, and of the further ones as `also_values`.
  std::vector<TargetMeasure> measures;
  std::optional<std::size_t> position;  // where it is not the last one
  bool whole = false;
  std::vector<SweepAxis> axes;
  SweepResult result;
  std::vector<std::string> warnings;
};

// The cost of the sweep, without the grid points in its journal; `seconds` is estimated from one clean run on this
// machine.
struct SweepForecast {
  SweepPlan plan;
  double seconds = 0;
};

// The grids of one prompt or of many.
struct SweptPrompts {
  std::vector<SweepExperiment> prompts;
  bool from_file = false;
  SweepOperations operations;                            // 0 on the reference path
  std::optional<SweepForecast> plan = {};                // instead of results
  std::vector<std::filesystem::path> vector_files = {};  // the files that the grids' edits read
};

SweepForecast forecast_sweep(const Session& session, const SweepExperimentRequest& request);
Document to_json(const Session& session, const SweepForecast& forecast);
// "264 grid points: 21.3 of 98.2 billion operations (whole runs), 12 MiB in 1 slice, about 0.2 s"
std::string describe(const SweepForecast& forecast);

// "21.3 billion operations; the cones need 21.3, whole runs 98.2"; empty if none were counted.
std::string describe(const SweepOperations& operations);

// Throws UsageError for a text and prompts together, for neither of them, and for one file with two uses.
void check(const SweepExperimentRequest& request);
SweptPrompts sweep(const Session& session, const SweepExperimentRequest& request);
// A sweep of one prompt.
SweepExperiment sweep_text(const Session& session, const SweepExperimentRequest& request);

Document to_json(const Session& session, const SweptPrompts& swept, DocumentParts parts = DocumentParts::all);
Document to_json(const Session& session, const SweepExperiment& experiment, DocumentParts parts = DocumentParts::all);
// values and kl [axes …] of one prompt; of prompts from a file with equal grids [prompt, axes …], of others
// values.N and kl.N of each; clean, one number per prompt. Of several measures of one prompt also measures [measure,
// axes …] and clean_measures [measure]. None of a forecast.
std::vector<NamedValues> arrays_of(const SweptPrompts& swept);
// The grid points with their labels: .csv, .json, or .npz (values, clean and the axes; for many prompts also
// row_offsets). Throws Error, also for an unknown ending.
void check_results_ending(const std::filesystem::path& path);
// The warnings of all prompts, each once, up to a maximum number.
std::vector<std::string> warnings_of(const SweptPrompts& swept);
// Files of vectors that the grids' edits read.
std::vector<std::filesystem::path> files_of(const SweptPrompts& swept);
// Emits "start", then "cells" as they are computed.
void stream(SweepExperimentRequest& request, const EmitEvent& emit);
void save_results(const Session& session, const SweptPrompts& swept, const std::filesystem::path& path);
// Throws Error before the run in the cases in which figure_of() would: more heat maps than fit, and prompts with
// different grids.
void check_figure(const Session& session, const SweepExperimentRequest& request);
// For many prompts the mean over them. Throws Error if their grids differ.
Figure figure_of(const SweptPrompts& swept);
// One axis: a line for each measure, and the dashed clean values; a panel for each metric. Two: a heat map of the
// change. More: several heat maps. None: a bar.
Figure figure_of(const SweepExperiment& experiment);
// The value of each axis at a grid point.
std::vector<std::string> values_of_point(const SweepExperiment& experiment, std::size_t point);
// "log-probability of “ insect” (nats)", of the first measure
std::string metric_title(const SweepExperiment& experiment);
// Measure 0 is the first.
double clean_of(const SweepExperiment& experiment, std::size_t measure);
const std::vector<double>& values_of(const SweepExperiment& experiment, std::size_t measure);

}  // namespace stratoscope
