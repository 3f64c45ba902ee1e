#include "stratoscope/experiments/sweep.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "apps/cli/commands.h"
#include "apps/cli/output.h"
#include "apps/cli/table.h"
#include "stratoscope/base/names.h"
#include "stratoscope/session/labels.h"

namespace stratoscope::cli {
namespace {

// With more grid points, only the first and last few are listed.
constexpr std::size_t kMostRows = 100, kFromEitherEnd = 10;

int decimals_of(Metric metric) { return metric == Metric::rank ? 0 : 6; }

class GridTable {
 public:
  explicit GridTable(const SweepExperiment& experiment) : experiment_(experiment), table_(titles(experiment)) {}

  void add(std::size_t cell) {
    std::vector<std::string> row = values_of_point(experiment_, cell);
    for (std::size_t m = 0; m < experiment_.measures.size(); ++m) {
      const double value = values_of(experiment_, m)[cell];
      const int decimals = decimals_of(experiment_.measures[m].metric);
      row.push_back(fixed(value, decimals));
      row.push_back(signed_fixed(value - clean_of(experiment_, m), decimals));
    }
    table_.add(row);
  }
  std::string text() const { return table_.text(); }

 private:
  static std::vector<std::string> titles(const SweepExperiment& experiment) {
    std::vector<std::string> titles;
    for (const SweepAxis& axis : experiment.axes) titles.push_back(">" + axis.name);
    for (const TargetMeasure& measure : experiment.measures) {
      std::string value = "value";
      if (experiment.measures.size() > 1) {
        value = name_of(measure.metric);
        if (!measure.targets.empty()) value += " " + token_label(measure.targets[0].token);
      }
      titles.insert(titles.end(), {">" + value, ">change"});
    }
    return titles;
  }

  const SweepExperiment& experiment_;
  Table table_;
};

// Numbers in falling order, without NaN.
std::vector<std::size_t> ranked(const std::vector<double>& values) {
  std::vector<std::size_t> cells;
  for (std::size_t cell = 0; cell < values.size(); ++cell)
    if (!std::isnan(values[cell])) cells.push_back(cell);
  std::stable_sort(cells.begin(), cells.end(), [&](std::size_t a, std::size_t b) { return values[a] > values[b]; });
  return cells;
}

void print_grid(const SweepExperiment& experiment) {
  const auto& values = experiment.result.values;
  if (values.size() <= kMostRows) {
    GridTable all(experiment);
    for (std::size_t cell = 0; cell < values.size(); ++cell) all.add(cell);
    return print(all.text());
  }
  const std::vector<std::size_t> cells = ranked(values);
  const std::size_t shown = std::min(kFromEitherEnd, cells.size() / 2);
  GridTable highest(experiment), lowest(experiment);
  for (std::size_t i = 0; i < shown; ++i) highest.add(cells[i]);
  for (std::size_t i = 0; i < shown; ++i) lowest.add(cells[cells.size() - 1 - i]);
  print(fmt::format("{} grid points; the highest\n{}\nthe lowest\n{}", values.size(), highest.text(), lowest.text()));
  print(fmt::format("\n  … and {} others; --save FILE.csv keeps every grid point, --json prints them\n",
                    values.size() - 2 * shown));
}

void print_operations(const SweepOperations& operations) {
  if (const std::string said = describe(operations); !said.empty()) print(said + "\n");
}

void print_result(const SweepExperiment& experiment, const SweepOperations& operations) {
  print_position(experiment.text, experiment.position);
  for (std::size_t m = 0; m < experiment.measures.size(); ++m)
    print(fmt::format("{}\nclean {}\n", m == 0 ? metric_title(experiment) : title_of(experiment.measures[m]),
                      fixed(clean_of(experiment, m), decimals_of(experiment.measures[m].metric))));
  print("\n");
  print_grid(experiment);
  print_effect(experiment.result.effect);
  print_operations(operations);
}

void print_prompts(const SweptPrompts& swept) {
  constexpr std::size_t kMostLines = 20;
  Table table({">prompt", "text", ">clean", ">lowest", ">highest"});
  for (std::size_t p = 0; p < std::min(kMostLines, swept.prompts.size()); ++p) {
    const SweepExperiment& prompt = swept.prompts[p];
    const std::vector<std::size_t> cells = ranked(prompt.result.values);
    const auto value = [&](bool lowest) {
      if (cells.empty()) return std::string("nan");
      return fixed(prompt.result.values[lowest ? cells.back() : cells.front()], 6);
    };
    std::string start = token_label(prompt.text.text.substr(
        0, prompt.text.offsets[std::min<std::size_t>(6, prompt.text.offsets.size() - 1)].second));
    table.add({std::to_string(p), start, fixed(prompt.result.clean, 6), value(true), value(false)});
  }
  print(table.text());
  if (swept.prompts.size() > kMostLines)
    print(fmt::format("  … and {} more; --save FILE.csv keeps every grid point\n", swept.prompts.size() - kMostLines));
}

// On a terminal, the cost of a long sweep is printed before it begins. The estimate needs one or two clean runs.
void announce_cost(const Session& session, SweepExperimentRequest& request) {
  constexpr double kLong = 2;  // seconds
  if (request.plan || ::isatty(STDERR_FILENO) == 0) return;
  const SweepForecast forecast = forecast_sweep(session, request);
  if (forecast.seconds > kLong) tell(describe(forecast) + "\n");
}

void print_swept(const Session& session, const SweepExperimentRequest&, const SweptPrompts& swept) {
  if (swept.plan) return print(describe(*swept.plan) + "\n");
  if (swept.from_file) {
    print(fmt::format("{} prompts, {}\n\n", swept.prompts.size(), title_of(swept.prompts[0].measures[0].metric)));
    print_prompts(swept);
    return print_operations(swept.operations);
  }
  print_header(session, swept.prompts[0].text);
  print_result(swept.prompts[0], swept.operations);
}

}  // namespace

Presentation present_sweep() { return present<SweepExperimentRequest, SweptPrompts>(print_swept, announce_cost); }

}  // namespace stratoscope::cli
