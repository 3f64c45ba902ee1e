#include "stratoscope/experiment/sweep_experiment.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "stratoscope/base/error.h"
#include "stratoscope/experiment/json_document.h"
#include "stratoscope/experiment/labels.h"
#include "stratoscope/figures/similarity_scale.h"
#include "stratoscope/probe/edits.h"

namespace stratoscope {
namespace {

constexpr std::size_t kMostPanels = 36;

// What a user should know: a target that is cut, grid points without effect or without numbers.
std::vector<std::string> warnings_of(const Session& session, const SweepExperiment& experiment,
                                     const SweepRequest& request) {
  constexpr double kNearlyNothing = 1e-6;  // nats
  std::vector<std::string> warnings;
  for (const Target& target : experiment.targets)
    if (target.ids.size() > 1 && !experiment.whole)
      warnings.push_back(cut_warning(target) + " ('sweep --whole' scores them all)");
  std::size_t without_effect = 0, cancelled = 0, not_finite = 0;
  for (std::size_t cell = 0; cell < experiment.result.effects.size(); ++cell) {
    const Effect& effect = experiment.result.effects[cell];
    if (std::isnan(effect.kl + effect.max_change)) ++not_finite;
    if (!(effect.kl < kNearlyNothing)) continue;
    ++without_effect;
    const auto edits = edits_of_cell(request, cell);
    if (std::any_of(edits.begin(), edits.end(),
                    [&](const EditExpression& edit) { return cancelled_by_final_norm(edit, session.config()); }))
      ++cancelled;
  }
  const auto of_all = [&](std::size_t count) {
    return std::to_string(count) + " of " + std::to_string(experiment.result.effects.size()) + " grid points";
  };
  if (without_effect > 0)
    warnings.push_back(
        of_all(without_effect) + " moved the prediction by next to nothing" +
        (cancelled == without_effect ? ": the final norm cancels a scaling of the last block's output" : ""));
  if (not_finite > 0) warnings.push_back(of_all(not_finite) + " gave logits that are not finite");
  return warnings;
}

bool is_index_axis(const SweepAxis& axis) {
  return axis.name == "layer" || axis.name == "position" || axis.name == "head";
}

// A value of an axis as JSON: a number where it reads as one.
Json axis_value(const std::string& text) {
  long whole = 0;
  double real = 0;
  const char* end = text.data() + text.size();
  if (auto [after, error] = std::from_chars(text.data(), end, whole); error == std::errc() && after == end)
    return whole;
  if (auto [after, error] = std::from_chars(text.data(), end, real);
      error == std::errc() && after == end && std::isfinite(real))
    return real;
  return text;
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

// Heat maps of edited minus clean: the last two axes are a panel's rows and columns, the others choose the panel.
Figure heatmap_figure(const SweepExperiment& experiment) {
  const auto& axes = experiment.axes;
  const SweepAxis &rows = axes[axes.size() - 2], &cols = axes.back();
  const std::size_t cells = rows.values.size() * cols.values.size();
  const std::size_t panels = experiment.result.values.size() / cells;
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
  figure.columns = panels == 1 ? 1 : std::min<std::size_t>(3, panels);
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
      const auto begin = changes.begin() + static_cast<std::ptrdiff_t>(p * cells + r * cols.values.size());
      map.values.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(cols.values.size()));
    }
    panel.marks = {map};
    figure.panels.push_back(std::move(panel));
  }
  return figure;
}

}  // namespace

SweepExperiment run_sweep(const Session& session, const SweepExperimentRequest& request) {
  SweepExperiment experiment;
  experiment.text = session.read(request.text, request.text_options);
  experiment.metric = parse_metric(request.metric);
  experiment.whole = request.whole;
  for (const TargetChoice& choice : request.targets) experiment.targets.push_back(read_target(session, choice));
  if (request.whole && experiment.targets.size() > 1)
    throw Error("target", "a whole target is one text, but " + std::to_string(experiment.targets.size()) + " are given",
                "name one with --target");
  for (const std::string& axis : request.axes)
    experiment.axes.push_back(parse_axis(axis, session.config(), experiment.text.ids.size()));

  SweepRequest sweep_request;
  sweep_request.text = experiment.text.ids;
  std::optional<Text> corrupt;
  if (request.edits.corrupt_text) {
    corrupt = session.read(*request.edits.corrupt_text, request.text_options);
    sweep_request.corrupt = corrupt->ids;
  }
  sweep_request.edits = request.edits.expressions;
  sweep_request.axes = experiment.axes;
  sweep_request.metric = experiment.metric;
  sweep_request.whole = request.whole;
  sweep_request.progress = session.progress();
  if (request.whole && experiment.targets.size() == 1)
    sweep_request.targets = experiment.targets[0].ids;
  else
    for (const Target& target : experiment.targets) sweep_request.targets.push_back(target.id);
  check_corrupt_is_read(edits_of_cell(sweep_request, 0), corrupt.has_value());
  try {
    experiment.result = sweep(session.model(), sweep_request);
  } catch (LengthMismatch& mismatch) {
    mismatch.set_details(side_by_side(experiment.text, *corrupt));
    throw;
  }
  experiment.warnings = warnings_of(session, experiment, sweep_request);
  return experiment;
}

Document to_json(const Session& session, const SweepExperiment& experiment) {
  Json json = begin_document(session, experiment.result.effect, &experiment.text);
  Json targets = Json::array();
  for (const Target& target : experiment.targets)
    targets.push_back({{"id", target.id}, {"token", target.token}, {"ids", target.ids}});
  json["target"] = targets.size() == 1 ? targets[0] : targets.empty() ? Json() : targets;
  json["metric"] = name_of(experiment.metric);
  json["clean"] = experiment.result.clean;
  json["axes"] = Json::array();
  for (const SweepAxis& axis : experiment.axes) {
    Json values = Json::array();
    for (const std::string& value : axis.values) values.push_back(axis_value(value));
    json["axes"].push_back({{"name", axis.name}, {"values", values}});
  }
  json["results"] = Json::array();
  for (std::size_t cell = 0; cell < experiment.result.values.size(); ++cell) {
    std::vector<std::pair<std::string, Json>> point;
    std::size_t rest = cell;
    for (std::size_t a = experiment.axes.size(); a-- > 0;) {
      const SweepAxis& axis = experiment.axes[a];
      point.insert(point.begin(), {axis.name, axis_value(axis.values[rest % axis.values.size()])});
      rest /= axis.values.size();
    }
    Json result = Json::object();
    for (auto& [name, value] : point) result[name] = std::move(value);
    result["value"] = experiment.result.values[cell];
    json["results"].push_back(std::move(result));
  }
  return finish_document(json);
}

Figure figure_of(const SweepExperiment& experiment) {
  Figure figure = experiment.axes.empty()       ? bar_figure(experiment)
                  : experiment.axes.size() == 1 ? line_figure(experiment)
                                                : heatmap_figure(experiment);
  figure.title = "What an edit does to the " + metric_title(experiment);
  return figure;
}

std::string metric_title(const SweepExperiment& experiment) {
  std::string title(title_of(experiment.metric));
  if (experiment.targets.empty() || targets_of(experiment.metric) == 0) return title;
  const Target& first = experiment.targets[0];
  std::string whole;
  for (const std::string& piece : first.pieces) whole += piece;
  std::string of = " of " + token_label(experiment.whole ? whole : first.token);
  if (experiment.metric == Metric::logit_diff) of += " to " + token_label(experiment.targets[1].token);
  const auto unit = title.find(" (");
  return unit == std::string::npos ? title + of : title.insert(unit, of);
}

}  // namespace stratoscope
