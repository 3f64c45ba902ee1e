#include "stratoscope/experiments/geometry.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "apps/cli/commands.h"
#include "apps/cli/output.h"
#include "apps/cli/record.h"
#include "apps/cli/table.h"
#include "stratoscope/analysis/statistics.h"
#include "stratoscope/session/labels.h"

namespace stratoscope::cli {
namespace {

struct Options {
  CommonOptions common;
  FigureOptions figure;
  GeometryRequest request;
  std::string at = "resid", view = "measures";
};

// "–" for what too few tokens leave undefined, or is not a number.
std::string cell(double value, int decimals) {
  return std::isnan(value) ? "–" : fmt::format("{:.{}f}", value, decimals);
}

void print_measures(const Geometry& result) {
  Table table(
      {"depth", ">norm", ">min", ">max", ">dimension", ">anisotropy", ">centred", ">CKA to the next", ">debiased"});
  for (std::size_t depth = 0; depth < result.labels.size(); ++depth) {
    const auto& norms = result.norms[depth];
    const auto [low, high] = std::minmax_element(norms.begin(), norms.end());
    const bool last = depth + 1 == result.labels.size();
    table.add({result.labels[depth], short_number(mean(norms)), short_number(*low), short_number(*high),
               cell(result.dimensions[depth], 2), cell(result.anisotropies[depth].raw, 4),
               cell(result.anisotropies[depth].centred, 4), last ? "" : cell(result.cka[depth][depth + 1], 4),
               last ? "" : cell(result.cka_debiased[depth][depth + 1], 4)});
  }
  print("{} of {} tokens measured\n", result.tokens.size(), result.text.ids.size());
  print(table.text());
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

void run_geometry(const Options& options, const Program& program) {
  check_figure(options.figure);
  GeometryRequest request = options.request;
  request.text = text_of(options.common);
  request.text_options = options.common.text_options();
  request.edits = options.common.edit_options();
  request.at = parse_last_depth(options.at);
  const Session session = open_session(options.common, program);
  const Geometry result = geometry(session, request);
  print_warnings(session, options.common, result.effect);
  write_figure(options.figure, figure_of(result, parse_geometry_view(options.view)), program.progress);
  if (give_document(options.common, program, [&] { return to_json(session, result); })) return;
  print_header(session, result.text);
  print_measures(result);
  print_nearest(result);
  print("\n{}\n", last_depth_note(result));
  print_effect(result.effect);
}

}  // namespace

void add_geometry(CLI::App& app, Program& program) {
  auto options = std::make_shared<Options>();
  CLI::App& command = *app.add_subcommand(
      "geometry", "hidden states in space: norms, effective dimension, anisotropy, CKA, PCA, nearest tokens");
  add_model_options(command, options->common, true);
  add_figure_options(command, options->figure);
  command
      .add_option("--draw", options->view,
                  "what a figure shows: all measures, the tokens' paths, CKA, or nearest tokens")
      ->check(CLI::IsMember({"measures", "trajectory", "cka", "nearest"}).description(""))
      ->capture_default_str()
      ->type_name("measures|trajectory|cka|nearest");
  command
      .add_option("--at", options->at, "the last depth: resid, the last block's output; hidden, after the final norm")
      ->check(CLI::IsMember({"resid", "hidden"}).description(""))
      ->capture_default_str()
      ->type_name("resid|hidden");
  command.add_option("--tokens", options->request.tokens, "which tokens are measured (default: all but the first)")
      ->type_name("I,J,…");
  command
      .add_option("--token", options->request.token,
                  "whose nearest tokens: an index, or a word of the text (default: 8, or the last)")
      ->type_name("T");
  command.add_option("--top", options->request.top, "how many nearest tokens")
      ->capture_default_str()
      ->check(CLI::Range(1, std::numeric_limits<int>::max()))
      ->type_name("K");
  add_text(command, options->common);
  add_record(command, options->common);
  command.callback([options, &program] { program.action = [options, &program] { run_geometry(*options, program); }; });
}

}  // namespace stratoscope::cli
