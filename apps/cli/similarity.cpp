#include "stratoscope/experiments/similarity.h"

#include <fmt/format.h>

#include <algorithm>

#include "apps/cli/commands.h"
#include "apps/cli/output.h"
#include "apps/cli/table.h"
#include "stratoscope/session/labels.h"

namespace stratoscope::cli {
namespace {

void print_matrix(const std::vector<std::string>& labels, const SimilarityMatrix& matrix) {
  std::vector<std::string> titles = {""};
  for (const std::string& label : labels) titles.push_back(">" + label);
  Table table(titles);
  for (std::size_t row = 0; row < matrix.size(); ++row) {
    std::vector<std::string> cells = {labels[row]};
    for (const double value : matrix[row]) cells.push_back(fmt::format("{:.2f}", value));
    table.add(cells);
  }
  print(table.text());
}

void print_result(const SimilarityAcrossLayers& result) {
  for (std::size_t i = 0; i < result.tokens.size(); ++i) {
    print("token {}, {}\n", result.tokens[i], token_label(result.text.tokens[result.tokens[i]]));
    print_matrix(result.labels, result.matrices[i]);
    print("\n");
  }
  print("the last depth is after the final norm\n");
}

void print_result(const SimilarityAcrossTokens& result) {
  // Rows have the tokens as labels, columns only their indices, so that the table stays narrow.
  constexpr std::size_t kMostColumns = 24;
  for (std::size_t i = 0; i < result.layers.size(); ++i) {
    print("depth {}\n", depth_label(result.layers[i]));
    const std::size_t columns = std::min(kMostColumns, result.text.ids.size());
    std::vector<std::string> titles = {">", ""};
    for (std::size_t col = 0; col < columns; ++col) titles.push_back(">" + std::to_string(col));
    Table table(titles);
    for (std::size_t row = 0; row < result.text.ids.size(); ++row) {
      std::vector<std::string> cells = {std::to_string(row), token_label(result.text.tokens[row])};
      for (std::size_t col = 0; col < columns; ++col)
        cells.push_back(fmt::format("{:.2f}", result.matrices[i][row][col]));
      table.add(cells);
    }
    print(table.text());
    if (columns < result.text.ids.size())
      print("  … and {} more columns; --json has them\n", result.text.ids.size() - columns);
    print("\n");
  }
}

void print_result(const LaminarProfile& result) {
  if (result.values[0].empty()) return print("the profile needs at least three tokens\n");
  Table table({"depth", ">pairs", ">mean", ">median", ">min", ">max"});
  for (std::size_t depth = 0; depth < result.labels.size(); ++depth) {
    const auto [low, high] = std::minmax_element(result.values[depth].begin(), result.values[depth].end());
    table.add({result.labels[depth], std::to_string(result.values[depth].size()),
               fmt::format("{:.4f}", result.means[depth]), fmt::format("{:.4f}", result.medians[depth]),
               fmt::format("{:.4f}", *low), fmt::format("{:.4f}", *high)});
  }
  print("laminar profile: cosine similarity of all pairs of tokens but the first\n" + table.text());
  print("\nthe last depth is after the final norm\n");
}

void print_any(const Session& session, const SimilarityRequest&, const Similarity& result) {
  std::visit(
      [&](const auto& of) {
        print_header(session, of.text);
        print_result(of);
        print_effect(of.effect);
      },
      result.of);
}

}  // namespace

Presentation present_similarity() { return present<SimilarityRequest, Similarity>(print_any); }

}  // namespace stratoscope::cli
