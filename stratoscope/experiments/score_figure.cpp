// Figures of scores.
#include <algorithm>
#include <bit>
#include <cmath>
#include <map>

#include "stratoscope/experiments/score.h"
#include "stratoscope/figures/number_text.h"
#include "stratoscope/session/labels.h"

namespace stratoscope {
namespace {

std::string second_label(const Scores& scores) { return scores.against ? *scores.against : "clean"; }
std::string first_label(const Scores& scores) {
  return !scores.has_other ? "" : scores.against ? "this model" : "edited";
}

// Numbers of tokens before: 1, 2–3, 4–7, …
std::string doubling_label(std::size_t power) {
  const std::size_t low = std::size_t{1} << power;
  return power == 0 ? "1" : grouped(low) + "–" + grouped(2 * low - 1);
}

// The means of the tokens' values, by the power of two of the number of tokens before them.
Line line_by_context(const Scores& scores, const std::string& label, double TokenScore::*value) {
  std::map<std::size_t, std::pair<double, std::size_t>> sums;
  for (const ScoredText& text : scores.texts)
    for (const TokenScore& token : text.tokens) {
      auto& [sum, count] = sums[std::bit_width(token.before) - 1];
      sum += token.*value;
      ++count;
    }
  Line line{label, {}, {}, true};
  for (const auto& [power, sum] : sums) {
    line.x.push_back(static_cast<double>(power));
    line.y.push_back(sum.first / static_cast<double>(sum.second));
  }
  return line;
}

Axis context_axis(const Scores& scores) {
  std::size_t most = 1;
  for (const ScoredText& text : scores.texts)
    for (const TokenScore& token : text.tokens) most = std::max(most, token.before);
  Axis axis{"tokens before", {}, std::nullopt, false};
  for (std::size_t power = 0; power < static_cast<std::size_t>(std::bit_width(most)); ++power)
    axis.ticks.push_back(doubling_label(power));
  return axis;
}

Panel loss_panel(const Scores& scores) {
  Panel panel{"Loss by context", context_axis(scores), {}, {}};
  panel.y.title = "mean loss (nats)";
  panel.marks = {line_by_context(scores, first_label(scores), &TokenScore::nats)};
  if (scores.has_other)
    panel.marks.emplace_back(line_by_context(scores, second_label(scores), &TokenScore::other_nats));
  return panel;
}

Panel divergence_panel(const Scores& scores) {
  Panel panel{"Divergence by context", context_axis(scores), {}, {}};
  panel.y.title = "mean KL (nats)";
  panel.marks = {line_by_context(scores, "", &TokenScore::kl)};
  return panel;
}

// 1, 2 or 5 times a power of ten, at least `width`.
double round_width(double width) {
  const double power = std::pow(10, std::floor(std::log10(width)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * power >= width) return factor * power;
  return 10 * power;
}

// How many values lie in each of equal ranges, which are named by their lower ends.
Panel histogram(const std::string& title, const std::string& unit, const std::vector<double>& values) {
  constexpr double kRanges = 12;
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  const double width = *most > *least ? round_width((*most - *least) / kRanges) : 1;
  const double first = std::floor(*least / width);
  Panel panel{title, {}, {}, {}};
  panel.x.title = unit + ", from";
  panel.y.title = "count";
  Bars bars{std::vector<double>(static_cast<std::size_t>(std::floor(*most / width) - first) + 1), false, false};
  for (const double value : values) ++bars.values[static_cast<std::size_t>(std::floor(value / width) - first)];
  for (std::size_t i = 0; i < bars.values.size(); ++i)
    panel.x.ticks.push_back(brief((first + static_cast<double>(i)) * width));
  panel.marks = {std::move(bars)};
  return panel;
}

Figure texts_figure(const Scores& scores) {
  Figure figure;
  figure.title = "Scores of texts";
  figure.caption = "The mean loss of the tokens by the number of tokens before them in their window; over all " +
                   grouped(scores.total.tokens) + " tokens it is " + prose_number(scores.total.mean_loss()) +
                   " nats, a perplexity of " + prose_number(perplexity(scores.total.nats, scores.total.tokens)) + ".";
  figure.panels = {loss_panel(scores)};
  if (scores.has_other) {
    figure.caption += scores.against ? " Divergence: KL of the second model's predictions from this one's."
                                     : " Divergence: KL of the edited predictions from the clean ones.";
    figure.panels.push_back(divergence_panel(scores));
  }
  std::vector<double> by_text;
  for (const ScoredText& text : scores.texts)
    if (const double bits = bits_per_byte(text.sum.nats, text.sum.bytes); text.sum.tokens > 0 && std::isfinite(bits))
      by_text.push_back(bits);
  if (by_text.size() > 1) figure.panels.push_back(histogram("Texts", "bits per byte", by_text));
  figure.columns = 2;
  return figure;
}

Panel accuracy_panel(const Scores& scores, bool other, const std::string& title) {
  Panel panel{title, {}, {}, {}};
  panel.x.title = "log-likelihood";
  panel.x.ticks = {"sum", "per token", "per byte"};
  panel.y.title = "accuracy";
  panel.y.range = {0, 1};
  Bars bars{{}, false, false};
  for (const ChoiceNorm norm : kChoiceNorms) bars.values.push_back(scores.accuracy(norm, other));
  panel.marks = {std::move(bars), Reference{"chance", scores.chance()}};
  return panel;
}

// The right choice's log-likelihood minus that of the best other one, or of the best one minus the second best.
std::vector<double> margins(const Scores& scores) {
  std::vector<double> values;
  for (const ScoredItem& item : scores.items) {
    const std::size_t chosen = item.label.value_or(item.best(ChoiceNorm::sum));
    double rest = HUGE_VAL;
    for (std::size_t j = 0; j < item.choices.size(); ++j)
      if (j != chosen) rest = std::min(rest, item.choices[j].sum.nats);
    const double margin = rest - item.choices[chosen].sum.nats;
    if (std::isfinite(margin)) values.push_back(margin);
  }
  return values;
}

Figure choices_figure(const Scores& scores) {
  Figure figure;
  const bool has_labels = scores.labelled() > 0;
  figure.title = "Choices";
  figure.caption = std::string(has_labels ? "The share of right choices by the choice's log-likelihood: its sum, per "
                                            "token and per byte. Margin: the right choice's sum minus the best other "
                                            "one's"
                                          : "Margin: the best choice's log-likelihood minus the second best's") +
                   ", over " + grouped(scores.items.size()) + " items.";
  if (has_labels) {
    figure.panels.push_back(
        accuracy_panel(scores, false, scores.has_other ? "Accuracy, " + first_label(scores) : std::string("Accuracy")));
    if (scores.has_other) figure.panels.push_back(accuracy_panel(scores, true, "Accuracy, " + second_label(scores)));
  }
  if (const std::vector<double> values = margins(scores); !values.empty())
    figure.panels.push_back(histogram("Margin", "nats", values));
  figure.columns = std::min<std::size_t>(2, figure.panels.size());
  return figure;
}

}  // namespace

Figure figure_of(const Scores& scores) { return scores.items.empty() ? texts_figure(scores) : choices_figure(scores); }

}  // namespace stratoscope
