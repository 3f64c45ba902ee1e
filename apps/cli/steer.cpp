#include "stratoscope/experiments/steer.h"

#include <fmt/format.h>

#include "apps/cli/commands.h"
#include "apps/cli/output.h"
#include "apps/cli/table.h"
#include "stratoscope/session/labels.h"

namespace stratoscope::cli {
namespace {

void print_result(const Steering& steering) {
  print(fmt::format("{}; clean {:.6f}\n\n", metric_title(steering.metric, steering.targets), steering.sweep.clean));
  std::vector<std::string> titles = {"block"};
  for (const double strength : steering.strengths) titles.push_back(">" + fmt::format("{}", strength));
  Table table(titles);
  for (std::size_t i = 0; i < steering.layers.size(); ++i) {
    std::vector<std::string> row = {block_label(steering.layers[i])};
    for (std::size_t s = 0; s < steering.strengths.size(); ++s)
      row.push_back(fixed(steering.sweep.values[i * steering.strengths.size() + s], 4));
    table.add(row);
  }
  print(table.text());
  if (!steering.clean_text.empty() || !steering.steered_text.empty())
    print(fmt::format("\nclean    {}\nsteered  {}\n         ({} of {} += {} times its direction)\n",
                      token_label(steering.clean_text), token_label(steering.steered_text), steering.hook,
                      block_label(steering.layer), steering.strength));
  if (steering.file) print(fmt::format("\ndirections saved in {}\n", steering.file->string()));
}

void print_all(const Session& session, const SteerRequest&, const Steering& steering) {
  print_header(session, steering.text);
  print_result(steering);
}

}  // namespace

Presentation present_steer() { return present<SteerRequest, Steering>(print_all); }

}  // namespace stratoscope::cli
