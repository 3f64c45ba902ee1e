// Steering: a direction from two sets of prompts (difference of means: Turner et al. 2023; Rimsky et al. 2024) or from
// a file, added to the residual stream at every block and strength, and to a text while it is written.
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
  std::string text = {};          // what is steered
  TextOptions text_options = {};  // `truncate` keeps the end of the text alone: session/continued_text.h
  // The direction: mean over `positive` minus mean over `negative` of the hook point in each block, at each text's last
  // position or over all its positions. Or the tensors "layer.0" … of a file that steer() saved.
  std::vector<std::string> positive = {}, negative = {};
  bool all_positions = false;
  std::optional<std::filesystem::path> vectors = {};
  HookExpression hook = "hook_resid_post";         // a point in a block, without a head or key axis
  std::optional<std::filesystem::path> file = {};  // .safetensors: keeps the directions, with their recipe
  IndexList layers = "all";
  std::vector<double> strengths = {-8, -4, -2, -1, 1, 2, 4, 8};
  std::vector<TargetChoice> targets = {};
  Metric metric = Metric::kl;
  // A text continued with the direction of one block; without it the middle one.
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
  std::size_t positive = 0, negative = 0;    // how many prompts
  std::vector<std::vector<double>> vectors;  // by block
  std::vector<std::size_t> layers;
  std::vector<double> strengths;
  SweepResult sweep;  // [layers, strengths]
  std::size_t layer = 0;
  double strength = 0;
  std::string clean_text, steered_text;  // what was written
  std::optional<std::filesystem::path> file;
  std::vector<std::string> warnings;  // what a user should know: targets that are cut, results that are not finite
};

Steering steer(const Session& session, const SteerRequest& request);
Document to_json(const Session& session, const Steering& steering);
// values and kl [layer, strength]; vectors [block, d_model], the directions.
std::vector<NamedValues> arrays_of(const Steering& steering);
// A heat map of block and strength.
Figure figure_of(const Steering& steering);

}  // namespace stratoscope
