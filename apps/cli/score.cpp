#include "stratoscope/experiments/score.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "apps/cli/commands.h"
#include "apps/cli/output.h"
#include "apps/cli/table.h"

namespace stratoscope::cli {
namespace {

constexpr std::size_t kShownRows = 20;

std::string decimal(double value, int decimals) {
  return std::isnan(value) ? "–" : fmt::format("{:.{}f}", value, decimals);
}

std::vector<std::string> row_of(const Scores& scores, const std::string& name, const ScoreSum& sum) {
  std::vector<std::string> row = {name,
                                  std::to_string(sum.tokens),
                                  std::to_string(sum.bytes),
                                  decimal(sum.nats, 2),
                                  decimal(sum.mean_loss(), 4),
                                  decimal(perplexity(sum.nats, sum.tokens), 3),
                                  decimal(bits_per_byte(sum.nats, sum.bytes), 4)};
  if (scores.has_other)
    row.insert(row.end(), {decimal(sum.other_mean_loss(), 4), decimal(sum.mean_loss() - sum.other_mean_loss(), 4),
                           decimal(sum.mean_kl(), 4)});
  return row;
}

void print_texts(const Scores& scores) {
  std::vector<std::string> titles = {"text",       ">tokens",     ">bytes",        ">nats",
                                     ">mean loss", ">perplexity", ">bits per byte"};
  if (scores.has_other) titles.insert(titles.end(), {scores.against ? ">other model" : ">clean", ">difference", ">KL"});
  Table table(titles);
  const std::size_t shown = std::min(scores.texts.size(), kShownRows);
  for (std::size_t i = 0; scores.texts.size() > 1 && i < shown; ++i)
    table.add(row_of(scores, std::to_string(i), scores.texts[i].sum));
  table.add(row_of(scores, scores.texts.size() > 1 ? "all" : "", scores.total));
  print("windows of {} tokens, one each {}; a token is scored with {} or more before it, or all there are\n",
        scores.context, scores.stride, scores.context - scores.stride);
  print(table.text());
  if (shown < scores.texts.size()) print("the first {} of {} texts\n", shown, scores.texts.size());
}

void print_items(const Scores& scores) {
  std::size_t most = 0;
  for (const ScoredItem& item : scores.items) most = std::max(most, item.choices.size());
  std::vector<std::string> titles = {"item", ">label", ">best", ">per token", ">per byte"};
  for (std::size_t j = 0; j < most; ++j) titles.push_back(fmt::format(">log p {}", j));
  Table table(titles);
  const std::size_t shown = std::min(scores.items.size(), kShownRows);
  for (std::size_t i = 0; i < shown; ++i) {
    const ScoredItem& item = scores.items[i];
    std::vector<std::string> row = {std::to_string(i), item.label ? std::to_string(*item.label) : ""};
    for (const ChoiceNorm norm : kChoiceNorms) row.push_back(std::to_string(item.best(norm)));
    for (const ScoredChoice& choice : item.choices) row.push_back(decimal(-choice.sum.nats, 2));
    row.resize(titles.size());
    table.add(row);
  }
  print(table.text());
  if (shown < scores.items.size()) print("the first {} of {} items\n", shown, scores.items.size());
  if (scores.labelled() == 0) return;
  Table accuracies({"accuracy", ">sum", ">per token", ">per byte"});
  for (const bool other : {false, true}) {
    if (other && !scores.has_other) continue;
    std::vector<std::string> row = {!scores.has_other ? ""
                                    : other           ? scores.against.value_or("clean")
                                    : scores.against  ? "this model"
                                                      : "edited"};
    for (const ChoiceNorm norm : kChoiceNorms) row.push_back(decimal(scores.accuracy(norm, other), 4));
    accuracies.add(row);
  }
  print("\n{} items with labels; guesses have {}\n", scores.labelled(), decimal(scores.chance(), 4));
  print(accuracies.text());
}

void print_result(const Session& session, const ScoreRequest&, const Scores& scores) {
  print("{} ({}){}\n\n", session.model_name(), name_of(session.precision()),
        scores.against ? ", against " + *scores.against : "");
  if (scores.items.empty())
    print_texts(scores);
  else
    print_items(scores);
  print_effect(scores.effect);
}

}  // namespace

Presentation present_score() { return present<ScoreRequest, Scores>(print_result); }

}  // namespace stratoscope::cli
