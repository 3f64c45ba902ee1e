#include "stratoscope/experiments/edges.h"

#include <fmt/format.h>

#include <algorithm>

#include "apps/cli/commands.h"
#include "apps/cli/memory_size.h"
#include "apps/cli/output.h"
#include "apps/cli/record.h"
#include "apps/cli/table.h"
#include "apps/cli/targets.h"

namespace stratoscope::cli {
namespace {

struct Options {
  CommonOptions common;
  FigureOptions figure;
  TargetOptions targets;
  EdgesExperimentRequest request;
  std::string memory_limit;
  std::size_t top = 20;
};

void print_result(const EdgesExperiment& experiment, std::size_t top) {
  print(fmt::format("{}: clean {:.6f}; {} edges, ranked by what replacing the sender in one receiver changes\n\n",
                    metric_title(experiment.metric, experiment.targets), experiment.edges.clean,
                    experiment.strongest.size()));
  Table table({"sender", "receiver", ">change"});
  for (std::size_t i = 0; i < std::min(top, experiment.strongest.size()); ++i) {
    const StrongEdge& edge = experiment.strongest[i];
    table.add({receiver_name(experiment, edge.sender), receiver_name(experiment, edge.receiver),
               signed_fixed(edge.change, 6)});
  }
  print(table.text());
  if (top < experiment.strongest.size())
    print(fmt::format("  … and {} more (--top; --json has every edge)\n", experiment.strongest.size() - top));
}

}  // namespace

void add_edges(CLI::App& app, Program& program) {
  auto options = std::make_shared<Options>();
  CLI::App& command =
      *app.add_subcommand("edges", "path patching: every edge from a head or MLP to a later one, patched alone");
  add_model_options(command, options->common, false);
  add_bos(command, options->common);
  command
      .add_option("--corrupt", options->common.corrupt,
                  "replace senders by their output on this text, as many tokens as TEXT (default: by zero)")
      ->type_name("TEXT");
  command.add_flag("--mean", options->request.mean, "replace senders by the mean of their output over the text");
  add_targets(command, options->targets);
  add_metric(command, options->request.metric);
  command.add_option("--top", options->top, "how many edges are listed and drawn")
      ->capture_default_str()
      ->type_name("K");
  add_memory_limit(command, options->memory_limit);
  add_figure_options(command, options->figure);
  add_record(command, options->common);
  add_text(command, options->common);
  command.callback([options, &program, &command] {
    take_targets_in_order(command, options->targets);
    program.action = [options, &program] {
      check_figure(options->figure);
      EdgesExperimentRequest& request = options->request;
      request.text = text_of(options->common);
      request.text_options = options->common.text_options();
      request.corrupt = options->common.corrupt;
      request.targets = options->targets.in_order;
      request.memory_limit = memory_size(options->memory_limit);
      const Session session = open_session(options->common, program);
      const EdgesExperiment experiment = find_edges(session, request);
      print_warnings(session, options->common, std::nullopt);
      warn_all(experiment.warnings);
      write_figure(options->figure, figure_of(experiment, options->top), session.progress());
      if (give_document(options->common, program, [&] { return to_json(session, experiment); })) return;
      print_header(session, experiment.text);
      print_result(experiment, options->top);
    };
  });
}

}  // namespace stratoscope::cli
