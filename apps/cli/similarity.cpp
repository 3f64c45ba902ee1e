#include "stratoscope/experiments/similarity.h"

#include <fmt/format.h>

#include <algorithm>

#include "apps/cli/commands.h"
#include "apps/cli/output.h"
#include "apps/cli/record.h"
#include "apps/cli/table.h"
#include "stratoscope/session/labels.h"

namespace stratoscope::cli {
namespace {

struct Options {
  CommonOptions common;
  FigureOptions figure;
  std::optional<std::string> across, tokens, layers;
  bool profile = false;
};

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
  // Rows carry the tokens; columns only their indices, so that the table stays narrow.
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

template <class Result>
void show(const Session& session, const Options& options, const Program& program, const Result& result) {
  print_warnings(session, options.common, result.effect);
  write_figure(options.figure, figure_of(result), session.progress());
  if (give_document(options.common, program, [&] { return to_json(session, result); })) return;
  print_header(session, result.text);
  print_result(result);
  print_effect(result.effect);
}

void run_similarity(const Options& options, const Program& program) {
  check_figure(options.figure);
  SimilarityRequest request{text_of(options.common), options.common.text_options(), options.common.edit_options(), {}};
  const Session session = open_session(options.common, program);
  if (options.profile) return show(session, options, program, laminar_profile(session, request));
  if (*options.across == "layers") {
    request.chosen = options.tokens;
    return show(session, options, program, similarity_across_layers(session, request));
  }
  request.chosen = options.layers;
  show(session, options, program, similarity_across_tokens(session, request));
}

void check_combination(const Options& options) {
  if (options.profile == options.across.has_value())
    throw CLI::RequiredError("one of --across layers, --across tokens, --profile");
  if (options.tokens && options.across != "layers") throw CLI::RequiresError("--tokens", "--across layers");
  if (options.layers && options.across != "tokens") throw CLI::RequiresError("--layers", "--across tokens");
}

}  // namespace

void add_similarity(CLI::App& app, Program& program) {
  auto options = std::make_shared<Options>();
  CLI::App& command =
      *app.add_subcommand("similarity", "cosine similarity between depths, between tokens, or the laminar profile");
  add_model_options(command, options->common, true);
  add_figure_options(command, options->figure);
  command.add_option("--across", options->across, "layers: depths of a token; tokens: tokens at a depth")
      ->check(CLI::IsMember({"layers", "tokens"}).description(""))
      ->type_name("layers|tokens");
  command.add_option("--tokens", options->tokens, "with --across layers: which tokens (default: 4 evenly spaced)")
      ->type_name("I,J,…");
  command
      .add_option("--layers", options->layers,
                  "with --across tokens: which hidden states, 0 is Emb (default: 4 evenly spaced)")
      ->type_name("I,J,…");
  command.add_flag("--profile", options->profile, "all pairs of tokens but the first, at every depth");
  add_record(command, options->common);
  add_text(command, options->common);
  command.callback([options, &program] {
    check_combination(*options);
    program.action = [options, &program] { run_similarity(*options, program); };
  });
}

}  // namespace stratoscope::cli
