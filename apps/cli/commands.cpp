#include "apps/cli/commands.h"

#include <map>

namespace stratoscope::cli {
namespace {

Presentation presentation_of(std::string_view experiment) {
  static const std::map<std::string_view, Presentation (*)()> all = {
      {"ablate", present_ablate},       {"activations", present_activations},
      {"attention", present_attention}, {"attribution", present_attribution},
      {"compare", present_compare},     {"distributions", present_distributions},
      {"edges", present_edges},         {"embeddings", present_embeddings},
      {"generate", present_generate},   {"geometry", present_geometry},
      {"heatmap", present_heatmap},     {"info", present_info},
      {"lens", present_lens},           {"patch", present_patch},
      {"predict", present_predict},     {"run", present_run},
      {"score", present_score},         {"similarity", present_similarity},
      {"steer", present_steer},         {"sweep", present_sweep},
      {"tokens", present_tokens},       {"verify", present_verify},
      {"weights", present_weights}};
  const auto found = all.find(experiment);
  return found == all.end() ? Presentation() : found->second();
}

}  // namespace

void add_commands(CLI::App& app, Program& program) {
  add_demo(app, program);
  for (const Experiment& experiment : program.experiments)
    add_experiment(app, program, experiment, presentation_of(experiment.name));
  for (const auto add :
       {add_replay, add_bench, add_pull, add_models, add_serve, add_completion, add_manual, add_openapi})
    add(app, program);
}

}  // namespace stratoscope::cli
