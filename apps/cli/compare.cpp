#include "stratoscope/experiments/compare.h"

#include <fmt/format.h>

#include "apps/cli/commands.h"
#include "apps/cli/output.h"
#include "apps/cli/table.h"
#include "stratoscope/session/labels.h"

namespace stratoscope::cli {
namespace {

std::string flags_of(const GroupComparison& result, const ComparedUnit& unit) {
  return unit.p_bonferroni <= result.alpha ? "Bonferroni" : unit.p_fdr <= result.alpha ? "FDR" : "";
}

void print_units(const GroupComparison& result) {
  Table table({"unit", ">mean A", ">mean B", ">t", ">degrees", ">p", ">d", ">AUC", "significant"});
  for (const std::size_t i : result.ranked) {
    const ComparedUnit& unit = result.units[i];
    const GroupDifference& found = unit.difference;
    table.add({name_of(result, unit), short_number(found.mean_a), short_number(found.mean_b), fixed(found.t, 2),
               fixed(found.degrees, 1), short_number(found.p, 3), fixed(found.d, 2), fixed(found.auc, 3),
               flags_of(result, unit)});
  }
  print("the {} of {} units with the smallest p; significant: after correction, at the {} % level\n",
        result.ranked.size(), result.units.size(), short_number(100 * result.alpha));
  print(table.text());
}

void print_points(const GroupComparison& result) {
  std::vector<std::string> titles = {"block", ">units", ">Bonferroni", ">FDR", ">probe accuracy", ">AUC"};
  if (result.shuffles > 0) titles.insert(titles.end(), {">by chance", ">p"});
  Table table(titles);
  for (const ComparedPoint& point : result.points) {
    std::vector<std::string> row = {point.label,
                                    std::to_string(point.units),
                                    std::to_string(point.bonferroni),
                                    std::to_string(point.fdr),
                                    fixed(point.accuracy, 3),
                                    fixed(point.auc, 3)};
    if (result.shuffles > 0) row.insert(row.end(), {fixed(point.chance_accuracy, 3), fixed(point.p, 3)});
    table.add(row);
  }
  print("\nsignificant units, and a probe of {} folds{}\n", result.folds,
        result.shuffles > 0 ? fmt::format("; by chance: with labels shuffled {} times", result.shuffles) : "");
  print(table.text());
}

void print_result(const Session& session, const CompareRequest&, const GroupComparison& result) {
  print("{} ({}), {} prompts of group A, {} of group B\n{}{}, position {}\n\n", session.model_name(),
        name_of(session.precision()), result.count_a, result.count_b, info_of(result.points[0].at.hook).name,
        result.norms ? " (norms)" : "", result.position);
  print_units(result);
  print_points(result);
}

}  // namespace

Presentation present_compare() { return present<CompareRequest, GroupComparison>(print_result); }

}  // namespace stratoscope::cli
