#include "stratoscope/experiments/attention.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "apps/cli/commands.h"
#include "apps/cli/output.h"
#include "apps/cli/record.h"
#include "apps/cli/table.h"

namespace stratoscope::cli {
namespace {

struct Options {
  CommonOptions common;
  FigureOptions figure;
  AttentionRequest request;
  std::string by = "induction";
  std::size_t top = 12;
};

void print_ranking(const Attention& result, const Options& options) {
  std::vector<std::string> titles = {"head"};
  for (const std::string& name : attention_score_names()) titles.push_back(">" + name);
  Table table(titles);
  const auto heads = ranked(result, options.by);
  const std::size_t count = std::min(options.top, heads.size());
  for (std::size_t i = 0; i < count; ++i) {
    std::vector<std::string> row = {fmt::format("L{}H{}", heads[i].layer, heads[i].head)};
    for (const std::string& name : attention_score_names()) {
      const double score = score_of(heads[i].scores, name);
      row.push_back(std::isnan(score) ? "–" : fmt::format("{:.3f}", score));
    }
    table.add(row);
  }
  print("{} of {} heads, highest {} first\n", count, heads.size(), options.by);
  print(table.text());
  if (count > 0 && std::isnan(score_of(heads[0].scores, "duplicate")))
    print("no token comes twice, so nothing can be said of duplicate and induction; --repeat reads the text twice\n");
}

void run_attention(const Options& options, const Program& program) {
  check_figure(options.figure);
  AttentionRequest request = options.request;
  request.text = text_of(options.common);
  request.text_options = options.common.text_options();
  request.edits = options.common.edit_options();
  const Session session = open_session(options.common, program);
  const Attention result = attention(session, request);
  print_warnings(session, options.common, result.effect);
  write_figure(options.figure, figure_of(result, options.by), program.progress);
  if (give_document(options.common, program, [&] { return to_json(session, result); })) return;
  print_header(session, result.text);
  print_ranking(result, options);
  print_effect(result.effect);
}

}  // namespace

void add_attention(CLI::App& app, Program& program) {
  auto options = std::make_shared<Options>();
  CLI::App& command = *app.add_subcommand("attention", "what each head looks at: patterns, and heads ranked by them");
  add_model_options(command, options->common, true);
  add_figure_options(command, options->figure);
  auto* heads = command.add_option("--heads", options->request.heads, "patterns of these heads, such as L5H3,L6H0");
  heads->type_name("LxHy,…")->delimiter(',')->expected(1)->allow_extra_args(false)->take_all();
  command.add_option("--layer", options->request.layer, "patterns of all heads of this block")->type_name("L");
  command.add_flag("--repeat", options->request.repeat, "read the text twice in a row: for induction heads");
  command
      .add_option("--by", options->by,
                  "rank (and, without patterns, draw) by: previous, first, current, duplicate, induction, entropy")
      ->check(CLI::IsMember(attention_score_names()))
      ->capture_default_str()
      ->type_name("SCORE");
  command.add_option("--top", options->top, "how many heads to print")
      ->capture_default_str()
      ->check(CLI::PositiveNumber)
      ->type_name("K");
  add_record(command, options->common);
  add_text(command, options->common);
  command.callback([options, &program] { program.action = [options, &program] { run_attention(*options, program); }; });
}

}  // namespace stratoscope::cli
