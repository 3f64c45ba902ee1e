#include "stratoscope/experiments/run.h"

#include <fmt/format.h>

#include <algorithm>

#include "apps/cli/commands.h"
#include "apps/cli/output.h"
#include "apps/cli/table.h"

namespace stratoscope::cli {
namespace {

struct Options {
  CommonOptions common;
  std::string save;
  std::vector<std::string> captures;
  std::optional<std::string> texts, stop_at, start_at, from;
  bool skip_empty = false, replace_invalid = false;
};

bool looks_like_a_hook_point(const std::string& text) {
  constexpr const char* kParts[] = {"hook_", "blocks.", "transformer.", "hidden_states.", "lm_head", "logits", "*"};
  return text.find(' ') == std::string::npos &&
         std::any_of(std::begin(kParts), std::end(kParts),
                     [&](const char* part) { return text.find(part) != std::string::npos; });
}

SaveRunRequest request_of(Options& options) {
  SaveRunRequest request;
  if (options.from) {
    if (options.common.text) throw CLI::ExcludesError("--from", "TEXT");
    if (options.common.bos) throw CLI::ExcludesError("--from", "--bos");
    if (options.common.no_bos) throw CLI::ExcludesError("--from", "--no-bos");
    if (options.common.truncate) throw CLI::ExcludesError("--from", "--truncate");
    request.from = *options.from;
  } else if (options.texts) {
    if (options.common.text) throw CLI::ExcludesError("--texts", "TEXT");
    request.texts_file = *options.texts;
  } else {
    give_back_text(options.common, options.captures, looks_like_a_hook_point);
    request.texts = {text_of(options.common)};
  }
  request.text_options = options.common.text_options();
  request.edits = options.common.edit_options();
  request.captures = options.captures;
  request.file = options.save;
  request.skip_empty = options.skip_empty;
  request.replace_invalid = options.replace_invalid;
  request.start_at = options.start_at;
  request.stop_at = options.stop_at;
  return request;
}

void run_command(Options options, const Program& program) {
  const SaveRunRequest request = request_of(options);
  const Session session = open_session(options.common, program);
  const SavedRun saved = save_run(session, request);
  print_warnings(session, options.common, saved.effect, saved.texts);
  if (options.common.json) return print_json(to_json(session, saved));
  print("{}, {} text{}, {} token{}, saved in {}\n\n", session.model_name(), saved.texts, saved.texts == 1 ? "" : "s",
        saved.tokens, saved.tokens == 1 ? "" : "s", saved.file.string());
  for (const std::string& note : saved.notes) print("note: {}\n", note);
  Table table({"key", "shape"});
  for (const auto& [name, shape] : saved.keys) table.add({name, to_string(shape)});
  print(table.text());
  print_globs(saved.capture_globs);
  print_effect(saved.effect);
}

void add_part_of_a_pass(CLI::App& command, Options& options) {
  command
      .add_option("--stop-at", options.stop_at,
                  "run the blocks before this one alone, and keep what would enter it; the number of blocks runs all")
      ->type_name("BLOCK");
  auto* start_at = command.add_option("--start-at", options.start_at, "run this block and those behind it");
  auto* from = command.add_option(
      "--from", options.from, "the file of an earlier `run --save` that the tokens and the hidden states come from");
  start_at->type_name("BLOCK")->needs(from);
  from->type_name("FILE")->needs(start_at);
}

}  // namespace

void add_run(CLI::App& app, Program& program) {
  auto options = std::make_shared<Options>();
  CLI::App& command = *app.add_subcommand("run", "one forward pass, saved: hidden states, logits, any hook point");
  add_model_options(command, options->common, true);
  command.add_option("--save", options->save, "the file: .safetensors or .npz")->required()->type_name("FILE");
  auto* captures = command.add_option("--capture", options->captures,
                                      "also save a hook point; globs such as blocks.*.attn.hook_pattern");
  captures->type_name("HOOK …");
  take_several(*captures);
  auto* texts = command.add_option("--texts", options->texts,
                                   "many texts, of any size: JSON lines with a field \"text\"; - for standard input");
  texts->type_name("FILE.jsonl");
  command.add_flag("--skip-empty", options->skip_empty, "with --texts: leave out empty texts, which else have no rows")
      ->needs(texts);
  command
      .add_flag("--replace-invalid", options->replace_invalid,
                "with --texts: read what is no character (bytes that are not UTF-8, half a surrogate pair) as U+FFFD")
      ->needs(texts);
  add_part_of_a_pass(command, *options);
  add_text(command, options->common);
  command.callback([options, &program] { program.action = [options, &program] { run_command(*options, program); }; });
}

}  // namespace stratoscope::cli
