#include "stratoscope/experiments/generate.h"

#include <fmt/format.h>

#include <limits>
#include <utility>

#include "apps/cli/commands.h"
#include "apps/cli/output.h"
#include "apps/cli/record.h"
#include "apps/cli/sampling.h"
#include "stratoscope/session/continued_text.h"

namespace stratoscope::cli {
namespace {

std::string why_it_ended(const GeneratedText& result) {
  if (result.stopped == "stop") return "a stop text came";
  if (result.stopped == "end") return "the model ended the text";
  if (!result.why_full.empty()) return result.why_full;
  return "as many as were asked for";
}

}  // namespace

void add_generate(CLI::App& app, Program& program) {
  struct Options {
    CommonOptions common;
    GenerateTextRequest request;
  };
  auto options = std::make_shared<Options>();
  CLI::App& command = *app.add_subcommand("generate", "continue a text, with edits, token by token");
  add_model_options(command, options->common, true);
  command.get_option("--truncate")->description(kCutAtTheBeginning);
  GenerateTextRequest& request = options->request;
  command.add_option("--max-new", request.max_new, "at most so many new tokens")
      ->capture_default_str()
      ->check(CLI::Range(1, std::numeric_limits<int>::max()))
      ->type_name("N");
  add_sampling(command, request.sampling);
  command.add_option("--stop", request.stops, "end before this text (may be given several times)")
      ->type_name("TEXT")
      ->expected(1)
      ->allow_extra_args(false)
      ->take_all();
  command.add_flag("--ignore-end", request.ignore_end, "go on behind the end-of-text token");
  command
      .add_option("--edit-scope", request.edit_scope,
                  "new: edits act on new tokens alone, and the prompt's keys and values stay as they were; all: as if "
                  "the whole text so far were run with the edits at each step")
      ->check(CLI::IsMember({"new", "all"}))
      ->capture_default_str()
      ->type_name("new|all");
  command.add_option("--save", request.file, "keep the values of every position: FILE.safetensors or FILE.npz")
      ->type_name("FILE");
  command
      .add_option("--capture", request.captures, "with --save: a hook point to keep too, as in `run` (several times)")
      ->type_name("HOOK")
      ->expected(1)
      ->allow_extra_args(false)
      ->take_all();
  add_record(command, options->common);
  add_text(command, options->common, "the text to continue; - for standard input");
  command.callback([options, &program] {
    program.action = [options, &program] {
      GenerateTextRequest wanted = options->request;
      warn_unused_sampling(*program.command, wanted.sampling);
      wanted.text = text_of(options->common);
      wanted.text_options = options->common.text_options();
      wanted.edits = options->common.edit_options();
      const Session session = open_session(options->common, program);
      const bool stream = !options->common.json && !program.sink;
      bool begun = false;  // with the first new text: what fails prints nothing
      const auto begin = [&] {
        if (std::exchange(begun, true)) return;
        const Text prompt = read_to_continue(session, wanted.text, wanted.text_options, wanted.max_new);
        print_header(session, prompt);
        print_result(prompt.text);
      };
      if (stream)
        wanted.on_text = [&](std::string_view piece) {
          begin();
          print_result(piece);
          flush_output();
        };
      const GeneratedText result = generate_text(session, wanted);
      if (stream) {
        begin();
        print("\n");
      }
      print_warnings(session, options->common, result.effect);
      if (give_document(options->common, program, [&] { return to_json(session, result); })) return;
      print("\n{} new tokens: {}\n", result.tokens.size(), why_it_ended(result));
      if (result.file) print("saved in {}\n", result.file->string());
      print_globs(result.capture_globs);
      print_effect(result.effect);
    };
  });
}

}  // namespace stratoscope::cli
