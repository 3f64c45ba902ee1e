#include "stratoscope/experiments/predict.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "apps/cli/commands.h"
#include "apps/cli/output.h"
#include "apps/cli/table.h"
#include "stratoscope/session/labels.h"

namespace stratoscope::cli {
namespace {

// At most 40 columns; empty for NaN.
std::string bar(double share) {
  constexpr double kWidth = 40;
  std::string text;
  const int columns = share > 0 ? static_cast<int>(std::lround(std::min(share, 1.0) * kWidth)) : 0;
  for (int column = 0; column < columns; ++column) text += "█";
  return text;
}

void print_temperatures(const Predictions& result) {
  if (result.tempered.empty()) return;
  std::vector<std::string> titles = {"probability at temperature"};
  std::vector<std::string> entropies = {"entropy (nats)"};
  for (const TemperedPredictions& tempered : result.tempered) {
    titles.push_back(">" + short_number(tempered.temperature));
    entropies.push_back(fixed(tempered.entropy, 4));
  }
  Table table(std::move(titles));
  const auto add = [&](const std::vector<Prediction>& tokens, std::vector<double> TemperedPredictions::*probs) {
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      std::vector<std::string> row = {token_label(tokens[i].token)};
      for (const TemperedPredictions& tempered : result.tempered)
        row.push_back(fmt::format("{:.4g}", (tempered.*probs)[i]));
      table.add(std::move(row));
    }
  };
  add(result.top, &TemperedPredictions::top);
  add(result.target_top, &TemperedPredictions::targets);
  table.add(std::move(entropies));
  print("\n" + table.text());
}

void print_predictions(const Predictions& result) {
  print("after position {}, {}\n", result.position, token_label(result.text.tokens[result.position]));
  Table table({">rank", ">id", "token", ">prob", ">log_prob", ">logit", ""});
  for (std::size_t i = 0; i < result.top.size(); ++i) {
    const Prediction& p = result.top[i];
    table.add({std::to_string(i), std::to_string(p.id), token_label(p.token), fmt::format("{:.4f}", p.prob),
               fmt::format("{:.4f}", p.log_prob), fmt::format("{:.3f}", p.logit), bar(p.prob)});
  }
  print(table.text());
  if (result.target_top.empty()) return print_temperatures(result);
  Table targets({">rank", ">id", "target", ">prob", ">log_prob", ">logit"});
  for (const Prediction& p : result.target_top)
    targets.add({fixed(p.rank, 0), std::to_string(p.id), token_label(p.token), fmt::format("{:.4g}", p.prob),
                 fmt::format("{:.4f}", p.log_prob), fmt::format("{:.3f}", p.logit)});
  print("\n" + targets.text());
  print_temperatures(result);
}

void print_surprisals(const Predictions& result) {
  if (result.surprisals.empty()) return print("\na single token has no surprisal\n");
  Table table({">index", ">id", "token", ">surprisal", ""});
  for (const Surprisal& s : result.surprisals)
    table.add({std::to_string(s.index), std::to_string(s.id), token_label(s.token), fmt::format("{:.4f}", s.nats),
               bar(s.nats / 20)});
  print("\nsurprisal of each token, in nats\n" + table.text());
  print("\nmean loss {:.4f} nats a token\n", result.mean_loss);
}

void print_result(const Session& session, const PredictRequest& request, const Predictions& result) {
  print_header(session, result.text);
  print_predictions(result);
  if (request.all) print_surprisals(result);
  print_effect(result.effect);
}

}  // namespace

Presentation present_predict() { return present<PredictRequest, Predictions>(print_result); }

}  // namespace stratoscope::cli
