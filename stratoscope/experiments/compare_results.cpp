// A comparison of two groups as a document and as figures.
#include <algorithm>
#include <cmath>
#include <limits>

#include "stratoscope/experiments/common_fields.h"
#include "stratoscope/experiments/compare.h"
#include "stratoscope/figures/similarity_scale.h"
#include "stratoscope/probe/indices.h"
#include "stratoscope/session/json_document.h"
#include "stratoscope/session/labels.h"

namespace stratoscope {
namespace {

Json number_or_null(double value) { return std::isnan(value) ? Json() : Json(value); }

Json unit_json(const GroupComparison& result, const ComparedUnit& unit) {
  const GroupDifference& found = unit.difference;
  Json json = {{"unit", name_of(result, unit)}, {"hook_point", name_of(result.points[unit.point].at)}};
  if (info_of(result.points[unit.point].at.hook).scope == Scope::block)
    json["layer"] = result.points[unit.point].at.layer;
  if (unit.head) json["head"] = *unit.head;
  if (unit.index) json["index"] = *unit.index;
  json["mean_a"] = found.mean_a;
  json["mean_b"] = found.mean_b;
  json["t"] = found.t;
  json["degrees"] = found.degrees;
  json["p"] = found.p;
  json["d"] = found.d;
  json["auc"] = found.auc;
  json["p_bonferroni"] = unit.p_bonferroni;
  json["p_fdr"] = unit.p_fdr;
  json["bonferroni"] = unit.p_bonferroni <= result.alpha;
  json["fdr"] = unit.p_fdr <= result.alpha;
  return json;
}

Json point_json(const ComparedPoint& point) {
  return {{"hook_point", name_of(point.at)},
          {"label", point.label},
          {"units", point.units},
          {"bonferroni", point.bonferroni},
          {"fdr", point.fdr},
          {"probe",
           {{"accuracy", point.accuracy},
            {"auc", point.auc},
            {"chance_accuracy", number_or_null(point.chance_accuracy)},
            {"chance_auc", number_or_null(point.chance_auc)},
            {"p", number_or_null(point.p)}}}};
}

Axis points_axis(const GroupComparison& result) {
  Axis axis{"block", {}, std::nullopt, false};
  for (const ComparedPoint& point : result.points) axis.ticks.push_back(point.label);
  return axis;
}

template <class Value>
Line line_over_points(const GroupComparison& result, const std::string& label, Value value) {
  Line line{label, {}, {}, true};
  for (std::size_t i = 0; i < result.points.size(); ++i) {
    line.x.push_back(static_cast<double>(i));
    line.y.push_back(value(result.points[i]));
  }
  return line;
}

Panel effects_panel(const GroupComparison& result) {
  Panel panel{"Effect sizes", points_axis(result), {}, {}};
  panel.y.title = "Cohen's d (A − B)";
  JitteredPoints points{std::vector<std::vector<double>>(result.points.size())};
  for (const ComparedUnit& unit : result.units) points.columns[unit.point].push_back(unit.difference.d);
  panel.marks = {std::move(points)};
  return panel;
}

Panel share_panel(const GroupComparison& result) {
  Panel panel{"Significant units", points_axis(result), {}, {}};
  panel.y.title = "share (%)";
  const auto share = [](std::size_t count, const ComparedPoint& point) {
    return 100 * static_cast<double>(count) / static_cast<double>(point.units);
  };
  panel.marks = {
      line_over_points(result, "false discovery rate", [&](const auto& point) { return share(point.fdr, point); }),
      line_over_points(result, "Bonferroni", [&](const auto& point) { return share(point.bonferroni, point); })};
  return panel;
}

Panel probe_panel(const GroupComparison& result) {
  Panel panel{"Probe", points_axis(result), {}, {}};
  panel.y.title = "on unseen prompts";
  panel.y.range = {0, 1.05};
  panel.marks = {line_over_points(result, "accuracy", [](const auto& point) { return point.accuracy; })};
  panel.marks.emplace_back(line_over_points(result, "AUC", [](const auto& point) { return point.auc; }));
  if (result.shuffles > 0)
    panel.marks.emplace_back(
        line_over_points(result, "accuracy by chance", [](const auto& point) { return point.chance_accuracy; }));
  return panel;
}

Panel largest_panel(const GroupComparison& result) {
  constexpr std::size_t kMostBars = 12;
  Panel panel{"Smallest p", {}, {}, {}};
  panel.x.title = "Cohen's d (A − B)";
  Bars bars{{}, true, false};
  for (std::size_t i = 0; i < std::min(kMostBars, result.ranked.size()); ++i) {
    const ComparedUnit& unit = result.units[result.ranked[i]];
    bars.values.push_back(unit.difference.d);
    panel.y.ticks.push_back(name_of(result, unit));
  }
  panel.marks = {std::move(bars)};
  return panel;
}

std::string groups_text(const GroupComparison& result) {
  return std::to_string(result.count_a) + " prompts of group A and " + std::to_string(result.count_b) + " of group B";
}

// "at hook_resid_post, at the last position"
std::string place_text(const GroupComparison& result) {
  const std::string position = result.position == "last"   ? "at the last position"
                               : result.position == "mean" ? "averaged over positions"
                                                           : "at position " + result.position;
  return std::string(info_of(result.points[0].at.hook).name) + (result.norms ? " (norms)" : "") + " " + position;
}

Figure effects_figure(const GroupComparison& result) {
  Figure figure;
  figure.title = "Two groups of prompts";
  figure.caption = groups_text(result) + ", " + place_text(result) +
                   ": the effect size of every unit; the share of units that differ by Welch's t-test at the " +
                   prose_number(result.alpha * 100) + " % level after correction for " +
                   std::to_string(result.units.size()) +
                   " tests; a logistic probe judged on prompts that it was not fitted to" +
                   (result.shuffles > 0 ? ", and with shuffled labels; " : "; ") + "the units with the smallest p.";
  figure.panels = {effects_panel(result), share_panel(result), probe_panel(result)};
  if (!result.ranked.empty()) figure.panels.push_back(largest_panel(result));
  figure.columns = 2;
  return figure;
}

Figure rsa_figure(const GroupComparison& result) {
  Figure figure;
  const bool spearman = result.correlation == RsaCorrelation::spearman;
  figure.title = result.other_model ? "RSA of two models" : "RSA between blocks";
  figure.caption = "Representational similarity: " + std::string(spearman ? "Spearman" : "Pearson") +
                   " correlation of the cosine similarities between " + std::to_string(result.prompts.size()) +
                   " prompts (the pairs above the diagonal), " + place_text(result) + ".";
  Panel panel{"", {}, points_axis(result), {Heatmap{result.rsa}}};
  panel.x = {result.other_model ? "block of " + *result.other_model : "block", result.other_labels, std::nullopt,
             false};
  figure.panels = {std::move(panel)};
  double least = 0;
  for (const auto& row : result.rsa)
    for (const double value : row)
      if (std::isfinite(value)) least = std::min(least, value);
  figure.color =
      ColorScale{ColorMap::plasma, std::string(spearman ? "Spearman" : "Pearson") + " correlation", least, 1};
  return figure;
}

Figure prompts_figure(const GroupComparison& result) {
  constexpr std::size_t kPanels = 4;
  Figure figure;
  figure.title = "Similarity between prompts";
  figure.caption = "Cosine similarity between the " + std::to_string(result.prompts.size()) + " prompts, " +
                   place_text(result) + ": A0 to A" + std::to_string(result.count_a - 1) + ", then B0 to B" +
                   std::to_string(result.count_b - 1) + ".";
  std::vector<double> all;
  for (const std::size_t i : evenly_spaced(result.points.size(), kPanels)) {
    Panel panel{result.points[i].label, {}, {}, {Heatmap{result.similarities[i]}}};
    for (std::size_t k = 0; k < result.prompts.size(); ++k)
      panel.x.ticks.push_back(k < result.count_a ? "A" + std::to_string(k) : "B" + std::to_string(k - result.count_a));
    panel.y.ticks = panel.x.ticks;
    for (const auto& row : result.similarities[i]) all.insert(all.end(), row.begin(), row.end());
    figure.panels.push_back(std::move(panel));
  }
  figure.columns = std::min<std::size_t>(2, figure.panels.size());
  constexpr double kLowSimilarity = 0.5;
  figure.color = similarity_scale(all, kLowSimilarity, &figure.note);
  return figure;
}

}  // namespace

std::string name_of(const GroupComparison& result, const ComparedUnit& unit) {
  std::string name = result.points[unit.point].label;
  if (unit.head) name += "H" + std::to_string(*unit.head);
  if (unit.index) name += "[" + std::to_string(*unit.index) + "]";
  return name;
}

Document to_json(const Session& session, const GroupComparison& result) {
  Json json = begin_document(session);
  json["at"] = info_of(result.points[0].at.hook).name;
  json["norms"] = result.norms;
  json["position"] = result.position;
  json["groups"] = {{"a", result.count_a}, {"b", result.count_b}};
  json["alpha"] = result.alpha;
  json["folds"] = result.folds;
  json["shuffles"] = result.shuffles;
  json["tests"] = result.units.size();
  json["units"] = Json::array();
  for (const std::size_t i : result.ranked) json["units"].push_back(unit_json(result, result.units[i]));
  json["layers"] = Json::array();
  for (const ComparedPoint& point : result.points) json["layers"].push_back(point_json(point));
  json["rsa"] = {{"correlation", choice_name(result.correlation)}, {"labels", result.other_labels}};
  if (result.other_model) json["rsa"]["model"] = *result.other_model;
  json["rsa"]["matrix"] = Json::array();
  for (const auto& row : result.rsa) {
    Json& values = json["rsa"]["matrix"].emplace_back(Json::array());
    for (const double value : row) values.push_back(number_or_null(value));
  }
  return finish_document(json);
}

std::vector<NamedValues> arrays_of(const GroupComparison& result) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  std::vector<NamedValues> arrays;
  const auto add = [&](const char* name, auto value) {
    std::vector<std::vector<double>> rows(result.points.size());
    for (const ComparedUnit& unit : result.units) rows[unit.point].push_back(value(unit));
    arrays.push_back(named_values(name, rows, kNone));
  };
  add("d", [](const ComparedUnit& unit) { return unit.difference.d; });
  add("t", [](const ComparedUnit& unit) { return unit.difference.t; });
  add("degrees", [](const ComparedUnit& unit) { return unit.difference.degrees; });
  add("p", [](const ComparedUnit& unit) { return unit.difference.p; });
  add("p_bonferroni", [](const ComparedUnit& unit) { return unit.p_bonferroni; });
  add("p_fdr", [](const ComparedUnit& unit) { return unit.p_fdr; });
  add("auc", [](const ComparedUnit& unit) { return unit.difference.auc; });
  add("mean_a", [](const ComparedUnit& unit) { return unit.difference.mean_a; });
  add("mean_b", [](const ComparedUnit& unit) { return unit.difference.mean_b; });
  std::vector<double> accuracy, auc, chance;
  for (const ComparedPoint& point : result.points) {
    accuracy.push_back(point.accuracy);
    auc.push_back(point.auc);
    chance.push_back(point.chance_accuracy);
  }
  arrays.push_back(named_values("accuracy", accuracy));
  arrays.push_back(named_values("probe_auc", auc));
  arrays.push_back(named_values("chance_accuracy", chance));
  arrays.push_back(named_values("rsa", result.rsa));
  arrays.push_back(named_values("similarities", result.similarities));
  return arrays;
}

Figure figure_of(const GroupComparison& result, const CompareRequest& request) {
  return request.draw == CompareView::effects ? effects_figure(result)
         : request.draw == CompareView::rsa   ? rsa_figure(result)
                                              : prompts_figure(result);
}

}  // namespace stratoscope
