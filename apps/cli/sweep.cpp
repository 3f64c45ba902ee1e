#include <fmt/format.h>

#include "apps/cli/commands.h"
#include "apps/cli/output.h"
#include "apps/cli/table.h"
#include "stratoscope/experiment/labels.h"
#include "stratoscope/experiment/sweep_experiment.h"

namespace stratoscope::cli {
namespace {

struct Options {
  CommonOptions common;
  FigureOptions figure;
  std::vector<std::string> axes, targets;
  std::vector<long> target_ids;
  std::vector<TargetChoice> in_order;  // both kinds, as the command line has them
  std::string metric = "log_prob";
  bool whole = false;
};

void print_result(const SweepExperiment& experiment) {
  fmt::print("{}\nclean {:.6f}\n\n", metric_title(experiment), experiment.result.clean);
  std::vector<std::string> titles;
  for (const SweepAxis& axis : experiment.axes) titles.push_back(">" + axis.name);
  titles.insert(titles.end(), {">value", ">change"});
  Table table(titles);
  for (std::size_t cell = 0; cell < experiment.result.values.size(); ++cell) {
    std::vector<std::string> row(experiment.axes.size());
    std::size_t rest = cell;
    for (std::size_t a = experiment.axes.size(); a-- > 0;) {
      row[a] = experiment.axes[a].values[rest % experiment.axes[a].values.size()];
      rest /= experiment.axes[a].values.size();
    }
    const double value = experiment.result.values[cell];
    row.push_back(fmt::format("{:.6f}", value));
    row.push_back(fmt::format("{:+.6f}", value - experiment.result.clean));
    table.add(row);
  }
  print(table.text());
  print_effect(experiment.result.effect);
}

bool looks_like_an_axis(const std::string& text) {
  const std::size_t name = text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
  return name != std::string::npos && name > 0 && text[name] == '=';
}

void run_command(Options options, const Program& program) {
  give_back_text(options.common, options.axes, looks_like_an_axis);
  check_figure(options.figure);
  SweepExperimentRequest request;
  request.text = text_of(options.common);
  request.text_options = options.common.text_options();
  request.edits = options.common.edit_options();
  request.axes = options.axes;
  request.targets = options.in_order;
  request.metric = options.metric;
  request.whole = options.whole;
  const Session session = open_session(options.common, program);
  const SweepExperiment experiment = run_sweep(session, request);
  for (const std::string& warning : experiment.warnings) warn(warning);
  print_warnings(session, options.common, std::nullopt);
  if (options.figure.file) write_figure(options.figure, figure_of(experiment), session.progress());
  if (options.common.json) return print_json(to_json(session, experiment));
  print_header(session, experiment.text);
  print_result(experiment);
}

}  // namespace

void add_sweep(CLI::App& app, Program& program) {
  auto options = std::make_shared<Options>();
  CLI::App& command = *app.add_subcommand("sweep", "one edit over a grid: layers, positions, factors, …");
  add_model_options(command, options->common, true);
  add_figure_options(command, options->figure);
  const auto repeatable = [](CLI::Option* option) { option->expected(1)->allow_extra_args(false)->take_all(); };
  auto* axes = command.add_option("--over", options->axes, "an axis: layer=all, position=2:5, factor=0,0.5,1");
  axes->type_name("NAME=LIST …");
  take_several(*axes);
  auto* targets = command.add_option("--target", options->targets, "the token that the metric follows, as text");
  targets->type_name("T");
  repeatable(targets);
  auto* ids = command.add_option("--target-id", options->target_ids, "the same as an id");
  ids->type_name("N");
  repeatable(ids);
  command.add_option("--metric", options->metric, "what is read at each grid point")
      ->capture_default_str()
      ->type_name("log_prob|prob|rank|logit|logit_diff|kl|entropy");
  command.add_flag("--whole", options->whole, "score the whole target text, not its first token");
  add_text(command, options->common);
  command.callback([options, &program, &command, targets, ids] {
    std::size_t text = 0, id = 0;
    for (const CLI::Option* option : command.parse_order()) {
      if (option == targets) options->in_order.push_back({options->targets[text++], std::nullopt});
      if (option == ids) options->in_order.push_back({"", options->target_ids[id++]});
    }
    program.action = [options, &program] { run_command(*options, program); };
  });
}

}  // namespace stratoscope::cli
