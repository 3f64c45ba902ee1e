#include "stratoscope/experiments/steer.h"

#include <fmt/format.h>

#include <limits>

#include "apps/cli/commands.h"
#include "apps/cli/memory_size.h"
#include "apps/cli/output.h"
#include "apps/cli/record.h"
#include "apps/cli/sampling.h"
#include "apps/cli/table.h"
#include "apps/cli/targets.h"
#include "stratoscope/corpus/text_lines.h"
#include "stratoscope/session/labels.h"

namespace stratoscope::cli {
namespace {

struct Options {
  CommonOptions common;
  FigureOptions figure;
  TargetOptions targets;
  SteerRequest request;
  std::string memory_limit;
  std::vector<std::string> positive, negative;
  std::optional<std::string> positive_file, negative_file;
};

void print_result(const Steering& steering) {
  print(fmt::format("{}; clean {:.6f}\n\n", metric_title(steering.metric, steering.targets), steering.sweep.clean));
  std::vector<std::string> titles = {"block"};
  for (const double strength : steering.strengths) titles.push_back(">" + fmt::format("{}", strength));
  Table table(titles);
  for (std::size_t i = 0; i < steering.layers.size(); ++i) {
    std::vector<std::string> row = {block_label(steering.layers[i])};
    for (std::size_t s = 0; s < steering.strengths.size(); ++s)
      row.push_back(fixed(steering.sweep.values[i * steering.strengths.size() + s], 4));
    table.add(row);
  }
  print(table.text());
  if (!steering.clean_text.empty() || !steering.steered_text.empty())
    print(fmt::format("\nclean    {}\nsteered  {}\n         ({} of {} += {} times its direction)\n",
                      token_label(steering.clean_text), token_label(steering.steered_text), steering.hook,
                      block_label(steering.layer), steering.strength));
  if (steering.file) print(fmt::format("\ndirections saved in {}\n", steering.file->string()));
}

void repeatable(CLI::Option* option) { option->expected(1)->allow_extra_args(false)->take_all(); }

}  // namespace

void add_steer(CLI::App& app, Program& program) {
  auto options = std::make_shared<Options>();
  CLI::App& command = *app.add_subcommand(
      "steer", "a direction from two sets of prompts, its effect by block and strength, and on a text");
  add_model_options(command, options->common, false);
  add_bos(command, options->common);
  add_truncate(command, options->common, kCutAtTheBeginning);
  repeatable(
      command.add_option("--positive", options->positive, "a prompt that has what TEXT is steered to (several times)")
          ->type_name("TEXT"));
  repeatable(command.add_option("--negative", options->negative, "a prompt that has it not (several times)")
                 ->type_name("TEXT"));
  command.add_option("--positive-file", options->positive_file, "more of them, one JSON object with text a line")
      ->type_name("FILE.jsonl");
  command.add_option("--negative-file", options->negative_file, "the same for the others")->type_name("FILE.jsonl");
  SteerRequest& request = options->request;
  command.add_flag("--all-positions", request.all_positions, "means over all positions (default: over last ones)");
  command.add_option("--vectors", request.vectors, "instead of prompts: what --save wrote")
      ->type_name("FILE.safetensors");
  command.add_option("--hook", request.hook, "the point of each block that is read and steered")
      ->capture_default_str()
      ->type_name("HOOK");
  command.add_option("--save", request.file, "keep the directions, with their recipe")->type_name("FILE.safetensors");
  command.add_option("--layers", request.layers, "which blocks the table has")
      ->capture_default_str()
      ->type_name("LIST");
  command.add_option("--strengths", request.strengths, "and which strengths")->capture_default_str()->type_name("LIST");
  command.add_option("--layer", request.layer, "the block that steers the new text (default: the middle one)")
      ->type_name("N");
  command.add_option("--strength", request.strength, "how strongly")->capture_default_str()->type_name("X");
  command.add_option("--max-new", request.max_new, "how many new tokens; 0 for none")
      ->capture_default_str()
      ->check(CLI::Range(0, std::numeric_limits<int>::max()))
      ->type_name("N");
  add_sampling(command, request.sampling);
  add_targets(command, options->targets);
  add_metric(command, request.metric);
  add_memory_limit(command, options->memory_limit);
  add_figure_options(command, options->figure);
  add_record(command, options->common);
  add_text(command, options->common, "the text that is steered; - for standard input");
  command.callback([options, &program, &command] {
    take_targets_in_order(command, options->targets);
    program.action = [options, &program] {
      check_figure(options->figure);
      SteerRequest wanted = options->request;
      warn_unused_sampling(*program.command, wanted.sampling);
      wanted.text = text_of(options->common);
      wanted.text_options = options->common.text_options();
      wanted.targets = options->targets.in_order;
      wanted.memory_limit = memory_size(options->memory_limit);
      wanted.positive = options->positive;
      wanted.negative = options->negative;
      const auto add = [](const std::optional<std::string>& file, std::vector<std::string>& texts) {
        if (file)
          for (std::string& text : read_texts(*file)) texts.push_back(std::move(text));
      };
      add(options->positive_file, wanted.positive);
      add(options->negative_file, wanted.negative);
      const Session session = open_session(options->common, program);
      const Steering steering = steer(session, wanted);
      print_warnings(session, options->common, std::nullopt);
      warn_all(steering.warnings);
      write_figure(options->figure, figure_of(steering), session.progress());
      if (give_document(options->common, program, [&] { return to_json(session, steering); })) return;
      print_header(session, steering.text);
      print_result(steering);
    };
  });
}

}  // namespace stratoscope::cli
