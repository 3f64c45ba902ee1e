#include "stratoscope/experiments/tokens.h"

#include <fmt/format.h>

#include "apps/cli/commands.h"
#include "apps/cli/output.h"
#include "apps/cli/table.h"
#include "stratoscope/session/labels.h"

namespace stratoscope::cli {

namespace {

void print_result(const Session& session, const TokensRequest&, const TokenCounts& counts) {
  print_header(session, counts.text);
  Table table({">index", ">id", ">bytes", "token"});
  for (std::size_t i = 0; i < counts.text.ids.size(); ++i) {
    const auto [begin, end] = counts.text.offsets[i];
    table.add({std::to_string(i), std::to_string(counts.text.ids[i]), fmt::format("{}:{}", begin, end),
               token_label(counts.text.tokens[i])});
  }
  print(table.text());
  print("\n{} characters, {} different\n{} tokens, {} different\n", counts.characters, counts.unique_characters,
        counts.text.ids.size(), counts.unique);
}

}  // namespace

Presentation present_tokens() { return present<TokensRequest, TokenCounts>(print_result); }

}  // namespace stratoscope::cli
