// One function for each command that is no experiment: declares its options, and sets the program's action when it is
// chosen. One for each experiment: how its result is printed.
#pragma once

#include "apps/cli/experiment_command.h"
#include "apps/cli/options.h"

namespace stratoscope::cli {

// All of them, in the order in which --help lists them.
void add_commands(CLI::App& app, Program& program);

void add_demo(CLI::App& app, Program& program);
void add_replay(CLI::App& app, Program& program);
void add_bench(CLI::App& app, Program& program);
void add_pull(CLI::App& app, Program& program);
void add_models(CLI::App& app, Program& program);
void add_serve(CLI::App& app, Program& program);
// Not listed by --help: for those who package the program.
void add_completion(CLI::App& app, Program& program);
void add_manual(CLI::App& app, Program& program);
void add_openapi(CLI::App& app, Program& program);

// What people read of each experiment.
Presentation present_ablate();
Presentation present_activations();
Presentation present_attention();
Presentation present_attribution();
Presentation present_edges();
Presentation present_generate();
Presentation present_geometry();
Presentation present_info();
Presentation present_lens();
Presentation present_patch();
Presentation present_predict();
Presentation present_run();
Presentation present_similarity();
Presentation present_steer();
Presentation present_sweep();
Presentation present_tokens();
Presentation present_verify();

}  // namespace stratoscope::cli
