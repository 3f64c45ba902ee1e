#include "stratoscope/experiments/heatmap.h"

#include <fmt/format.h>

#include <cmath>

#include "apps/cli/colored_tokens.h"
#include "apps/cli/commands.h"
#include "apps/cli/output.h"
#include "apps/cli/table.h"
#include "stratoscope/session/labels.h"

namespace stratoscope::cli {
namespace {

std::string number_cell(double value) { return std::isnan(value) ? "–" : short_number(value); }

void print_table(const TextHeatmap& result) {
  std::vector<std::string> titles = {">index", "token"};
  for (std::size_t i = 0; i < result.rows.size(); ++i) {
    const HeatmapRow& row = result.rows[i];
    print("{}: {} ({})\n", i + 1, row.label, row.unit);
    titles.push_back(fmt::format(">{}", i + 1));
    if (!row.clean.empty()) titles.push_back(fmt::format(">{} clean", i + 1));
  }
  Table table(std::move(titles));
  for (std::size_t token = 0; token < result.text.tokens.size(); ++token) {
    std::vector<std::string> cells = {std::to_string(token), token_label(result.text.tokens[token])};
    for (const HeatmapRow& row : result.rows) {
      cells.push_back(number_cell(row.values[token]));
      if (!row.clean.empty()) cells.push_back(number_cell(row.clean[token]));
    }
    table.add(std::move(cells));
  }
  print("\n" + table.text());
}

void print_result(const Session& session, const HeatmapRequest&, const TextHeatmap& result) {
  print_header(session, result.text);
  if (has_true_colors())
    print_colored(figure_of(result));
  else
    print_table(result);
  print_effect(result.effect);
}

}  // namespace

Presentation present_heatmap() { return present<HeatmapRequest, TextHeatmap>(print_result); }

}  // namespace stratoscope::cli
