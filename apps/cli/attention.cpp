#include "stratoscope/experiments/attention.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "apps/cli/commands.h"
#include "apps/cli/output.h"
#include "apps/cli/table.h"

namespace stratoscope::cli {
namespace {

void print_ranking(const Attention& result, const AttentionRequest& request) {
  std::vector<std::string> titles = {"head"};
  for (const auto& [score, name] : kAttentionScores) titles.push_back(">" + std::string(name));
  Table table(titles);
  const auto heads = ranked(result, request.by);
  const std::size_t count = std::min(request.top, heads.size());
  for (std::size_t i = 0; i < count; ++i) {
    std::vector<std::string> row = {fmt::format("L{}H{}", heads[i].layer, heads[i].head)};
    for (const auto& [of, name] : kAttentionScores) {
      const double score = score_of(heads[i].scores, of);
      row.push_back(std::isnan(score) ? "–" : fmt::format("{:.3f}", score));
    }
    table.add(row);
  }
  print("{} of {} heads, highest {} first\n", count, heads.size(), choice_name(request.by));
  print(table.text());
  if (count > 0 && std::isnan(score_of(heads[0].scores, AttentionScore::duplicate)))
    print("no token occurs twice, so duplicate and induction have no value; --repeat reads the text twice\n");
}

void print_result(const Session& session, const AttentionRequest& request, const Attention& result) {
  print_header(session, result.text);
  print_ranking(result, request);
  print_effect(result.effect);
}

}  // namespace

Presentation present_attention() { return present<AttentionRequest, Attention>(print_result); }

}  // namespace stratoscope::cli
