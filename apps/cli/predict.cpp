#include "stratoscope/experiments/predict.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "apps/cli/commands.h"
#include "apps/cli/output.h"
#include "apps/cli/record.h"
#include "apps/cli/table.h"
#include "stratoscope/session/labels.h"

namespace stratoscope::cli {
namespace {

// At most 40 columns; none for what is not a number.
std::string bar(double share) {
  constexpr double kWidth = 40;
  std::string text;
  const int columns = share > 0 ? static_cast<int>(std::lround(std::min(share, 1.0) * kWidth)) : 0;
  for (int column = 0; column < columns; ++column) text += "█";
  return text;
}

void print_predictions(const Predictions& result) {
  print("after position {}, {}\n", result.position, token_label(result.text.tokens[result.position]));
  Table table({">rank", ">id", "token", ">prob", ">log_prob", ">logit", ""});
  for (std::size_t i = 0; i < result.top.size(); ++i) {
    const Prediction& p = result.top[i];
    table.add({std::to_string(i), std::to_string(p.id), token_label(p.token), fmt::format("{:.4f}", p.prob),
               fmt::format("{:.4f}", p.log_prob), fmt::format("{:.3f}", p.logit), bar(p.prob)});
  }
  print(table.text());
}

void print_surprisals(const Predictions& result) {
  if (result.surprisals.empty()) return print("\na single token has no surprisal\n");
  Table table({">index", ">id", "token", ">surprisal", ""});
  for (const Surprisal& s : result.surprisals)
    table.add({std::to_string(s.index), std::to_string(s.id), token_label(s.token), fmt::format("{:.4f}", s.nats),
               bar(s.nats / 20)});
  print("\nsurprisal of each token, in nats\n" + table.text());
  print("\nmean loss {:.4f} nats a token\n", result.mean_loss);
}

}  // namespace

void add_predict(CLI::App& app, Program& program) {
  struct Options {
    CommonOptions common;
    FigureOptions figure;
    PredictRequest request;
  };
  auto options = std::make_shared<Options>();
  CLI::App& command = *app.add_subcommand("predict", "the most likely next tokens, and each token's surprisal");
  add_model_options(command, options->common, true);
  add_figure_options(command, options->figure);
  command.add_option("--top", options->request.top, "how many tokens")
      ->capture_default_str()
      ->check(CLI::Range(1, std::numeric_limits<int>::max()))
      ->type_name("K");
  command.add_option("--position", options->request.position, "after which position (default: the last)")
      ->type_name("P");
  command.add_flag("--all", options->request.all, "each token's surprisal and the mean loss too");
  add_record(command, options->common);
  add_text(command, options->common);
  command.callback([options, &program] {
    program.action = [options, &program] {
      check_figure(options->figure);
      PredictRequest request = options->request;
      request.text = text_of(options->common);
      request.text_options = options->common.text_options();
      request.edits = options->common.edit_options();
      const Session session = open_session(options->common, program);
      const Predictions result = predict(session, request);
      print_warnings(session, options->common, result.effect);
      write_figure(options->figure, figure_of(result), session.progress());
      if (give_document(options->common, program, [&] { return to_json(session, result); })) return;
      print_header(session, result.text);
      print_predictions(result);
      if (request.all) print_surprisals(result);
      print_effect(result.effect);
    };
  });
}

}  // namespace stratoscope::cli
