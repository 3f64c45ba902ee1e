// Geometry as a document and as figures.
#include <algorithm>
#include <cmath>

#include "stratoscope/analysis/statistics.h"
#include "stratoscope/experiments/geometry.h"
#include "stratoscope/experiments/near_tokens_json.h"
#include "stratoscope/figures/similarity_scale.h"
#include "stratoscope/session/json_document.h"
#include "stratoscope/session/labels.h"

namespace stratoscope {
namespace {

constexpr double kLowCka = 0.5;  // the lower end of the colour scale of CKA

// A measure that is undefined for so few tokens is null and needs no warning.
Json measure(double value, bool defined) { return defined ? Json(value) : Json(); }

Json matrix_json(const std::vector<std::vector<double>>& matrix, bool defined) {
  return defined ? Json(matrix) : Json();
}

Axis depth_axis(const Geometry& result, const char* title = "depth") {
  return {title, result.labels, std::nullopt, false};
}

Line line_of(const std::string& label, const std::vector<double>& values) {
  Line line{label, {}, values, true};
  for (std::size_t i = 0; i < values.size(); ++i) line.x.push_back(static_cast<double>(i));
  return line;
}

std::string count_note(const Geometry& result) {
  const std::size_t all = result.text.ids.size(), count = result.tokens.size();
  if (count == all) return {};
  if (count + 1 == all && result.tokens.front() == 1) return " The first token is left out.";
  return " " + std::to_string(count) + " of " + std::to_string(all) + " tokens are measured.";
}

Panel norms_panel(const Geometry& result) {
  Panel panel{"Norm", depth_axis(result), {}, {}};
  panel.y.title = "Euclidean norm";
  panel.y.logarithmic = true;
  std::vector<double> medians;
  for (const auto& norms : result.norms) medians.push_back(median(norms));
  panel.marks = {JitteredPoints{result.norms}, line_of("median", medians)};
  return panel;
}

Panel dimension_panel(const Geometry& result) {
  Panel panel{"Effective dimension", depth_axis(result), {}, {}};
  panel.y.title = "participation ratio";
  panel.marks = {line_of("", result.dimensions)};
  return panel;
}

Panel anisotropy_panel(const Geometry& result) {
  Panel panel{"Anisotropy", depth_axis(result), {}, {}};
  panel.y.title = "mean cosine over pairs";
  std::vector<double> raw, centred;
  for (const Anisotropy& each : result.anisotropies) raw.push_back(each.raw), centred.push_back(each.centred);
  panel.marks = {line_of("as they are", raw), line_of("mean removed", centred)};
  return panel;
}

Panel cka_panel(const std::string& title, const Geometry& result, const std::vector<std::vector<double>>& cka) {
  return {title, depth_axis(result), depth_axis(result), {Heatmap{cka}}};
}

Figure dimension_figure(const Geometry& result) {
  const std::string share = prose_number(result.variance * 100, 4) + " %";
  Panel panel;
  panel.x = depth_axis(result);
  panel.y.title = "components for " + share + " of variance";
  panel.marks = {line_of("shuffled", result.shuffled_components), line_of("hidden states", result.components)};
  Figure figure;
  figure.title = "Dimension of the hidden states";
  figure.caption = "The smallest number of principal components with " + share +
                   " of the variance over the tokens; shuffled: the same after each dimension was permuted over the "
                   "tokens, which leaves only what chance gives.";
  figure.panels = {panel};
  return figure;
}

void set_cka_scale(const std::vector<const std::vector<std::vector<double>>*>& matrices, Figure& figure) {
  std::vector<double> all;
  for (const auto* matrix : matrices)
    for (const auto& row : *matrix) all.insert(all.end(), row.begin(), row.end());
  figure.color = similarity_scale(all, kLowCka, &figure.note, "linear CKA");
}

Figure measures_figure(const Geometry& result) {
  Figure figure;
  figure.title = "Geometry of the hidden states";
  figure.caption =
      "Each token's norm, with the median; the tokens' mean cosine over pairs, as they are and with their mean "
      "removed; "
      "their effective dimension (participation ratio); linear CKA between every two depths.";
  figure.panels = {norms_panel(result), anisotropy_panel(result), dimension_panel(result),
                   cka_panel("CKA between depths", result, result.cka)};
  figure.columns = 2;
  set_cka_scale({&result.cka}, figure);
  return figure;
}

Figure cka_figure(const Geometry& result) {
  Figure figure;
  figure.title = "Linear CKA between depths";
  figure.caption =
      "How alike the tokens' hidden states are at two depths, up to rotation and scaling; the debiased estimate does "
      "not grow with few tokens.";
  figure.panels = {cka_panel("CKA", result, result.cka), cka_panel("Debiased", result, result.cka_debiased)};
  figure.columns = 2;
  set_cka_scale({&result.cka, &result.cka_debiased}, figure);
  return figure;
}

std::string component_title(const Geometry& result, std::size_t k) {
  const double share = result.explained[k];
  return "principal component " + std::to_string(k + 1) +
         (std::isfinite(share) ? " (" + prose_number(share * 100, 3) + " % of the variance)" : "");
}

Figure trajectory_figure(const Geometry& result) {
  Panel panel;
  panel.x.title = component_title(result, 0);
  panel.y.title = component_title(result, 1);
  Trails trails;
  for (std::size_t i = 0; i < result.tokens.size(); ++i) {
    Trail trail{token_label(result.text.tokens[result.tokens[i]]), {}, {}};
    for (const auto& point : result.trajectories[i]) {
      trail.x.push_back(point[0]);
      trail.y.push_back(point[1]);
    }
    trails.trails.push_back(std::move(trail));
  }
  trails.steps = result.labels;
  panel.marks = {std::move(trails)};
  Figure figure;
  figure.title = "Paths of the tokens through depth";
  figure.caption =
      "Each line is a token's hidden state from depth to depth, seen along the two directions in which all of them "
      "vary "
      "most; its label stands where it ends.";
  figure.panels = {panel};
  figure.color = ColorScale{
      ColorMap::plasma, "depth (0 is the embedding)", 0, static_cast<double>(result.labels.size() - 1), true, true};
  return figure;
}

Figure nearest_figure(const Geometry& result) {
  std::vector<std::string> labels(result.labels.rbegin(), result.labels.rend());  // the last depth on top
  std::vector<NearTokens> lists(result.nearest.rbegin(), result.nearest.rend());
  Panel panel = nearest_panel(labels, lists);
  panel.y.title = "depth";
  Figure figure;
  figure.title = "Tokens nearest to " + token_label(result.text.tokens[result.token]);
  figure.caption = "The tokens whose embeddings have the largest cosine with the hidden state of token " +
                   std::to_string(result.token) + " at each depth.";
  figure.panels = {panel};
  figure.color = nearest_scale(lists);
  return figure;
}

}  // namespace

std::string last_depth_note(const Geometry& result) {
  return result.at == LastDepth::hidden ? kLastDepthNote : "The last depth is the last block's output.";
}

Document to_json(const Session& session, const Geometry& result) {
  const std::size_t count = result.tokens.size();
  Json json = begin_document(session, result.effect, &result.text);
  json["at"] = result.at == LastDepth::hidden ? "hidden" : "resid";
  json["tokens"] = Json::array();
  for (const std::size_t token : result.tokens)
    json["tokens"].push_back({{"index", token}, {"token", result.text.tokens[token]}});
  json["variance"] = result.variance;
  json["layers"] = Json::array();
  for (std::size_t depth = 0; depth < result.labels.size(); ++depth) {
    Json layer{{"label", result.labels[depth]}, {"norms", result.norms[depth]}};
    layer["mean_norm"] = mean(result.norms[depth]);
    layer["participation_ratio"] = measure(result.dimensions[depth], count > 1);
    layer["anisotropy"] = measure(result.anisotropies[depth].raw, count > 1);
    layer["anisotropy_centred"] = measure(result.anisotropies[depth].centred, count > 1);
    layer["components"] = measure(result.components[depth], count > 1);
    layer["shuffled_components"] = measure(result.shuffled_components[depth], count > 1);
    layer["nearest"] = near_tokens_json(result.nearest[depth]);
    json["layers"].push_back(std::move(layer));
  }
  json["cka"] = matrix_json(result.cka, count > 1);
  json["cka_debiased"] = matrix_json(result.cka_debiased, count > 3);
  json["pca"] = {{"explained", result.explained}, {"trajectories", Json::array()}};
  for (std::size_t i = 0; i < count; ++i)
    json["pca"]["trajectories"].push_back({{"index", result.tokens[i]}, {"points", result.trajectories[i]}});
  json["token"] = {{"index", result.token}, {"token", result.text.tokens[result.token]}};
  return finish_document(json);
}

std::vector<NamedValues> arrays_of(const Geometry& result) {
  std::vector<double> raw, centred;
  for (const Anisotropy& anisotropy : result.anisotropies) {
    raw.push_back(anisotropy.raw);
    centred.push_back(anisotropy.centred);
  }
  return {named_values("norms", result.norms),
          named_values("participation_ratio", result.dimensions),
          named_values("anisotropy", raw),
          named_values("anisotropy_centred", centred),
          named_values("components", result.components),
          named_values("shuffled_components", result.shuffled_components),
          named_values("cka", result.cka),
          named_values("cka_debiased", result.cka_debiased),
          named_values("trajectories", result.trajectories)};
}

Figure figure_of(const Geometry& result, const GeometryRequest& request) { return figure_of(result, request.draw); }

Figure figure_of(const Geometry& result, GeometryView view) {
  Figure figure = view == GeometryView::measures     ? measures_figure(result)
                  : view == GeometryView::trajectory ? trajectory_figure(result)
                  : view == GeometryView::cka        ? cka_figure(result)
                  : view == GeometryView::dimension  ? dimension_figure(result)
                                                     : nearest_figure(result);
  const std::string note = last_depth_note(result) + (view == GeometryView::nearest ? "" : count_note(result));
  figure.note = note + (figure.note.empty() ? "" : " " + figure.note);
  return figure;
}

}  // namespace stratoscope
