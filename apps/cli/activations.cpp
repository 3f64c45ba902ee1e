#include "stratoscope/experiments/activations.h"

#include <fmt/format.h>

#include "apps/cli/commands.h"
#include "apps/cli/output.h"
#include "apps/cli/record.h"
#include "apps/cli/table.h"
#include "stratoscope/session/labels.h"

namespace stratoscope::cli {

void add_activations(CLI::App& app, Program& program) {
  struct Options {
    CommonOptions common;
    FigureOptions figure;
    std::optional<std::string> token;
  };
  auto options = std::make_shared<Options>();
  CLI::App& command = *app.add_subcommand("activations", "one token's activations at every depth, and their variance");
  add_model_options(command, options->common, true);
  add_figure_options(command, options->figure);
  command.add_option("--token", options->token, "an index, or a word of the text (default: 8, or the last)")
      ->type_name("T");
  add_record(command, options->common);
  add_text(command, options->common);
  command.callback([options, &program] {
    program.action = [options, &program] {
      check_figure(options->figure);
      const std::string text = text_of(options->common);
      const Session session = open_session(options->common, program);
      const Activations result =
          activations(session, {text, options->common.text_options(), options->common.edit_options(), options->token});
      print_warnings(session, options->common, result.effect);
      write_figure(options->figure, figure_of(result), session.progress());
      if (give_document(options->common, program, [&] { return to_json(session, result); })) return;
      print_header(session, result.text);
      print("token {}, {}\n", result.token, token_label(result.text.tokens[result.token]));
      Table table({"depth", ">variance", ">mean", ">min", ">max", ">norm"});
      for (std::size_t depth = 0; depth < result.labels.size(); ++depth) {
        const Statistics& s = result.statistics[depth];
        table.add({result.labels[depth], short_number(s.variance, 6), short_number(s.mean), short_number(s.min),
                   short_number(s.max), short_number(s.norm)});
      }
      print(table.text());
      print("\nthe last depth is after the final norm\n");
      print_effect(result.effect);
    };
  });
}

}  // namespace stratoscope::cli
