// The three demonstrations, from text to figures: a folder of figures, their numbers, and an article.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/experiments/activations.h"
#include "stratoscope/experiments/predict.h"
#include "stratoscope/experiments/similarity.h"
#include "stratoscope/experiments/sweep.h"
#include "stratoscope/experiments/tokens.h"
#include "stratoscope/figures/theme.h"

namespace stratoscope {
class Fields;
}

namespace STRATOSCOPE_API stratoscope {

struct DemoRequest {
  std::optional<std::string> text = {};  // replaces the demonstrations' own texts
  TextOptions text_options = {};
  Edits edits = {};  // made in every run
  std::optional<TokenChoice> token = {};
  // " insect" for the demonstration's own text; for another text the model's likeliest token.
  std::optional<std::string> target = {};
  double factor = 0.8;
  std::filesystem::path out = "stratoscope-demo";
  Theme theme = Theme::light;
};

void describe(DemoRequest& request, Fields& fields);

// The results of the demonstrations, from which the figures are drawn.
struct DemoFindings {
  // Demonstration 1: inspecting.
  TokenCounts inspected;
  Activations activations;
  // Demonstration 2: similarity.
  SimilarityAcrossLayers across_layers;
  SimilarityAcrossTokens across_tokens;
  LaminarProfile profile;
  // Demonstration 3: manipulating.
  TokenCounts counted;
  Predictions likeliest;  // the 21 likeliest next tokens
  SweepExperiment sweep;  // each block's output scaled by `factor`
  double target_rank = 0;
  double factor = 0.8;
};

struct Demo {
  DemoFindings findings;
  std::vector<std::string> figures;  // names of the files in `out`
  std::filesystem::path out;
  std::optional<std::string> missing;  // number of figures that lack a format, the reason, and the remedy
};

// Writes the complete folder. An earlier folder of a demo is replaced; any other existing folder is an Error. Without
// gnuplot everything but the png files is written, and `missing` has the reason.
Demo demo(const Session& session, const DemoRequest& request);
// Warnings of the sweep.
std::vector<std::string> warnings_of(const Demo& demo);
Document to_json(const Session& session, const Demo& demo);

}  // namespace stratoscope
