#include "stratoscope/experiments/generate.h"

#include <fmt/format.h>

#include <utility>

#include "apps/cli/commands.h"
#include "apps/cli/output.h"
#include "stratoscope/session/continued_text.h"

namespace stratoscope::cli {
namespace {

std::string why_it_ended(const GeneratedText& result) {
  if (result.stopped == "stop") return "a stop text was generated";
  if (result.stopped == "end") return "the model ended the text";
  if (!result.why_full.empty()) return result.why_full;
  return "the requested number";
}

// The prompt is printed with the first new text, so that an experiment that fails prints nothing.
void print_beginning(const Session& session, const GenerateTextRequest& request) {
  const Text prompt = read_to_continue(session, request.text, request.text_options, request.max_new);
  print_header(session, prompt);
  cli::print_result(prompt.text);
}

void print_as_it_grows(const Session& session, GenerateTextRequest& request) {
  request.on_text = [&session, &request, begun = false](std::string_view piece) mutable {
    if (!std::exchange(begun, true)) print_beginning(session, request);
    cli::print_result(piece);
    flush_output();
  };
}

void print_ending(const Session& session, const GenerateTextRequest& request, const GeneratedText& result) {
  if (result.text.empty()) print_beginning(session, request);
  print("\n\n{} new tokens: {}\n", result.tokens.size(), why_it_ended(result));
  if (result.file) print("saved in {}\n", result.file->string());
  print_globs(result.capture_globs);
  print_effect(result.effect);
}

}  // namespace

Presentation present_generate() { return present<GenerateTextRequest, GeneratedText>(print_ending, print_as_it_grows); }

}  // namespace stratoscope::cli
