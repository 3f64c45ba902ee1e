#include "stratoscope/experiments/generate.h"

#include <fmt/format.h>

#include <utility>

#include "apps/cli/commands.h"
#include "apps/cli/output.h"
#include "apps/cli/table.h"
#include "stratoscope/session/continued_text.h"
#include "stratoscope/session/labels.h"

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
  if (request.samples > 1) return;
  request.on_text = [&session, &request, begun = false](std::string_view piece) mutable {
    if (!std::exchange(begun, true)) print_beginning(session, request);
    cli::print_result(piece);
    flush_output();
  };
}

void print_samples(const Session& session, const GenerateTextRequest& request, const GeneratedText& result) {
  print_beginning(session, request);
  print("\n\n");
  Table table({">seed", ">tokens", ">log_prob", ">a token", ">shared", "parts with"});
  for (const GeneratedSample& sample : result.samples) {
    const auto count = static_cast<double>(sample.tokens.size());
    const bool parts = sample.shared < sample.tokens.size();
    table.add({std::to_string(sample.seed), std::to_string(sample.tokens.size()), fixed(sample.log_prob(), 3),
               fixed(sample.log_prob() / count, 3), std::to_string(sample.shared),
               parts ? token_label(sample.tokens[sample.shared].token) : "–"});
  }
  print(table.text());
  print("\nshared: first tokens that are those of seed {}; log_prob: of the new tokens, nats\n",
        result.samples[0].seed);
  for (const GeneratedSample& sample : result.samples) {
    print("\nseed {}:", sample.seed);
    cli::print_result(sample.text);
    print("\n");
  }
  print_effect(result.effect);
}

void print_ending(const Session& session, const GenerateTextRequest& request, const GeneratedText& result) {
  if (!result.samples.empty()) return print_samples(session, request, result);
  if (result.text.empty()) print_beginning(session, request);
  print("\n\n{} new tokens: {}\n", result.tokens.size(), why_it_ended(result));
  if (result.file) print("saved in {}\n", result.file->string());
  print_globs(result.capture_globs);
  print_effect(result.effect);
}

}  // namespace

Presentation present_generate() { return present<GenerateTextRequest, GeneratedText>(print_ending, print_as_it_grows); }

}  // namespace stratoscope::cli
