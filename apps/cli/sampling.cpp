#include "apps/cli/sampling.h"

#include <limits>

namespace stratoscope::cli {

void add_sampling(CLI::App& command, SamplingOptions& sampling) {
  command
      .add_option("--temperature", sampling.temperature,
                  "0 takes the likeliest token each time; 1 draws as the model says, more flattens")
      ->capture_default_str()
      ->type_name("X");
  command.add_option("--top-k", sampling.top_k, "draw from the K likeliest tokens alone (0: from all)")
      ->capture_default_str()
      ->check(CLI::Range(0, std::numeric_limits<int>::max()))
      ->type_name("K");
  command.add_option("--top-p", sampling.top_p, "draw from the fewest tokens whose probabilities reach P")
      ->capture_default_str()
      ->type_name("P");
  command.add_option("--seed", sampling.seed, "the same seed draws the same tokens")
      ->capture_default_str()
      ->type_name("S");
}

}  // namespace stratoscope::cli
