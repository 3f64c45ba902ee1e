#include "stratoscope/experiment/ablate.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "apps/cli/commands.h"
#include "apps/cli/output.h"
#include "apps/cli/record.h"
#include "apps/cli/table.h"
#include "apps/cli/targets.h"
#include "stratoscope/experiment/text_lines.h"

namespace stratoscope::cli {
namespace {

struct Options {
  CommonOptions common;
  FigureOptions figure;
  TargetOptions targets;
  AblateRequest request;
  std::vector<std::string> parts = {"heads", "attn", "mlps", "blocks"};
  std::optional<std::string> reference;
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
    table.add({name_of(ablation), fmt::format("{:.6f}", ablation.value),
               fmt::format("{:+.6f}", ablation.value - result.clean), fmt::format("{:.4f}", ablation.effect.kl)});
  }
  print(table.text());
  if (top < result.ablations.size()) print(fmt::format("  … and {} more (--top)\n", result.ablations.size() - top));
}

}  // namespace

void add_ablate(CLI::App& app, Program& program) {
  auto options = std::make_shared<Options>();
  CLI::App& command = *app.add_subcommand("ablate", "every head, MLP or block taken away in turn, ranked by effect");
  add_model_options(command, options->common, false);
  command.add_flag("--bos", options->common.bos, "put the beginning-of-text token first");
  command.add_flag("--truncate", options->common.truncate, "cut a text at the model's context");
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
  add_targets(command, options->targets, "the token that the metric follows, as text");
  command.add_option("--metric", options->request.metric, "what is read")
      ->capture_default_str()
      ->type_name("log_prob|prob|rank|logit|logit_diff|kl|entropy");
  command.add_option("--top", options->top, "how many are listed")->capture_default_str()->type_name("K");
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
      if (options->reference) request.reference = read_texts(*options->reference);
      const Session session = open_session(options->common, program);
      const Ablations result = ablate(session, request);
      print_warnings(session, options->common, std::nullopt);
      for (const Target& target : result.targets)
        if (target.ids.size() > 1) warn(cut_warning(target));
      write_figure(options->figure, figure_of(result), session.progress());
      if (give_document(options->common, program, [&] { return to_json(session, result); })) return;
      print_header(session, result.text);
      print_result(result, options->top);
    };
  });
}

}  // namespace stratoscope::cli
