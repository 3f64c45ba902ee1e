#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <utility>

#include "stratoscope/experiments/predict.h"
#include "stratoscope/figures/number_text.h"
#include "stratoscope/figures/text_panel.h"
#include "stratoscope/probe/metrics.h"
#include "stratoscope/session/labels.h"

namespace stratoscope {
namespace {

Figure figure_with(std::string title, std::string caption, std::vector<Panel> panels, std::size_t columns = 1) {
  return {std::move(title), std::move(caption), "", std::move(panels), columns, std::nullopt};
}

std::string after(const Predictions& result) { return "after " + token_label(result.text.tokens[result.position]); }

Figure surprisals_of(const Predictions& result) {
  std::vector<double> nats(result.text.ids.size(), std::numeric_limits<double>::quiet_NaN());
  for (const Surprisal& s : result.surprisals) nats[s.index] = s.nats;
  return figure_with(
      "Surprisal of each token", "Surprisal is minus the log-probability of a token, given the tokens before it.",
      {text_panel("mean " + prose_number(result.mean_loss, 3) + " nats", result.text.tokens, std::move(nats), "nats")});
}

Figure likeliest_of(const Predictions& result) {
  Panel panel;
  Bars bars;
  for (const Prediction& p : result.top) {
    panel.y.ticks.push_back(token_label(p.token));
    bars.values.push_back(p.prob);
  }
  bars.horizontal = true;
  panel.x.title = "probability";
  panel.marks = {bars};
  return figure_with("Likeliest tokens " + after(result),
                     "The " + std::to_string(result.top.size()) + " most likely tokens after position " +
                         std::to_string(result.position) + ".",
                     {panel});
}

// All of the first ranks, then some at a constant distance on a logarithmic axis, and the last.
std::vector<std::size_t> drawn_ranks(std::size_t count) {
  constexpr std::size_t kAllUpTo = 64;
  constexpr double kStep = 1.02;
  std::set<std::size_t> ranks;
  for (std::size_t rank = 0; rank < std::min(count, kAllUpTo); ++rank) ranks.insert(rank);
  for (double rank = kAllUpTo; rank < static_cast<double>(count); rank *= kStep)
    ranks.insert(static_cast<std::size_t>(rank));
  if (count > 0) ranks.insert(count - 1);
  return {ranks.begin(), ranks.end()};
}

Figure distribution_of(const Predictions& result) {
  std::vector<double> sorted = result.logits;
  std::erase_if(sorted, [](double logit) { return std::isnan(logit); });
  std::sort(sorted.begin(), sorted.end(), std::greater<>());
  const double total = log_sum_exp(std::span<const double>(sorted));
  const auto panel_of = [&](const char* title, const auto& value_of, bool has_legend) {
    Panel panel;
    panel.title = title;
    panel.x.title = "1 + rank";
    panel.x.logarithmic = true;
    Line all{has_legend ? "all tokens" : "", {}, {}, false};
    for (const std::size_t rank : drawn_ranks(sorted.size())) {
      all.x.push_back(static_cast<double>(rank) + 1);
      all.y.push_back(value_of(sorted[rank]));
    }
    const double lowest = all.y.empty() ? 0 : all.y.back();
    panel.marks.emplace_back(std::move(all));
    for (const Prediction& target : result.target_top) {
      const std::string label = token_label(target.token) + ", rank " + prose_number(target.rank, 9);
      const double x = target.rank + 1;
      panel.marks.emplace_back(Line{has_legend ? label : "", {x, x}, {lowest, value_of(target.logit)}});
    }
    return panel;
  };
  std::string caption = "All " + grouped(sorted.size()) + " tokens after position " + std::to_string(result.position) +
                        ", the likeliest first.";
  if (!result.target_top.empty()) caption += " Vertical lines are at the targets.";
  return figure_with("The distribution " + after(result), std::move(caption),
                     {panel_of(
                          "Logit", [](double logit) { return logit; }, false),
                      panel_of(
                          "Log-probability (nats)", [=](double logit) { return logit - total; }, false),
                      panel_of(
                          "Probability", [=](double logit) { return std::exp(logit - total); }, true)},
                     3);
}

Figure temperatures_of(const Predictions& result) {
  Panel panel;
  panel.y.title = "probability";
  for (const Prediction& p : result.top) panel.x.ticks.push_back(token_label(p.token));
  for (const TemperedPredictions& tempered : result.tempered) {
    Line line{"temperature " + short_number(tempered.temperature), {}, tempered.top};
    for (std::size_t i = 0; i < tempered.top.size(); ++i) line.x.push_back(static_cast<double>(i));
    panel.marks.emplace_back(std::move(line));
  }
  return figure_with("Likeliest tokens " + after(result) + " by temperature",
                     "Probabilities are the softmax of the logits divided by the temperature.", {panel});
}

}  // namespace

Figure figure_of(const Predictions& result, PredictionView view) {
  if (view == PredictionView::distribution) return distribution_of(result);
  if (view == PredictionView::temperatures) return temperatures_of(result);
  return result.surprisals.empty() ? likeliest_of(result) : surprisals_of(result);
}

Figure figure_of(const Predictions& result, const PredictRequest& request) { return figure_of(result, request.draw); }

}  // namespace stratoscope
