// One function per command: declares its options, and sets the program's action when it is chosen.
#pragma once

#include "apps/cli/options.h"

namespace stratoscope::cli {

// All of them, in the order in which --help lists them.
void add_commands(CLI::App& app, Program& program);

void add_demo(CLI::App& app, Program& program);
void add_info(CLI::App& app, Program& program);
void add_tokens(CLI::App& app, Program& program);
void add_run(CLI::App& app, Program& program);
void add_predict(CLI::App& app, Program& program);
void add_activations(CLI::App& app, Program& program);
void add_similarity(CLI::App& app, Program& program);
void add_sweep(CLI::App& app, Program& program);
void add_ablate(CLI::App& app, Program& program);
void add_steer(CLI::App& app, Program& program);
void add_edges(CLI::App& app, Program& program);
void add_patch(CLI::App& app, Program& program);
void add_generate(CLI::App& app, Program& program);
void add_lens(CLI::App& app, Program& program);
void add_attention(CLI::App& app, Program& program);
void add_attribution(CLI::App& app, Program& program);
void add_geometry(CLI::App& app, Program& program);
void add_verify(CLI::App& app, Program& program);
void add_replay(CLI::App& app, Program& program);
void add_bench(CLI::App& app, Program& program);
void add_pull(CLI::App& app, Program& program);
void add_models(CLI::App& app, Program& program);
void add_serve(CLI::App& app, Program& program);
// Not listed by --help: for those who package the program.
void add_completion(CLI::App& app, Program& program);
void add_manual(CLI::App& app, Program& program);

}  // namespace stratoscope::cli
