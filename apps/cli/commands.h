// Two kinds of functions: `add_...` declares the options of a command that is not an experiment, and sets the program's
// action when the command is chosen; `present_...` says how an experiment's result is printed.
#pragma once

#include "apps/cli/experiment_command.h"
#include "apps/cli/options.h"

namespace stratoscope::cli {

// Adds all commands in the order of --help.
void add_commands(CLI::App& app, Program& program);

void add_demo(CLI::App& app, Program& program);
void add_replay(CLI::App& app, Program& program);
void add_bench(CLI::App& app, Program& program);
void add_pull(CLI::App& app, Program& program);
void add_models(CLI::App& app, Program& program);
void add_serve(CLI::App& app, Program& program);
// Commands for packaging, which --help does not list.
void add_completion(CLI::App& app, Program& program);
void add_manual(CLI::App& app, Program& program);
void add_openapi(CLI::App& app, Program& program);

// The printed form of each experiment's result.
Presentation present_ablate();
Presentation present_activations();
Presentation present_attention();
Presentation present_attribution();
Presentation present_compare();
Presentation present_distributions();
Presentation present_edges();
Presentation present_embeddings();
Presentation present_generate();
Presentation present_geometry();
Presentation present_heatmap();
Presentation present_info();
Presentation present_lens();
Presentation present_patch();
Presentation present_predict();
Presentation present_run();
Presentation present_score();
Presentation present_similarity();
Presentation present_steer();
Presentation present_sweep();
Presentation present_tokens();
Presentation present_verify();
Presentation present_weights();

}  // namespace stratoscope::cli
