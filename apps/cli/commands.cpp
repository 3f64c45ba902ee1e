#include "apps/cli/commands.h"

namespace stratoscope::cli {

void add_commands(CLI::App& app, Program& program) {
  for (const auto add :
       {add_demo,      add_info,        add_tokens,     add_run,    add_predict, add_activations, add_similarity,
        add_sweep,     add_patch,       add_ablate,     add_edges,  add_steer,   add_generate,    add_lens,
        add_attention, add_attribution, add_geometry,   add_verify, add_replay,  add_bench,       add_pull,
        add_models,    add_serve,       add_completion, add_manual})
    add(app, program);
}

}  // namespace stratoscope::cli
