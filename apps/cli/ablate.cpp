#include "stratoscope/experiments/ablate.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "apps/cli/commands.h"
#include "apps/cli/memory_size.h"
#include "apps/cli/output.h"
#include "apps/cli/record.h"
#include "apps/cli/table.h"
#include "apps/cli/targets.h"
#include "stratoscope/corpus/text_lines.h"

namespace stratoscope::cli {
namespace {

struct Options {
  CommonOptions common;
  FigureOptions figure;
  TargetOptions targets;
  AblateRequest request;
  std::vector<std::string> parts = {"heads", "attn", "mlps", "blocks"};
  std::optional<std::string> reference;
  std::string memory_limit;
  std::size_t top = 20;
};

void print_result(const Ablations& result, std::size_t top) {
  print(fmt::format("{}: {:.6f} with every part\n{} ablation", metric_title(result.metric, result.targets),
                    result.clean, result.mean ? "mean" : "zero"));
  if (result.reference_texts > 0)
    print(fmt::format(", over {} tokens of {} texts", result.reference_tokens, result.reference_texts));
  print(", ranked by what it changes\n\n");
  Table table({"without", ">value", ">change", ">KL"});
  for (std::size_t i = 0; i < std::min(top, result.ablations.size()); ++i) {
    const Ablation& ablation = result.ablations[i];
    table.add({name_of(ablation), fixed(ablation.value, 6), signed_fixed(ablation.value - result.clean, 6),
               fixed(ablation.effect.kl, 4)});
  }
  print(table.text());
  if (top < result.ablations.size()) print(fmt::format("  … and {} more (--top)\n", result.ablations.size() - top));
}

}  // namespace

void add_ablate(CLI::App& app, Program& program) {
  auto options = std::make_shared<Options>();
  CLI::App& command = *app.add_subcommand("ablate", "every head, MLP or block taken away in turn, ranked by effect");
  add_model_options(command, options->common, false);
  add_bos(command, options->common);
  add_truncate(command, options->common);
  auto* parts = command.add_option("--parts", options->parts, "what to take away: heads, attn, mlps, blocks, neurons");
  parts->delimiter(',')->expected(1)->take_all()->type_name("heads|attn|mlps|blocks|neurons");
  command.add_flag("--mean", options->request.mean, "put the mean over all positions in its place (default: zero)");
  command
      .add_option("--reference", options->reference, "take the mean over these texts, one JSON object with text a line")
      ->type_name("FILE.jsonl");
  command
      .add_option("--neurons", options->request.neurons_in_group,
                  "neurons in a group (default: sixteen groups a block)")
      ->check(CLI::Range(1, std::numeric_limits<int>::max()))
      ->type_name("N");
  add_targets(command, options->targets);
  add_metric(command, options->request.metric);
  command.add_option("--top", options->top, "how many are listed")->capture_default_str()->type_name("K");
  add_memory_limit(command, options->memory_limit);
  add_figure_options(command, options->figure);
  add_record(command, options->common);
  add_text(command, options->common);
  command.callback([options, &program, &command] {
    take_targets_in_order(command, options->targets);
    program.action = [options, &program] {
      check_figure(options->figure);
      AblateRequest& request = options->request;
      request.text = text_of(options->common);
      request.text_options = options->common.text_options();
      request.parts.clear();
      for (const std::string& part : options->parts) request.parts.push_back(parse_ablated_part(part));
      request.targets = options->targets.in_order;
      request.memory_limit = memory_size(options->memory_limit);
      if (options->reference) request.reference = read_texts(*options->reference);
      const Session session = open_session(options->common, program);
      const Ablations result = ablate(session, request);
      print_warnings(session, options->common, std::nullopt);
      warn_all(result.warnings);
      write_figure(options->figure, figure_of(result), session.progress());
      if (give_document(options->common, program, [&] { return to_json(session, result); })) return;
      print_header(session, result.text);
      print_result(result, options->top);
    };
  });
}

}  // namespace stratoscope::cli
