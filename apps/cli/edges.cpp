#include "stratoscope/experiments/edges.h"

#include <fmt/format.h>

#include <algorithm>

#include "apps/cli/commands.h"
#include "apps/cli/output.h"
#include "apps/cli/table.h"

namespace stratoscope::cli {
namespace {

void print_ranking(const EdgesExperiment& experiment, std::size_t top) {
  print(fmt::format("{}: clean {:.6f}; {} edges, ranked by the effect of replacing the sender in one receiver\n\n",
                    metric_title(experiment.metric, experiment.targets), experiment.edges.clean,
                    experiment.strongest.size()));
  Table table({"sender", "receiver", ">change"});
  for (std::size_t i = 0; i < std::min(top, experiment.strongest.size()); ++i) {
    const StrongEdge& edge = experiment.strongest[i];
    table.add({receiver_name(experiment, edge.sender), receiver_name(experiment, edge.receiver),
               signed_fixed(edge.change, 6)});
  }
  print(table.text());
  if (top < experiment.strongest.size())
    print(fmt::format("  … and {} more (--top; --json has every edge)\n", experiment.strongest.size() - top));
}

void print_result(const Session& session, const EdgesExperimentRequest& request, const EdgesExperiment& experiment) {
  print_header(session, experiment.text);
  print_ranking(experiment, request.top);
}

}  // namespace

Presentation present_edges() { return present<EdgesExperimentRequest, EdgesExperiment>(print_result); }

}  // namespace stratoscope::cli
