#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "apps/cli/commands.h"
#include "apps/cli/memory_size.h"
#include "apps/cli/output.h"
#include "apps/cli/record.h"
#include "apps/cli/table.h"
#include "apps/cli/targets.h"
#include "stratoscope/base/names.h"
#include "stratoscope/experiment/labels.h"
#include "stratoscope/experiment/sweep_experiment.h"

namespace stratoscope::cli {
namespace {

struct Options {
  CommonOptions common;
  FigureOptions figure;
  std::vector<std::string> axes;
  TargetOptions targets;
  std::string metric = "log_prob";
  bool whole = false, plan = false;
  std::string memory_limit;
  std::optional<std::string> prompts, resume, save;
};

void print_result(const SweepExperiment& experiment) {
  fmt::print("{}\nclean {:.6f}\n\n", metric_title(experiment), experiment.result.clean);
  std::vector<std::string> titles;
  for (const SweepAxis& axis : experiment.axes) titles.push_back(">" + axis.name);
  titles.insert(titles.end(), {">value", ">change"});
  Table table(titles);
  for (std::size_t cell = 0; cell < experiment.result.values.size(); ++cell) {
    std::vector<std::string> row = values_of_cell(experiment, cell);
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

void print_prompts(const SweptPrompts& swept) {
  constexpr std::size_t kMostLines = 20;
  Table table({">prompt", "text", ">clean", ">lowest", ">highest"});
  for (std::size_t p = 0; p < std::min(kMostLines, swept.prompts.size()); ++p) {
    const SweepExperiment& prompt = swept.prompts[p];
    const auto [low, high] = std::minmax_element(prompt.result.values.begin(), prompt.result.values.end());
    std::string start = token_label(prompt.text.text.substr(
        0, prompt.text.offsets[std::min<std::size_t>(6, prompt.text.offsets.size() - 1)].second));
    table.add({std::to_string(p), start, fmt::format("{:.6f}", prompt.result.clean), fmt::format("{:.6f}", *low),
               fmt::format("{:.6f}", *high)});
  }
  print(table.text());
  if (swept.prompts.size() > kMostLines)
    print(fmt::format("  … and {} more; --save FILE.csv keeps every grid point\n", swept.prompts.size() - kMostLines));
}

// Each once: many prompts may have the same to say.
void print_sweep_warnings(const SweptPrompts& swept) {
  constexpr std::size_t kMost = 5;
  std::set<std::string> said;
  for (const SweepExperiment& prompt : swept.prompts)
    for (const std::string& warning : prompt.warnings)
      if (said.insert(warning).second && said.size() <= kMost) warn(warning);
  if (said.size() > kMost) warn(fmt::format("… and {} more warnings of this kind", said.size() - kMost));
}

// What takes a while is said before it begins, where somebody watches: it costs a clean run or two to know.
void say_cost_of_long(const Session& session, const SweepExperimentRequest& request) {
  constexpr double kLong = 2;  // seconds
  if (::isatty(STDERR_FILENO) == 0) return;
  const SweepForecast forecast = forecast_sweep(session, request);
  if (forecast.seconds > kLong) tell(describe(forecast) + "\n");
}

void run_command(Options options, const Program& program) {
  give_back_text(options.common, options.axes, looks_like_an_axis);
  check_figure(options.figure);
  if (options.save) {
    check_results_ending(*options.save);
    check_writable(*options.save);
    if (options.save == options.resume)
      throw Error("sweep", "--save and --resume name the same file", "results are no list of what is done");
  }
  SweepExperimentRequest request;
  if (options.prompts) {
    if (options.common.text) throw Error("sweep", "a TEXT and --prompts are given", "leave out one of them");
    request.prompts = read_prompts(*options.prompts);
  } else {
    request.text = text_of(options.common);
  }
  request.text_options = options.common.text_options();
  request.edits = options.common.edit_options();
  request.axes = options.axes;
  request.targets = options.targets.in_order;
  request.metric = options.metric;
  request.whole = options.whole;
  request.memory_limit = memory_size(options.memory_limit);
  if (options.resume) request.journal = *options.resume;
  const Session session = open_session(options.common, program);
  if (options.figure.file) check_sweep_figure(session, request);
  if (options.plan) return print(describe(forecast_sweep(session, request)) + "\n");
  say_cost_of_long(session, request);
  const SweptPrompts swept = run_sweeps(session, request);
  print_sweep_warnings(swept);
  print_warnings(session, options.common, std::nullopt);
  if (options.save) save_results(session, swept, *options.save);
  if (options.figure.file) write_figure(options.figure, figure_of(swept), session.progress());
  if (give_document(options.common, program, [&] { return to_json(session, swept); })) return;
  if (swept.from_file) {
    print(fmt::format("{} prompts, {}\n\n", swept.prompts.size(), title_of(swept.prompts[0].metric)));
    return print_prompts(swept);
  }
  print_header(session, swept.prompts[0].text);
  print_result(swept.prompts[0]);
}

}  // namespace

void add_sweep(CLI::App& app, Program& program) {
  auto options = std::make_shared<Options>();
  CLI::App& command = *app.add_subcommand("sweep", "one edit over a grid: layers, positions, factors, …");
  add_model_options(command, options->common, true);
  add_figure_options(command, options->figure);
  auto* axes = command.add_option("--over", options->axes, "an axis: layer=all, position=2:5, factor=0,0.5,1");
  axes->type_name("NAME=LIST …");
  take_several(*axes);
  add_targets(command, options->targets, "the token that the metric follows, as text");
  command.add_option("--metric", options->metric, "what is read at each grid point")
      ->capture_default_str()
      ->type_name("log_prob|prob|rank|logit|logit_diff|kl|entropy");
  command.add_flag("--whole", options->whole, "score the whole target text, not its first token");
  command
      .add_option("--prompts", options->prompts,
                  "instead of TEXT: JSON lines with text, and corrupt, target or target_id of their own")
      ->type_name("FILE.jsonl");
  command.add_option("--save", options->save, "every grid point as .csv, .json or .npz")->type_name("FILE");
  command.add_option("--resume", options->resume, "keep what is done in this file, and go on with what it keeps")
      ->type_name("FILE");
  add_memory_limit(command, options->memory_limit);
  command.add_flag("--plan", options->plan, "say what the sweep will cost, and run nothing");
  add_record(command, options->common);
  add_text(command, options->common);
  command.callback([options, &program, &command] {
    take_targets_in_order(command, options->targets);
    program.action = [options, &program] { run_command(*options, program); };
  });
}

}  // namespace stratoscope::cli
