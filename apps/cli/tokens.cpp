#include "stratoscope/experiments/tokens.h"

#include <fmt/format.h>

#include "apps/cli/commands.h"
#include "apps/cli/output.h"
#include "apps/cli/table.h"
#include "stratoscope/session/labels.h"

namespace stratoscope::cli {

namespace {

void print_comparison(const Session& session, const TokenCounts& counts) {
  print("{}, {} texts\n\n", session.model_name(), counts.more.size() + 1);
  Table table({"text", ">characters", ">bytes", ">tokens", ">different", ">tokens per character"});
  for (const TokenCounts* each : all_texts(counts))
    table.add({each->label, std::to_string(each->characters), std::to_string(each->text.text.size()),
               std::to_string(each->text.ids.size()), std::to_string(each->unique),
               fixed(each->tokens_per_character(), 3)});
  print(table.text());
}

void print_result(const Session& session, const TokensRequest& request, const TokenCounts& counts) {
  if (!counts.more.empty()) return print_comparison(session, counts);
  print_header(session, counts.text);
  Table table({">index", ">id", ">bytes", "token"});
  for (std::size_t i = 0; i < counts.text.ids.size(); ++i) {
    const auto [begin, end] = counts.text.offsets[i];
    table.add({std::to_string(i), std::to_string(counts.text.ids[i]), fmt::format("{}:{}", begin, end),
               token_label(counts.text.tokens[i])});
  }
  print(table.text());
  if (!request.text.ids.empty()) print("\n{}\n", counts.text.text);
  print("\n{} characters, {} different\n{} tokens, {} different\n", counts.characters, counts.unique_characters,
        counts.text.ids.size(), counts.unique);
}

}  // namespace

Presentation present_tokens() { return present<TokensRequest, TokenCounts>(print_result); }

}  // namespace stratoscope::cli
