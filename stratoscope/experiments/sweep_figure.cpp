// The figures of a sweep.
#include <algorithm>

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

Reference clean_reference(const SweepExperiment& experiment) {
  return {"clean " + prose_number(experiment.result.clean), experiment.result.clean};
}

Figure line_figure(const SweepExperiment& experiment) {
  Panel panel;
  panel.x = figure_axis(experiment, experiment.axes[0]);
  panel.y.title = metric_title(experiment);
  Line line;
  for (std::size_t i = 0; i < experiment.result.values.size(); ++i) line.x.push_back(static_cast<double>(i));
  line.y = experiment.result.values;
  panel.marks = {clean_reference(experiment), line};
  return {"", "The dashed line is the value without any edit.", "", {panel}, 1, std::nullopt};
}

Figure bar_figure(const SweepExperiment& experiment) {
  Panel panel;
  panel.x.ticks = {"edited"};
  panel.y.title = metric_title(experiment);
  panel.marks = {Bars{experiment.result.values, false, false}, clean_reference(experiment)};
  return {"", "The dashed line is the value without any edit.", "", {panel}, 1, std::nullopt};
}

// The number of panels in a row: the values of the last axis that chooses a panel, if they fit.
std::size_t panels_in_a_row(const std::vector<SweepAxis>& axes, std::size_t panels) {
  constexpr std::size_t kMost = 6, kOfOneAxis = 3;
  if (axes.size() > 3)
    if (const std::size_t inner = axes[axes.size() - 3].values.size(); inner > 1 && inner <= kMost) return inner;
  return std::min(kOfOneAxis, panels);
}

// Heat maps of edited minus clean values: the last two axes are a panel's rows and columns, the others choose the
// panel.
Figure heatmap_figure(const SweepExperiment& experiment) {
  const auto& axes = experiment.axes;
  const SweepAxis &rows = axes[axes.size() - 2], &cols = axes.back();
  const std::size_t points = rows.values.size() * cols.values.size();
  const std::size_t panels = experiment.result.values.size() / points;
  if (panels > kMostPanels)
    throw Error("figure",
                "the grid needs " + std::to_string(panels) + " heat maps, more than " + std::to_string(kMostPanels) +
                    " fit into one figure",
                "sweep fewer values of the first axes, or read the numbers with --json");
  std::vector<double> changes = experiment.result.values;
  for (double& value : changes) value -= experiment.result.clean;
  Figure figure;
  figure.caption = "Edited minus clean (" + prose_number(experiment.result.clean) + ").";
  figure.color = signed_scale(changes, "change of the " + metric_title(experiment));
  figure.columns = panels_in_a_row(axes, panels);
  for (std::size_t p = 0; p < panels; ++p) {
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
    Heatmap map;
    for (std::size_t r = 0; r < rows.values.size(); ++r) {
      const auto begin = changes.begin() + static_cast<std::ptrdiff_t>(p * points + r * cols.values.size());
      map.values.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(cols.values.size()));
    }
    panel.marks = {map};
    figure.panels.push_back(std::move(panel));
  }
  return figure;
}

// An experiment with the mean over the prompts of each grid point and of the clean value.
SweepExperiment mean_of(const SweptPrompts& swept) {
  SweepExperiment mean;
  const SweepExperiment& first = swept.prompts[0];
  mean.text = first.text;
  mean.metric = first.metric;
  mean.whole = first.whole;
  mean.axes = first.axes;
  mean.result.values.resize(first.result.values.size());
  const auto count = static_cast<double>(swept.prompts.size());
  for (const SweepExperiment& prompt : swept.prompts) {
    const auto same = [](const SweepAxis& a, const SweepAxis& b) { return a.values == b.values; };
    if (!std::equal(prompt.axes.begin(), prompt.axes.end(), first.axes.begin(), first.axes.end(), same))
      throw Error("figure", "the prompts' grids differ, so they have no mean to draw",
                  "leave out the axis that depends on the text, or read the numbers with --json");
    mean.result.clean += prompt.result.clean / count;
    for (std::size_t i = 0; i < mean.result.values.size(); ++i)
      mean.result.values[i] += prompt.result.values[i] / count;
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
  figure.title = "Effect of an edit on the " + metric_title(experiment);
  return figure;
}

std::string metric_title(const SweepExperiment& experiment) {
  std::vector<Target> targets = experiment.targets;
  if (experiment.whole && !targets.empty()) {
    targets[0].token.clear();
    for (const std::string& piece : targets[0].pieces) targets[0].token += piece;
  }
  return metric_title(experiment.metric, targets);
}

Figure figure_of(const SweptPrompts& swept) {
  if (swept.prompts.size() == 1) return figure_of(swept.prompts[0]);
  Figure figure = figure_of(mean_of(swept));
  figure.caption = "Means over " + std::to_string(swept.prompts.size()) + " prompts. " + figure.caption;
  return figure;
}

}  // namespace stratoscope
