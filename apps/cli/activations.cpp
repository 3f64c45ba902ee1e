#include "stratoscope/experiments/activations.h"

#include <fmt/format.h>

#include "apps/cli/commands.h"
#include "apps/cli/output.h"
#include "apps/cli/table.h"
#include "stratoscope/session/labels.h"

namespace stratoscope::cli {

namespace {

void print_result(const Session& session, const ActivationsRequest&, const Activations& result) {
  print_header(session, result.text);
  print("token {}, {}\n", result.token, token_label(result.text.tokens[result.token]));
  Table table({"depth", ">variance", ">mean", ">min", ">max", ">norm"});
  for (std::size_t depth = 0; depth < result.labels.size(); ++depth) {
    const Statistics& s = result.statistics[depth];
    table.add({result.labels[depth], short_number(s.variance, 6), short_number(s.mean), short_number(s.min),
               short_number(s.max), short_number(s.norm)});
  }
  print(table.text());
  print("\nthe last depth is after the final norm\n");
  print_effect(result.effect);
}

}  // namespace

Presentation present_activations() { return present<ActivationsRequest, Activations>(print_result); }

}  // namespace stratoscope::cli
