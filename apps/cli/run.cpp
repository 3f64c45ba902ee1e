#include <fmt/format.h>

#include <algorithm>

#include "apps/cli/commands.h"
#include "apps/cli/output.h"
#include "apps/cli/table.h"
#include "stratoscope/experiment/save_run.h"

namespace stratoscope::cli {
namespace {

struct Options {
  CommonOptions common;
  std::string save;
  std::vector<std::string> captures;
  std::optional<std::string> texts;
};

bool looks_like_a_hook_point(const std::string& text) {
  constexpr const char* kParts[] = {"hook_", "blocks.", "transformer.", "hidden_states.", "lm_head", "logits", "*"};
  return text.find(' ') == std::string::npos &&
         std::any_of(std::begin(kParts), std::end(kParts),
                     [&](const char* part) { return text.find(part) != std::string::npos; });
}

void run_command(Options options, const Program& program) {
  if (!options.texts) give_back_text(options.common, options.captures, looks_like_a_hook_point);
  if (options.texts && options.common.text) throw CLI::ExcludesError("--texts", "TEXT");
  SaveRunRequest request;
  request.packed = options.texts.has_value();
  request.texts = request.packed ? read_texts(*options.texts) : std::vector<std::string>{text_of(options.common)};
  request.text_options = options.common.text_options();
  request.edits = options.common.edit_options();
  request.captures = options.captures;
  request.file = options.save;
  const Session session = open_session(options.common, program);
  const SavedRun saved = save_run(session, request);
  print_warnings(session, options.common, saved.effect);
  if (options.common.json) return print_json(to_json(session, saved));
  std::size_t tokens = 0;
  for (const Text& text : saved.texts) tokens += text.ids.size();
  fmt::print("{}, {} text{}, {} token{}, saved in {}\n\n", session.model_name(), saved.texts.size(),
             saved.texts.size() == 1 ? "" : "s", tokens, tokens == 1 ? "" : "s", saved.file.string());
  for (const Text& text : saved.texts)
    for (const std::string& note : text.notes) fmt::print("note: {}\n", note);
  Table table({"key", "shape"});
  for (const auto& [name, shape] : saved.keys) table.add({name, to_string(shape)});
  print(table.text());
  print_effect(saved.effect);
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
  auto* texts = command.add_option("--texts", options->texts, "many texts: JSON lines with a field \"text\"");
  texts->type_name("FILE.jsonl");
  add_text(command, options->common);
  command.callback([options, &program] { program.action = [options, &program] { run_command(*options, program); }; });
}

}  // namespace stratoscope::cli
