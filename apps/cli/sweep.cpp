#include "stratoscope/experiments/sweep.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "apps/cli/commands.h"
#include "apps/cli/memory_size.h"
#include "apps/cli/output.h"
#include "apps/cli/record.h"
#include "apps/cli/table.h"
#include "apps/cli/targets.h"
#include "stratoscope/base/names.h"
#include "stratoscope/session/labels.h"

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

// Beyond so many grid points, some from either end are listed.
constexpr std::size_t kMostRows = 100, kFromEitherEnd = 10;

class GridTable {
 public:
  explicit GridTable(const SweepExperiment& experiment) : experiment_(experiment), table_(titles(experiment)) {}

  void add(std::size_t cell) {
    std::vector<std::string> row = values_of_point(experiment_, cell);
    const double value = experiment_.result.values[cell];
    row.push_back(fixed(value, 6));
    row.push_back(signed_fixed(value - experiment_.result.clean, 6));
    table_.add(row);
  }
  std::string text() const { return table_.text(); }

 private:
  static std::vector<std::string> titles(const SweepExperiment& experiment) {
    std::vector<std::string> titles;
    for (const SweepAxis& axis : experiment.axes) titles.push_back(">" + axis.name);
    titles.insert(titles.end(), {">value", ">change"});
    return titles;
  }

  const SweepExperiment& experiment_;
  Table table_;
};

// Numbers in falling order, NaN not among them.
std::vector<std::size_t> ranked(const std::vector<double>& values) {
  std::vector<std::size_t> cells;
  for (std::size_t cell = 0; cell < values.size(); ++cell)
    if (!std::isnan(values[cell])) cells.push_back(cell);
  std::stable_sort(cells.begin(), cells.end(), [&](std::size_t a, std::size_t b) { return values[a] > values[b]; });
  return cells;
}

void print_grid(const SweepExperiment& experiment) {
  const auto& values = experiment.result.values;
  if (values.size() <= kMostRows) {
    GridTable all(experiment);
    for (std::size_t cell = 0; cell < values.size(); ++cell) all.add(cell);
    return print(all.text());
  }
  const std::vector<std::size_t> cells = ranked(values);
  const std::size_t shown = std::min(kFromEitherEnd, cells.size() / 2);
  GridTable highest(experiment), lowest(experiment);
  for (std::size_t i = 0; i < shown; ++i) highest.add(cells[i]);
  for (std::size_t i = 0; i < shown; ++i) lowest.add(cells[cells.size() - 1 - i]);
  print(fmt::format("{} grid points; the highest\n{}\nthe lowest\n{}", values.size(), highest.text(), lowest.text()));
  print(fmt::format("\n  … and {} others; --save FILE.csv keeps every grid point, --json prints them\n",
                    values.size() - 2 * shown));
}

void print_operations(const SweepOperations& operations) {
  if (const std::string said = describe(operations); !said.empty()) print(said + "\n");
}

void print_result(const SweepExperiment& experiment, const SweepOperations& operations) {
  print(fmt::format("{}\nclean {}\n\n", metric_title(experiment), fixed(experiment.result.clean, 6)));
  print_grid(experiment);
  print_effect(experiment.result.effect);
  print_operations(operations);
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
    const std::vector<std::size_t> cells = ranked(prompt.result.values);
    const auto value = [&](bool lowest) {
      if (cells.empty()) return std::string("nan");
      return fixed(prompt.result.values[lowest ? cells.back() : cells.front()], 6);
    };
    std::string start = token_label(prompt.text.text.substr(
        0, prompt.text.offsets[std::min<std::size_t>(6, prompt.text.offsets.size() - 1)].second));
    table.add({std::to_string(p), start, fixed(prompt.result.clean, 6), value(true), value(false)});
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
  if (options.plan) {
    const SweepForecast forecast = forecast_sweep(session, request);
    if (options.common.json) return print_json(to_json(session, forecast));
    return print(describe(forecast) + "\n");
  }
  say_cost_of_long(session, request);
  const SweptPrompts swept = run_sweeps(session, request);
  print_sweep_warnings(swept);
  print_warnings(session, options.common, std::nullopt);
  if (options.save) save_results(session, swept, *options.save);
  if (options.figure.file) write_figure(options.figure, figure_of(swept), session.progress());
  if (give_document(options.common, program, [&] { return to_json(session, swept); })) return;
  if (swept.from_file) {
    print(fmt::format("{} prompts, {}\n\n", swept.prompts.size(), title_of(swept.prompts[0].metric)));
    print_prompts(swept);
    return print_operations(swept.operations);
  }
  print_header(session, swept.prompts[0].text);
  print_result(swept.prompts[0], swept.operations);
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
  add_targets(command, options->targets);
  add_metric(command, options->metric);
  command.add_flag("--whole", options->whole, "score the whole target text, not its first token");
  command
      .add_option("--prompts", options->prompts,
                  "instead of TEXT: JSON lines with text, and corrupt, target or target_id of their own")
      ->type_name("FILE.jsonl");
  command.add_option("--save", options->save, "every grid point as .csv, .json or .npz")->type_name("FILE");
  command.add_option("--resume", options->resume, "keep what is done in this file, and go on with what it keeps")
      ->type_name("FILE");
  add_memory_limit(command, options->memory_limit);
  command.add_flag("--plan", options->plan, "say what the sweep will cost, and run no grid point");
  add_record(command, options->common);
  add_text(command, options->common);
  command.callback([options, &program, &command] {
    take_targets_in_order(command, options->targets);
    program.action = [options, &program] { run_command(*options, program); };
  });
}

}  // namespace stratoscope::cli
