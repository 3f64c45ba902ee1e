#include "stratoscope/experiments/patch.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "apps/cli/commands.h"
#include "apps/cli/memory_size.h"
#include "apps/cli/output.h"
#include "apps/cli/record.h"
#include "apps/cli/table.h"
#include "apps/cli/targets.h"
#include "stratoscope/session/labels.h"

namespace stratoscope::cli {
namespace {

struct Options {
  CommonOptions common;
  FigureOptions figure;
  TargetOptions targets;
  std::string metric;
  std::string memory_limit;
  bool noising = false;
};

// The places that matter most in each grid.
void print_grid(const Patch& patch, const PatchGrid& grid) {
  constexpr std::size_t kRows = 6;
  std::vector<std::tuple<double, std::size_t, std::size_t>> cells;  // change, layer, place
  for (std::size_t layer = 0; layer < grid.values.size(); ++layer)
    for (std::size_t place = 0; place < grid.values[layer].size(); ++place)
      cells.emplace_back(grid.values[layer][place] - (patch.noising ? 1 : 0), layer, place);
  // NaN first: it must not be overlooked.
  const auto size = [](const auto& cell) {
    return std::isnan(std::get<0>(cell)) ? HUGE_VAL : std::abs(std::get<0>(cell));
  };
  std::stable_sort(cells.begin(), cells.end(), [&](const auto& a, const auto& b) { return size(a) > size(b); });
  Table table({"block", grid.by_head ? "head" : "position", ">normalised", ">change"});
  for (std::size_t i = 0; i < std::min(kRows, cells.size()); ++i) {
    const auto [change, layer, place] = cells[i];
    table.add(
        {block_label(layer),
         grid.by_head ? fmt::format("H{}", place) : fmt::format("{} {}", place, token_label(patch.clean.tokens[place])),
         fixed(grid.values[layer][place], 3), signed_fixed(change, 3)});
  }
  print(fmt::format("\n{} ({})\n", grid.title, grid.hook) + table.text());
}

}  // namespace

void add_patch(CLI::App& app, Program& program) {
  auto options = std::make_shared<Options>();
  CLI::App& command =
      *app.add_subcommand("patch", "activation patching: which values carry what two prompts differ in");
  add_model_options(command, options->common, false);
  command.add_option("--corrupt", options->common.corrupt, "the corrupt prompt, as many tokens as TEXT")
      ->required()
      ->type_name("TEXT");
  add_bos(command, options->common);
  command.add_flag("--noising", options->noising,
                   "corrupt values into the clean run (default: clean values into the corrupt run)");
  add_targets(command, options->targets, "the token that the metric follows; two for their logit difference");
  command.add_option("--metric", options->metric, "default: logit_diff of two targets, log_prob of one")
      ->type_name("log_prob|prob|rank|logit|logit_diff|entropy");
  add_memory_limit(command, options->memory_limit);
  add_figure_options(command, options->figure);
  add_record(command, options->common);
  add_text(command, options->common, "the clean prompt; - for standard input");
  command.callback([options, &program, &command] {
    take_targets_in_order(command, options->targets);
    program.action = [options, &program] {
      check_figure(options->figure);
      PatchRequest request;
      request.clean = text_of(options->common);
      request.corrupt = *options->common.corrupt;
      request.text_options = options->common.text_options();
      request.targets = options->targets.in_order;
      request.metric = options->metric;
      request.noising = options->noising;
      request.memory_limit = memory_size(options->memory_limit);
      const Session session = open_session(options->common, program);
      const Patch patch = run_patch(session, request);
      print_warnings(session, options->common, std::nullopt);
      warn_all(patch.warnings);
      write_figure(options->figure, figure_of(patch), session.progress());
      if (give_document(options->common, program, [&] { return to_json(session, patch); })) return;
      print_header(session, patch.clean);
      print(fmt::format("{}: {:.6f} in the clean run, {:.6f} in the corrupt one; normalised, 1 and 0\n",
                        metric_title(patch.metric, patch.targets), patch.clean_value, patch.corrupt_value));
      print(patch.noising ? "corrupt values into the clean run: 0 is as corrupt, 1 is no change\n"
                          : "clean values into the corrupt run: 1 is as clean, 0 is no change\n");
      for (const PatchGrid& grid : patch.grids) print_grid(patch, grid);
    };
  });
}

}  // namespace stratoscope::cli
