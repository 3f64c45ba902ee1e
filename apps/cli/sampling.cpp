#include "apps/cli/sampling.h"

#include <limits>
#include <string>

#include "apps/cli/output.h"

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

void warn_unused_sampling(const CLI::App& command, const SamplingOptions& sampling) {
  if (sampling.temperature != 0) return;
  for (const char* name : {"--top-k", "--top-p", "--seed"}) {
    const CLI::Option* option = command.get_option_no_throw(name);
    if (option != nullptr && option->count() > 0)
      warn(std::string(name) +
           " does nothing at temperature 0, which takes the likeliest token each time; give --temperature 1");
  }
}

}  // namespace stratoscope::cli
