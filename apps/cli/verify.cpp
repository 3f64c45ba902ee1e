#include "stratoscope/experiments/verify.h"

#include <fmt/format.h>

#include <algorithm>

#include "apps/cli/commands.h"
#include "apps/cli/output.h"
#include "apps/cli/record.h"
#include "apps/cli/table.h"
#include "stratoscope/session/labels.h"

namespace stratoscope::cli {
namespace {

// The worst hook point of each hook; --json and the figure have every depth.
void print_result(const Verification& result) {
  Table table({"hook point", ">largest error", ">relative to its row", "worst at"});
  for (const HookInfo& info : hook_table()) {
    const PointError* worst = nullptr;
    double max_abs = 0;
    for (const PointError& error : result.errors) {
      if (error.at.hook != info.hook) continue;
      max_abs = std::max(max_abs, error.max_abs);
      if (worst == nullptr || error.max_rel > worst->max_rel) worst = &error;
    }
    if (worst == nullptr) continue;  // no hook of this model
    table.add({std::string(info.name), short_number(max_abs, 3), short_number(worst->max_rel, 3),
               info.scope == Scope::block ? block_label(worst->at.layer) : ""});
  }
  print(table.text());
}

}  // namespace

void add_verify(CLI::App& app, Program& program) {
  struct Options {
    CommonOptions common;
    FigureOptions figure;
  };
  auto options = std::make_shared<Options>();
  CLI::App& command = *app.add_subcommand("verify", "the largest error against float64, at every hook point and depth");
  add_model_options(command, options->common, true);
  add_figure_options(command, options->figure);
  add_record(command, options->common);
  add_text(command, options->common);
  command.callback([options, &program] {
    program.action = [options, &program] {
      check_figure(options->figure);
      const std::string text = text_of(options->common);
      const Session session = open_session(options->common, program);
      const Verification result =
          verify(session, {text, options->common.text_options(), options->common.edit_options()});
      print_warnings(session, options->common, result.effect);
      write_figure(options->figure, figure_of(result), session.progress());
      if (give_document(options->common, program, [&] { return to_json(session, result); })) return;
      print_header(session, result.text);
      print("{} against the plain float64 path\n", name_of(session.precision()));
      print_result(result);
      print_effect(result.effect);
    };
  });
}

}  // namespace stratoscope::cli
