// Weights as a document, as arrays and as a figure.
#include <algorithm>
#include <cmath>
#include <utility>

#include "stratoscope/analysis/histogram.h"
#include "stratoscope/experiments/weights.h"
#include "stratoscope/figures/number_text.h"
#include "stratoscope/session/json_document.h"
#include "stratoscope/session/labels.h"

namespace stratoscope {
namespace {

constexpr const char* kShareNames[] = {"0.1%", "1%", "25%", "50%", "75%", "99%", "99.9%"};

// A measure without a finite number is null and needs no warning.
Json measured(double value) { return std::isfinite(value) ? Json(value) : Json(); }

Json tensor_json(const TensorSummary& tensor) {
  Json json{{"name", tensor.name},
            {"format", tensor.format},
            {"shape", tensor.shape},
            {"count", tensor.count},
            {"bytes", tensor.bytes}};
  if (!tensor.statistics) return json;
  const WeightStatistics& of = *tensor.statistics;
  json["mean"] = measured(of.mean);
  json["sd"] = measured(of.sd);
  json["min"] = measured(of.min);
  json["max"] = measured(of.max);
  json["zeros"] = measured(of.zeros);
  json["not_finite"] = of.not_finite;
  json["quantiles"] = Json::object();
  for (std::size_t i = 0; i < of.quantiles.size(); ++i) json["quantiles"][kShareNames[i]] = measured(of.quantiles[i]);
  return json;
}

std::string shape_text(const Shape& shape) {
  std::string text;
  for (const std::size_t size : shape) text += (text.empty() ? "" : " × ") + grouped(size);
  return text;
}

std::string thinned_note(const TensorPicture& picture) {
  const auto one_of = [](std::size_t step, const char* what) {
    return "1 of every " + std::to_string(step) + " " + what;
  };
  const bool is_vector = picture.cells.size() == 1;
  std::string note;
  if (picture.row_step > 1) note = one_of(picture.row_step, "rows");
  if (picture.column_step > 1)
    note += (note.empty() ? "" : " and ") + one_of(picture.column_step, is_vector ? "numbers" : "columns");
  if (!note.empty()) note += picture.row_step > 1 && picture.column_step > 1 ? " are drawn." : " is drawn.";
  return note;
}

Panel vector_panel(const TensorPicture& picture) {
  Panel panel;
  panel.title = "Numbers";
  panel.x.title = "index";
  panel.y.title = "value";
  Points points;
  for (std::size_t i = 0; i < picture.cells[0].size(); ++i)
    points.x.push_back(static_cast<double>(i * picture.column_step));
  points.y = picture.cells[0];
  panel.marks = {std::move(points)};
  return panel;
}

// Sets the colours of the figure.
Panel matrix_panel(const TensorPicture& picture, const Shape& shape, Figure& figure) {
  Panel panel;
  panel.title = "Numbers";
  panel.x.title = shape.size() > 2 ? "all other axes" : "second axis";
  panel.y.title = "first axis";
  const auto rows = static_cast<double>(picture.cells.size() * picture.row_step);
  const auto columns = static_cast<double>(picture.cells[0].size() * picture.column_step);
  panel.x.range = {-0.5, columns - 0.5};
  panel.y.range = {rows - 0.5, -0.5};  // the first row on top
  std::vector<double> all;
  for (const auto& row : picture.cells) all.insert(all.end(), row.begin(), row.end());
  const auto [low, high] = robust_limits(all);
  const double end = std::max(std::abs(low), std::abs(high));
  const auto clipped = std::count_if(all.begin(), all.end(), [&](double value) { return std::abs(value) > end; });
  if (clipped > 0)
    figure.note += (figure.note.empty() ? "" : " ") + grouped(static_cast<std::size_t>(clipped)) + " of the " +
                   grouped(all.size()) + " drawn numbers lie outside of the range of colours.";
  figure.color = ColorScale{ColorMap::diverging, "value", -end, end};
  panel.marks = {Heatmap{picture.cells}};
  return panel;
}

Panel counts_panel(const TensorPicture& picture) {
  Panel panel;
  panel.title = "Histogram";
  panel.x.title = "value";
  panel.y.title = "count";
  Line outline{"", {picture.edges.front()}, {0}, false};
  for (std::size_t bin = 0; bin < picture.counts.size(); ++bin)
    for (const std::size_t edge : {bin, bin + 1}) {
      outline.x.push_back(picture.edges[edge]);
      outline.y.push_back(static_cast<double>(picture.counts[bin]));
    }
  outline.x.push_back(picture.edges.back());
  outline.y.push_back(0);
  const double highest = *std::max_element(outline.y.begin(), outline.y.end());
  panel.y.range = {0, highest > 0 ? highest * 1.05 : 1};
  panel.marks = {std::move(outline)};
  return panel;
}

}  // namespace

Document to_json(const Session& session, const CheckpointWeights& result) {
  Json json = begin_document(session);
  json["tensors"] = Json::array();
  std::size_t count = 0, bytes = 0;
  for (const TensorSummary& tensor : result.tensors) {
    json["tensors"].push_back(tensor_json(tensor));
    count += tensor.count;
    bytes += tensor.bytes;
  }
  json["total"] = {{"tensors", result.tensors.size()}, {"count", count}, {"bytes", bytes}};
  if (result.picture)
    json["histogram"] = {
        {"edges", result.picture->edges}, {"counts", result.picture->counts}, {"outside", result.picture->outside}};
  if (!result.rows.empty()) {
    json["rows"] = Json::array();
    for (const auto& [index, values] : result.rows) json["rows"].push_back({{"index", index}, {"values", values}});
  }
  if (result.file) json["file"] = result.file->string();
  return finish_document(json);
}

std::vector<NamedValues> arrays_of(const CheckpointWeights& result) {
  std::vector<NamedValues> arrays;
  if (result.picture) {
    arrays.push_back(named_values("counts", {result.picture->counts.size()}, result.picture->counts));
    arrays.push_back(named_values("edges", result.picture->edges));
  }
  std::vector<std::vector<double>> rows;
  for (const auto& [index, values] : result.rows) rows.push_back(values);
  if (!rows.empty()) arrays.push_back(named_values("rows", rows));
  return arrays;
}

Figure figure_of(const CheckpointWeights& result) {
  if (!result.picture) throw_no_figure(result.tensors.size());
  const TensorSummary& tensor = result.tensors[0];
  const TensorPicture& picture = *result.picture;
  Figure figure;
  figure.title = tensor.name;
  figure.caption = "The numbers of " + tensor.name + " (" + tensor.format + ", " + shape_text(tensor.shape) +
                   "), and how many of them fall into each bin.";
  figure.note = thinned_note(picture);
  const bool is_empty = picture.cells.empty() || picture.cells[0].empty();
  if (!is_empty)
    figure.panels.push_back(picture.cells.size() == 1 ? vector_panel(picture)
                                                      : matrix_panel(picture, tensor.shape, figure));
  if (picture.outside > 0)
    figure.note += (figure.note.empty() ? "" : " ") + grouped(picture.outside) + " of " + grouped(tensor.count) +
                   (picture.outside == 1 ? " numbers lies" : " numbers lie") + " outside of the histogram.";
  figure.panels.push_back(counts_panel(picture));
  figure.columns = 2;
  return figure;
}

}  // namespace stratoscope
