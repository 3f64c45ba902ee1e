#include "stratoscope/experiments/attribution.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "apps/cli/commands.h"
#include "apps/cli/output.h"
#include "apps/cli/table.h"
#include "stratoscope/session/labels.h"

namespace stratoscope::cli {
namespace {

struct Row {
  std::string label;
  double contribution = 0;
  std::string more = {};  // an additional column
};

// At most 24 columns, in proportion to the largest contribution.
std::string bar(double contribution, double largest) {
  constexpr double kWidth = 24;
  const double share = std::abs(contribution) / largest;
  std::string text;
  const long columns = share > 0 ? std::lround(std::min(share, 1.0) * kWidth) : 0;
  for (long column = 0; column < columns; ++column) text += contribution > 0 ? "█" : "░";
  return text;
}

// The largest rows first; the last line is the sum of the rows that are left out.
void print_ranked(const std::string& title, std::vector<Row> rows, std::size_t most) {
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
    if (std::isnan(a.contribution) != std::isnan(b.contribution)) return std::isnan(b.contribution);
    return std::abs(a.contribution) > std::abs(b.contribution);
  });
  const bool more = std::any_of(rows.begin(), rows.end(), [](const Row& row) { return !row.more.empty(); });
  const double largest = rows.empty() ? 1 : std::abs(rows[0].contribution);
  Table table(more ? std::vector<std::string>{title, ">contribution", "", ""}
                   : std::vector<std::string>{title, ">contribution", ""});
  const std::size_t shown = rows.size() <= most + 1 ? rows.size() : most;
  for (std::size_t i = 0; i < shown; ++i) {
    std::vector<std::string> cells = {rows[i].label, fmt::format("{:+.4f}", rows[i].contribution)};
    if (more) cells.push_back(rows[i].more);
    cells.push_back(bar(rows[i].contribution, largest));
    table.add(cells);
  }
  if (shown < rows.size()) {
    double rest = 0;
    for (std::size_t i = shown; i < rows.size(); ++i) rest += rows[i].contribution;
    table.add({fmt::format("{} others", rows.size() - shown), fmt::format("{:+.4f}", rest)});
  }
  print(table.text() + "\n");
}

std::vector<Row> rows_of(const std::vector<AttributionPart>& parts) {
  std::vector<Row> rows;
  rows.reserve(parts.size());
  for (const AttributionPart& part : parts) rows.push_back({part.label, part.contribution});
  return rows;
}

void print_heads(const Attribution& result, std::size_t top) {
  std::vector<Row> rows = rows_of(result.attention_parts);
  for (const HeadAttribution& head : result.heads)
    rows.push_back({fmt::format("L{}H{}", head.layer, head.head), head.contribution});
  print_ranked("attention, by head", rows, top);
}

void print_neurons(const std::vector<NeuronAttribution>& neurons, const char* title) {
  if (neurons.empty()) return;
  Table table({title, ">contribution", ">activation"});
  for (const NeuronAttribution& each : neurons)
    table.add({fmt::format("L{} neuron {}", each.layer, each.neuron), fmt::format("{:+.4f}", each.contribution),
               fmt::format("{:.4f}", each.activation)});
  print(table.text() + "\n");
}

// The tokens from which a head reads most, on one line.
void print_sources(const Attribution& result) {
  constexpr std::size_t kMost = 5;
  print("source positions of the heads' contributions, the largest first\n");
  Table table({"", ">contribution", "from"});
  for (const SourceAttribution& head : result.sources) {
    std::vector<std::size_t> order(head.by_position.size());
    std::iota(order.begin(), order.end(), 0U);
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      const double x = head.by_position[a], y = head.by_position[b];
      if (std::isnan(x) != std::isnan(y)) return std::isnan(y);
      return std::abs(x) > std::abs(y);
    });
    std::string from;
    for (std::size_t i = 0; i < std::min(kMost, order.size()); ++i)
      from += fmt::format("{}{} {:+.3f}", from.empty() ? "" : "  ", token_label(result.text.tokens[order[i]]),
                          head.by_position[order[i]]);
    if (head.edited != 0) from += fmt::format("  edits {:+.3f}", head.edited);
    table.add({fmt::format("L{}H{}", head.layer, head.head), fmt::format("{:+.4f}", head.contribution), from});
  }
  print(table.text() + "\n");
}

void print_result(const Attribution& result, std::size_t top) {
  print("{} after position {}, {}: {:.6f}{}\n", attribution_title(result), result.position,
        token_label(result.text.tokens[result.position]), result.value, cap_note(result));
  print("direct contributions, with the final norm's scale held at its value, {}\n\n", short_number(result.scale));
  print_ranked("component", rows_of(result.components), std::max<std::size_t>(top, 2));
  print_heads(result, top);
  print_neurons(result.top_neurons, "neurons that raise it most");
  print_neurons(result.bottom_neurons, "neurons that lower it most");
  print_sources(result);
  print("the components sum to {:.6f}; residue {} (by head {}, by neuron {}, by source position {})\n", result.sum(),
        short_number(result.residues.components, 2), short_number(result.residues.heads, 2),
        short_number(result.residues.neurons, 2), short_number(result.residues.sources, 2));
}

void print_all(const Session& session, const AttributionRequest& request, const Attribution& result) {
  print_header(session, result.text);
  print_result(result, request.top);
  print_effect(result.effect);
}

}  // namespace

Presentation present_attribution() { return present<AttributionRequest, Attribution>(print_all); }

}  // namespace stratoscope::cli
