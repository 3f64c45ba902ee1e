#include "stratoscope/experiments/ablate.h"

#include <fmt/format.h>

#include <algorithm>

#include "apps/cli/commands.h"
#include "apps/cli/output.h"
#include "apps/cli/table.h"

namespace stratoscope::cli {
namespace {

void print_ranking(const Ablations& result, std::size_t top) {
  print_position(result.text, result.position);
  print(fmt::format("{}: {:.6f} with every part\n{} ablation", metric_title(result.metric, result.targets),
                    result.clean, result.mean ? "mean" : "zero"));
  if (result.reference_texts > 0)
    print(fmt::format(", over {} tokens of {} texts", result.reference_tokens, result.reference_texts));
  print(", ranked by effect\n\n");
  Table table({"without", ">value", ">change", ">KL"});
  for (std::size_t i = 0; i < std::min(top, result.ablations.size()); ++i) {
    const Ablation& ablation = result.ablations[i];
    table.add({name_of(ablation), fixed(ablation.value, 6), signed_fixed(ablation.value - result.clean, 6),
               fixed(ablation.effect.kl, 4)});
  }
  print(table.text());
  if (top < result.ablations.size()) print(fmt::format("  … and {} more (--top)\n", result.ablations.size() - top));
}

void print_result(const Session& session, const AblateRequest& request, const Ablations& result) {
  print_header(session, result.text);
  print_ranking(result, request.top);
}

}  // namespace

Presentation present_ablate() { return present<AblateRequest, Ablations>(print_result); }

}  // namespace stratoscope::cli
