// Steering: a direction from two sets of prompts (difference of means: Turner et al. 2023; Rimsky et al. 2024) or from
// a file, added to the residual stream at every block and strength, and during the generation of a text.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/figures/figure.h"
#include "stratoscope/probe/sampling.h"
#include "stratoscope/probe/sweep.h"
#include "stratoscope/session/document.h"
#include "stratoscope/session/named_values.h"
#include "stratoscope/session/target.h"

namespace stratoscope {
class Fields;
}

namespace STRATOSCOPE_API stratoscope {

struct SteerRequest {
  TextInput text = {};            // the text that is steered
  TextOptions text_options = {};  // `truncate` keeps only the end of the text: session/continued_text.h
  // The direction: the mean over `positive` minus the mean over `negative` of the hook point in each block, at each
  // text's last position or over all its positions. Or the tensors "layer.0" … of a file that steer() saved.
  std::vector<std::string> positive = {}, negative = {};
  bool all_positions = false;
  std::optional<std::filesystem::path> vectors = {};
  HookExpression hook = "hook_resid_post";         // a point in a block, without a head or key axis
  std::optional<std::filesystem::path> file = {};  // .safetensors: saves the directions and how they were made
  IndexList layers = "all";
  std::vector<double> strengths = {-8, -4, -2, -1, 1, 2, 4, 8};
  std::vector<TargetChoice> targets = {};
  Metric metric = Metric::kl;
  // The block whose direction steers the continued text; without it the middle one.
  std::optional<Index> layer = {};
  double strength = 4;
  std::size_t max_new = 30;  // 0: none
  SamplingOptions sampling = {};
  std::size_t memory_limit = 0;  // of the sweep, in bytes; 0 is a quarter of this machine's memory
};
void describe(SteerRequest& request, Fields& fields);

struct Steering {
  Text text;
  std::vector<Target> targets;
  Metric metric = Metric::kl;
  std::string hook;
  std::size_t positive = 0, negative = 0;    // numbers of prompts
  std::vector<std::vector<double>> vectors;  // by block
  std::vector<std::size_t> layers;
  std::vector<double> strengths;
  SweepResult sweep;  // [layers, strengths]
  std::size_t layer = 0;
  double strength = 0;
  std::string clean_text, steered_text;  // the generated texts
  std::optional<std::filesystem::path> file;
  std::vector<std::string> warnings;  // targets that are cut, results that are not finite
};

Steering steer(const Session& session, const SteerRequest& request);
Document to_json(const Session& session, const Steering& steering);
// values and kl [layer, strength]; vectors [block, d_model], the directions.
std::vector<NamedValues> arrays_of(const Steering& steering);
// A map of blocks and strengths.
Figure figure_of(const Steering& steering);

}  // namespace stratoscope
