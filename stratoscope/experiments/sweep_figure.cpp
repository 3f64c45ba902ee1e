// The figures of a sweep.
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "stratoscope/base/error.h"
#include "stratoscope/experiments/sweep.h"
#include "stratoscope/figures/similarity_scale.h"
#include "stratoscope/session/labels.h"

namespace stratoscope {
namespace {

constexpr std::size_t kMostPanels = 36;

bool is_index_axis(const SweepAxis& axis) {
  return axis.name == "layer" || axis.name == "position" || axis.name == "head";
}

std::string axis_label(const SweepExperiment& experiment, const SweepAxis& axis, const std::string& value) {
  if (axis.name == "layer") return "L" + value;
  if (axis.name == "position") return token_label(experiment.text.tokens[std::stoul(value)]);
  if (axis.name == "head") return "H" + value;
  return value;
}

Axis figure_axis(const SweepExperiment& experiment, const SweepAxis& axis) {
  Axis result;
  result.title = axis.name == "layer" ? "edited block" : axis.name;
  for (const std::string& value : axis.values) result.ticks.push_back(axis_label(experiment, axis, value));
  return result;
}

constexpr std::size_t kPanelsOfMeasures = 3;  // in a row

std::string measure_title(const SweepExperiment& experiment, std::size_t measure) {
  return measure == 0 ? metric_title(experiment) : title_of(experiment.measures[measure]);
}

// The measures of each metric, in the order of the metrics.
std::vector<std::vector<std::size_t>> by_metric(const SweepExperiment& experiment) {
  std::vector<std::vector<std::size_t>> metrics;
  for (std::size_t m = 0; m < experiment.measures.size(); ++m) {
    if (m == 0 || experiment.measures[m].metric != experiment.measures[m - 1].metric) metrics.emplace_back();
    metrics.back().push_back(m);
  }
  return metrics;
}

// The token of a measure; a mean over prompts has its number among those of its metric.
std::string target_name(const SweepExperiment& experiment, std::size_t measure) {
  const TargetMeasure& of = experiment.measures[measure];
  if (!of.targets.empty()) return token_label(of.targets[0].token);
  std::size_t number = 1;
  while (number <= measure && experiment.measures[measure - number].metric == of.metric) ++number;
  return "target " + std::to_string(number);
}

Reference clean_reference(const SweepExperiment& experiment, std::size_t measure, bool named) {
  const double clean = clean_of(experiment, measure);
  return {"clean " + (named ? target_name(experiment, measure) + " " : "") + prose_number(clean), clean};
}

// A panel for each metric, with one mark of `make` for each of its targets.
template <class Make>
Figure figure_by_metric(const SweepExperiment& experiment, const Axis& x, const Make& make) {
  Figure figure;
  for (const auto& measures : by_metric(experiment)) {
    const bool several = measures.size() > 1;
    Panel& panel = figure.panels.emplace_back();
    panel.x = x;
    panel.y.title = several ? std::string(title_of(experiment.measures[measures[0]].metric))
                            : measure_title(experiment, measures[0]);
    for (const std::size_t m : measures) panel.marks.emplace_back(clean_reference(experiment, m, several));
    for (const std::size_t m : measures) panel.marks.emplace_back(make(m, several));
  }
  figure.columns = std::min(kPanelsOfMeasures, figure.panels.size());
  figure.caption = experiment.measures.size() == 1 ? "The dashed line is the value without any edit."
                                                   : "The dashed lines are the values without any edit.";
  return figure;
}

Figure line_figure(const SweepExperiment& experiment) {
  return figure_by_metric(experiment, figure_axis(experiment, experiment.axes[0]), [&](std::size_t m, bool several) {
    Line line;
    line.y = values_of(experiment, m);
    for (std::size_t i = 0; i < line.y.size(); ++i) line.x.push_back(static_cast<double>(i));
    if (several) line.label = target_name(experiment, m);
    return line;
  });
}

// A bar for each measure.
Figure bar_figure(const SweepExperiment& experiment) {
  Figure figure;
  for (std::size_t m = 0; m < experiment.measures.size(); ++m) {
    Panel& panel = figure.panels.emplace_back();
    panel.x.ticks = {"edited"};
    panel.y.title = measure_title(experiment, m);
    panel.marks = {Bars{values_of(experiment, m), false, false}, clean_reference(experiment, m, false)};
  }
  figure.columns = std::min(kPanelsOfMeasures, figure.panels.size());
  figure.caption = "The dashed line is the value without any edit.";
  return figure;
}

// The number of panels in a row: the values of the last axis that chooses a panel, if they fit.
std::size_t panels_in_a_row(const std::vector<SweepAxis>& axes, std::size_t panels) {
  constexpr std::size_t kMost = 6, kOfOneAxis = 3;
  if (axes.size() > 3)
    if (const std::size_t inner = axes[axes.size() - 3].values.size(); inner > 1 && inner <= kMost) return inner;
  return std::min(kOfOneAxis, panels);
}

// Edited minus clean values of each measure. Measures of several metrics have no common unit: they are shares of their
// largest change, which is returned for the titles, and otherwise empty.
std::pair<std::vector<std::vector<double>>, std::vector<double>> changes_of(const SweepExperiment& experiment) {
  const bool shares = by_metric(experiment).size() > 1;
  std::vector<std::vector<double>> changes;
  std::vector<double> largest;
  for (std::size_t m = 0; m < experiment.measures.size(); ++m) {
    std::vector<double>& of_measure = changes.emplace_back(values_of(experiment, m));
    double most = 0;
    for (double& value : of_measure) {
      value -= clean_of(experiment, m);
      if (std::isfinite(value)) most = std::max(most, std::abs(value));
    }
    if (!shares) continue;
    largest.push_back(most);
    for (double& value : of_measure) value /= most > 0 ? most : 1;
  }
  return {std::move(changes), std::move(largest)};
}

// "log_prob “ insect”, ±2.13" of several metrics, “ insect” of several targets; empty for a single measure.
std::string panel_title(const SweepExperiment& experiment, std::size_t measure, const std::vector<double>& largest) {
  if (experiment.measures.size() == 1) return {};
  if (largest.empty()) return target_name(experiment, measure);
  const Metric metric = experiment.measures[measure].metric;
  return std::string(name_of(metric)) + (targets_of(metric) > 0 ? " " + target_name(experiment, measure) : "") + ", ±" +
         prose_number(largest[measure]);
}

// Heat maps of edited minus clean values: the last two axes are a panel's rows and columns, measures and the others
// choose the panel.
Figure heatmap_figure(const SweepExperiment& experiment) {
  const auto& axes = experiment.axes;
  const SweepAxis &rows = axes[axes.size() - 2], &cols = axes.back();
  const std::size_t points = rows.values.size() * cols.values.size(), measures = experiment.measures.size();
  const std::size_t panels_of_measure = experiment.result.values.size() / points;
  const std::size_t panels = measures * panels_of_measure;
  if (panels > kMostPanels)
    throw Error("figure",
                "the grid needs " + std::to_string(panels) + " heat maps, more than " + std::to_string(kMostPanels) +
                    " fit into one figure",
                "sweep fewer values of the first axes, or read the numbers with --json");
  const auto [changes, largest] = changes_of(experiment);
  std::vector<double> all;
  for (const auto& of_measure : changes) all.insert(all.end(), of_measure.begin(), of_measure.end());
  Figure figure;
  figure.caption = measures == 1 ? "Edited minus clean (" + prose_number(experiment.result.clean) + ")."
                   : largest.empty()
                       ? "Edited minus clean, one map for each target."
                       : "Edited minus clean, as shares of the largest change of each measure, which its title names.";
  figure.color =
      signed_scale(all, !largest.empty() ? "change, as a share of the largest"
                        : measures == 1  ? "change of the " + metric_title(experiment)
                                         : "change of the " + std::string(title_of(experiment.measures[0].metric)));
  figure.columns = panels_in_a_row(axes, panels);
  for (std::size_t i = 0; i < panels; ++i) {
    const std::size_t measure = i / panels_of_measure, p = i % panels_of_measure;
    Panel panel;
    panel.y = figure_axis(experiment, rows);
    panel.x = figure_axis(experiment, cols);
    std::size_t rest = p;
    for (std::size_t a = axes.size() - 2; a-- > 0;) {
      const std::string& value = axes[a].values[rest % axes[a].values.size()];
      const std::string label =
          is_index_axis(axes[a]) ? axis_label(experiment, axes[a], value) : axes[a].name + " " + value;
      panel.title = label + (panel.title.empty() ? "" : ", ") + panel.title;
      rest /= axes[a].values.size();
    }
    const std::string of_measure = panel_title(experiment, measure, largest);
    panel.title = of_measure + (of_measure.empty() || panel.title.empty() ? "" : ", ") + panel.title;
    Heatmap map;
    for (std::size_t r = 0; r < rows.values.size(); ++r) {
      const auto begin = changes[measure].begin() + static_cast<std::ptrdiff_t>(p * points + r * cols.values.size());
      map.values.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(cols.values.size()));
    }
    panel.marks = {map};
    figure.panels.push_back(std::move(panel));
  }
  return figure;
}

void add_share(double clean, const std::vector<double>& values, double count, double& mean_clean,
               std::vector<double>& means) {
  mean_clean += clean / count;
  for (std::size_t i = 0; i < means.size(); ++i) means[i] += values[i] / count;
}

// An experiment with the mean over the prompts of each grid point and of the clean value.
SweepExperiment mean_of(const SweptPrompts& swept) {
  SweepExperiment mean;
  const SweepExperiment& first = swept.prompts[0];
  mean.text = first.text;
  // Each prompt has its own targets.
  for (const TargetMeasure& measure : first.measures) mean.measures.push_back({measure.metric, {}});
  mean.whole = first.whole;
  mean.axes = first.axes;
  mean.result.values.resize(first.result.values.size());
  mean.result.also_clean.resize(first.measures.size() - 1);
  mean.result.also_values.assign(first.measures.size() - 1, mean.result.values);
  const auto count = static_cast<double>(swept.prompts.size());
  for (const SweepExperiment& prompt : swept.prompts) {
    const auto same = [](const SweepAxis& a, const SweepAxis& b) { return a.values == b.values; };
    if (!std::equal(prompt.axes.begin(), prompt.axes.end(), first.axes.begin(), first.axes.end(), same))
      throw Error("figure", "the prompts' grids differ, so they have no mean to draw",
                  "leave out the axis that depends on the text, or read the numbers with --json");
    if (prompt.measures.size() != first.measures.size())
      throw Error("figure", "the prompts have different numbers of targets, so they have no mean to draw",
                  "give each the same number, or read the numbers with --json");
    add_share(prompt.result.clean, prompt.result.values, count, mean.result.clean, mean.result.values);
    for (std::size_t m = 0; m < mean.result.also_clean.size(); ++m)
      add_share(prompt.result.also_clean[m], prompt.result.also_values[m], count, mean.result.also_clean[m],
                mean.result.also_values[m]);
  }
  // Each prompt has its own tokens.
  for (std::string& token : mean.text.tokens) token = "·";
  return mean;
}

}  // namespace

Figure figure_of(const SweepExperiment& experiment) {
  Figure figure = experiment.axes.empty()       ? bar_figure(experiment)
                  : experiment.axes.size() == 1 ? line_figure(experiment)
                                                : heatmap_figure(experiment);
  figure.title = "Effect of an edit on the " +
                 (experiment.measures.size() == 1 ? metric_title(experiment) : std::string("prediction"));
  return figure;
}

std::string metric_title(const SweepExperiment& experiment) {
  std::vector<Target> targets = experiment.measures[0].targets;
  if (experiment.whole && !targets.empty()) {
    targets[0].token.clear();
    for (const std::string& piece : targets[0].pieces) targets[0].token += piece;
  }
  return metric_title(experiment.measures[0].metric, targets);
}

Figure figure_of(const SweptPrompts& swept) {
  if (swept.prompts.size() == 1) return figure_of(swept.prompts[0]);
  Figure figure = figure_of(mean_of(swept));
  figure.caption = "Means over " + std::to_string(swept.prompts.size()) + " prompts. " + figure.caption;
  return figure;
}

}  // namespace stratoscope
