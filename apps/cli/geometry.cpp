#include "stratoscope/experiments/geometry.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "apps/cli/commands.h"
#include "apps/cli/output.h"
#include "apps/cli/table.h"
#include "stratoscope/analysis/statistics.h"
#include "stratoscope/session/labels.h"

namespace stratoscope::cli {
namespace {

// "–" for a value that is undefined because of too few tokens, or is not a number.
std::string cell(double value, int decimals) {
  return std::isnan(value) ? "–" : fmt::format("{:.{}f}", value, decimals);
}

void print_measures(const Geometry& result) {
  Table table({"depth", ">norm", ">min", ">max", ">dimension", ">components", ">shuffled", ">anisotropy", ">centred",
               ">CKA to the next", ">debiased"});
  for (std::size_t depth = 0; depth < result.labels.size(); ++depth) {
    const auto& norms = result.norms[depth];
    const auto [low, high] = std::minmax_element(norms.begin(), norms.end());
    const bool last = depth + 1 == result.labels.size();
    table.add({result.labels[depth], short_number(mean(norms)), short_number(*low), short_number(*high),
               cell(result.dimensions[depth], 2), cell(result.components[depth], 0),
               cell(result.shuffled_components[depth], 0), cell(result.anisotropies[depth].raw, 4),
               cell(result.anisotropies[depth].centred, 4), last ? "" : cell(result.cka[depth][depth + 1], 4),
               last ? "" : cell(result.cka_debiased[depth][depth + 1], 4)});
  }
  print("{} of {} tokens measured\n", result.tokens.size(), result.text.ids.size());
  print(table.text());
  print("components: principal components for {} % of the variance; shuffled: after each dimension was permuted\n",
        short_number(result.variance * 100));
  if (result.tokens.size() < 4)
    print(
        "effective dimension, anisotropy and CKA need two tokens and mean little for three; debiased CKA needs four\n");
  print("\nprincipal components of all of them at all depths: the first two explain {} and {} of the variance\n",
        cell(result.explained[0] * 100, 1) + " %", cell(result.explained[1] * 100, 1) + " %");
}

void print_nearest(const Geometry& result) {
  print("\nnearest tokens of token {}, {}, in the embedding, with their cosine\n", result.token,
        token_label(result.text.tokens[result.token]));
  std::vector<std::string> titles = {"depth"};
  titles.resize(1 + result.nearest[0].size());
  Table table(titles);
  for (std::size_t depth = 0; depth < result.labels.size(); ++depth) {
    std::vector<std::string> row = {result.labels[depth]};
    for (const NearToken& each : result.nearest[depth])
      row.push_back(fmt::format("{} {}", token_label(each.token), cell(each.cosine, 3)));
    table.add(row);
  }
  print(table.text());
}

void print_result(const Session& session, const GeometryRequest&, const Geometry& result) {
  print_header(session, result.text);
  print_measures(result);
  print_nearest(result);
  print("\n{}\n", last_depth_note(result));
  print_effect(result.effect);
}

}  // namespace

Presentation present_geometry() { return present<GeometryRequest, Geometry>(print_result); }

}  // namespace stratoscope::cli
