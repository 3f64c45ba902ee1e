#include "stratoscope/experiments/edges.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "stratoscope/base/error.h"
#include "stratoscope/experiments/common_fields.h"
#include "stratoscope/figures/similarity_scale.h"
#include "stratoscope/probe/edits.h"
#include "stratoscope/session/alignment.h"
#include "stratoscope/session/json_document.h"
#include "stratoscope/session/labels.h"
#include "stratoscope/session/nonfinite_points.h"

namespace stratoscope {
namespace {

const char* name_of(Replacement replacement) {
  switch (replacement) {
    case Replacement::corrupt: return "corrupt";
    case Replacement::mean: return "mean";
    default: return "zero";
  }
}

// The place of a component in the figure: heads side by side, the MLP after them and half a block higher, the logits on
// top.
std::pair<double, double> place_of(const EdgesExperiment& experiment, std::size_t component) {
  const auto& components = experiment.edges.components;
  const std::size_t blocks = components.back().layer + 1, heads = components.size() / blocks - 1;
  if (component == components.size()) return {static_cast<double>(heads) / 2, static_cast<double>(blocks)};
  const Component& at = components[component];
  return {static_cast<double>(at.is_mlp ? heads : at.head), static_cast<double>(at.layer) + (at.is_mlp ? 0.5 : 0)};
}

Panel circuit_panel(const EdgesExperiment& experiment, std::size_t shown) {
  const auto& components = experiment.edges.components;
  const std::size_t blocks = components.back().layer + 1, heads = components.size() / blocks - 1;
  Panel panel;
  panel.title = "the strongest edges";
  for (std::size_t head = 0; head < heads; ++head) panel.x.ticks.push_back("H" + std::to_string(head));
  panel.x.ticks.emplace_back("MLP");
  for (std::size_t layer = 0; layer < blocks; ++layer) panel.y.ticks.push_back(block_label(layer));
  panel.y.ticks.emplace_back("logits");
  constexpr double kBreak = std::numeric_limits<double>::quiet_NaN();
  Line up{"without it the metric falls", {}, {}, true}, down{"without it the metric rises", {}, {}, true};
  for (std::size_t i = 0; i < std::min(shown, experiment.strongest.size()); ++i) {
    const StrongEdge& edge = experiment.strongest[i];
    if (edge.change == 0 || std::isnan(edge.change)) continue;
    Line& line = edge.change < 0 ? up : down;
    for (const std::size_t end : {edge.sender, edge.receiver}) {
      const auto [x, y] = place_of(experiment, end);
      line.x.push_back(x);
      line.y.push_back(y);
    }
    line.x.push_back(line.x.back());
    line.y.push_back(kBreak);
  }
  panel.marks = {up, down};
  return panel;
}

}  // namespace

void describe(EdgesExperimentRequest& request, Fields& fields) {
  add_added_tokens(fields, request.text_options);
  fields
      .add("corrupt", request.corrupt,
           "replace senders by their output on this text, which has as many tokens as TEXT (default: by zero)")
      .value("TEXT");
  fields.add("mean", request.mean, "replace senders by the mean of their output over the text");
  add_targets(fields, request.targets);
  add_metric(fields, request.metric);
  add_top(fields, request.top, "number of listed and drawn edges").only_shown();
  add_memory_limit(fields, request.memory_limit);
  add_text(fields, request.text);
}

EdgesExperiment edges(const Session& session, const EdgesExperimentRequest& request) {
  EdgesExperiment experiment;
  experiment.text = session.read(request.text, request.text_options);
  experiment.metric = request.metric;
  experiment.targets = read_targets(session, request.targets);
  check_target_count("edges", experiment.metric, experiment.targets.size());
  if (request.corrupt && request.mean)
    throw Error("edges", "a corrupt text and the mean are given", "leave out one of them");
  EdgesRequest patching;
  patching.text = experiment.text.ids;
  if (request.corrupt) {
    experiment.corrupt = session.read(*request.corrupt, request.text_options);
    patching.corrupt = experiment.corrupt->ids;
    if (patching.corrupt.size() != patching.text.size()) {
      LengthMismatch mismatch("edges",
                              "the text has " + std::to_string(patching.text.size()) + " tokens, the corrupt one " +
                                  std::to_string(patching.corrupt.size()),
                              "both need the same number");
      mismatch.set_details(side_by_side(experiment.text, *experiment.corrupt));
      throw std::move(mismatch);
    }
  }
  experiment.replacement = request.corrupt ? Replacement::corrupt
                           : request.mean  ? Replacement::mean
                                           : Replacement::zero;
  patching.replacement = experiment.replacement;
  patching.metric = experiment.metric;
  for (const Target& target : experiment.targets) patching.targets.push_back(target.id);
  patching.memory_limit = request.memory_limit;
  patching.progress = session.progress();
  experiment.edges = patch_edges(session.model(), patching);
  const auto& values = experiment.edges.values;
  experiment.warnings = cut_warnings(experiment.targets);
  NonfinitePoints nonfinite;
  for (std::size_t s = 0; s < values.size(); ++s)
    for (std::size_t r = 0; r < values[s].size(); ++r)
      if (experiment.edges.has(s, r)) {
        experiment.strongest.push_back({s, r, values[s][r] - experiment.edges.clean});
        nonfinite.look_at(std::isfinite(values[s][r]) ? Effect() : Effect{values[s][r], values[s][r]},
                          [&] { return receiver_name(experiment, s) + " to " + receiver_name(experiment, r); });
      }
  nonfinite.warn("edges", experiment.warnings);
  // NaN first, so that it is noticed.
  const auto size = [](const StrongEdge& edge) { return std::isnan(edge.change) ? HUGE_VAL : std::abs(edge.change); };
  std::stable_sort(experiment.strongest.begin(), experiment.strongest.end(),
                   [&](const StrongEdge& a, const StrongEdge& b) { return size(a) > size(b); });
  return experiment;
}

std::string receiver_name(const EdgesExperiment& experiment, std::size_t receiver) {
  const auto& components = experiment.edges.components;
  return receiver == components.size() ? "logits" : name_of(components[receiver]);
}

Document to_json(const Session& session, const EdgesExperiment& experiment) {
  Json json = begin_document(session, experiment.edges.effect, &experiment.text);
  json["metric"] = stratoscope::name_of(experiment.metric);
  json["target"] = targets_json(experiment.targets);
  json["replacement"] = name_of(experiment.replacement);
  json["clean"] = experiment.edges.clean;
  Json names = Json::array();
  for (const Component& component : experiment.edges.components) names.push_back(name_of(component));
  json["senders"] = names;
  names.push_back("logits");
  json["receivers"] = names;
  // A pair without an edge has no value; this needs no warning.
  json["values"] = Json::array();
  for (std::size_t s = 0; s < experiment.edges.values.size(); ++s) {
    Json& row = json["values"].emplace_back(Json::array());
    for (std::size_t r = 0; r < experiment.edges.values[s].size(); ++r)
      row.push_back(experiment.edges.has(s, r) ? Json(experiment.edges.values[s][r]) : Json());
  }
  json["edges"] = Json::array();
  for (const StrongEdge& edge : experiment.strongest)
    json["edges"].push_back({{"sender", receiver_name(experiment, edge.sender)},
                             {"receiver", receiver_name(experiment, edge.receiver)},
                             {"change", edge.change}});
  return finish_document(json);
}

std::vector<NamedValues> arrays_of(const EdgesExperiment& experiment) {
  return {named_values("values", experiment.edges.values)};
}

Figure figure_of(const EdgesExperiment& experiment, const EdgesExperimentRequest& request) {
  return figure_of(experiment, request.top);
}

Figure figure_of(const EdgesExperiment& experiment, std::size_t shown) {
  const std::string title = metric_title(experiment.metric, experiment.targets);
  Figure figure;
  figure.title = "Effect of each edge on the " + title;
  figure.caption = "A sender's output is replaced (" + std::string(name_of(experiment.replacement)) +
                   ") in the input of one receiver. Clean value " + prose_number(experiment.edges.clean) + "; the " +
                   std::to_string(std::min(shown, experiment.strongest.size())) + " strongest of " +
                   std::to_string(experiment.strongest.size()) + " edges are drawn.";
  Panel matrix;
  matrix.title = "every edge";
  matrix.y.title = "sender";
  matrix.x.title = "receiver";
  Heatmap map;
  std::vector<double> all;
  const auto& values = experiment.edges.values;
  for (std::size_t s = 0; s < values.size(); ++s) {
    matrix.y.ticks.push_back(receiver_name(experiment, s));
    auto& row = map.values.emplace_back(values[s]);
    for (double& value : row) value -= experiment.edges.clean;
    for (const double value : row)
      if (!std::isnan(value)) all.push_back(value);
  }
  for (std::size_t r = 0; r <= values.size(); ++r) matrix.x.ticks.push_back(receiver_name(experiment, r));
  matrix.marks = {map};
  figure.panels = {circuit_panel(experiment, shown), std::move(matrix)};
  figure.columns = 2;
  figure.color = signed_scale(all, "change of the " + title);
  return figure;
}

}  // namespace stratoscope
