#include "stratoscope/experiments/lens.h"

#include <fmt/format.h>

#include <algorithm>

#include "apps/cli/commands.h"
#include "apps/cli/output.h"
#include "apps/cli/table.h"
#include "stratoscope/session/labels.h"
#include "stratoscope/text/utf8.h"

namespace stratoscope::cli {
namespace {

constexpr std::size_t kCell = 10;  // terminal columns of one token

// The label, cut to the cell's width.
std::string cell_text(const std::string& token) {
  std::string label = token_label(token);
  if (display_width(label) <= kCell) return label;
  std::string cut;
  for (std::size_t i = 0; i < label.size();) {
    const std::size_t length = utf8_length(static_cast<unsigned char>(label[i]));
    if (display_width(cut) + display_width(label.substr(i, length)) >= kCell) break;
    cut += label.substr(i, length);
    i += length;
  }
  return cut + "…";
}

// The likeliest token at every depth, for as many of the last positions as fit the terminal's width.
void print_grid(const Lens& lens) {
  const std::size_t room = (terminal_columns() - std::min<std::size_t>(terminal_columns(), 8)) / (kCell + 2);
  const std::size_t count = std::clamp<std::size_t>(room, 1, lens.positions.size());
  const std::size_t first = lens.positions.size() - count;
  std::vector<std::string> titles = {""};
  for (std::size_t i = first; i < lens.positions.size(); ++i)
    titles.push_back(cell_text(lens.text.tokens[lens.positions[i]]));
  Table table(titles);
  for (std::size_t depth = lens.cells.size(); depth-- > 0;) {
    std::vector<std::string> row = {lens.labels[depth]};
    for (std::size_t i = first; i < lens.positions.size(); ++i)
      row.push_back(cell_text(lens.cells[depth][i].top[0].token));
    table.add(row);
  }
  print("the likeliest next token after each token, at each depth{}{}\n", lens.raw ? ", without the final norm" : "",
        first == 0 ? "" : fmt::format(" (the last {} of {} positions)", count, lens.positions.size()));
  print(table.text());
}

void print_last_position(const Lens& lens) {
  std::vector<std::string> titles = {"", ">entropy", ">KL"};
  if (lens.target) titles.insert(titles.end(), {">rank", ">prob"});
  titles.emplace_back("likeliest tokens");
  Table table(titles);
  for (std::size_t depth = lens.cells.size(); depth-- > 0;) {
    const LensCell& cell = lens.cells[depth].back();
    std::vector<std::string> row = {lens.labels[depth], fmt::format("{:.3f}", cell.entropy),
                                    fmt::format("{:.3f}", cell.kl)};
    if (lens.target)
      row.insert(row.end(), {fmt::format("{:.0f}", cell.target_rank), fmt::format("{:.4f}", cell.target_prob)});
    std::string tokens;
    for (const Prediction& p : cell.top)
      tokens += fmt::format("{}{} {:.2f}", tokens.empty() ? "" : "  ", token_label(p.token), p.prob);
    row.push_back(tokens);
    table.add(row);
  }
  print("\nafter position {}, {}{}\n", lens.positions.back(), token_label(lens.text.tokens[lens.positions.back()]),
        lens.target ? "; rank and prob are those of " + token_label(lens.target->token) : "");
  print(table.text());
}

void print_result(const Session& session, const LensRequest&, const Lens& lens) {
  print_header(session, lens.text);
  print_grid(lens);
  print_last_position(lens);
  print_effect(lens.effect);
}

}  // namespace

Presentation present_lens() { return present<LensRequest, Lens>(print_result); }

}  // namespace stratoscope::cli
