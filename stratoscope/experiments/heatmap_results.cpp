#include <algorithm>
#include <utility>

#include "stratoscope/experiments/heatmap.h"
#include "stratoscope/figures/text_panel.h"
#include "stratoscope/session/json_document.h"
#include "stratoscope/session/labels.h"

namespace stratoscope {
namespace {

std::vector<double> differences(const HeatmapRow& row) {
  std::vector<double> changes;
  for (std::size_t i = 0; i < row.values.size(); ++i) changes.push_back(row.values[i] - row.clean[i]);
  return changes;
}

bool is_compared(const TextHeatmap& result) {
  return std::any_of(result.rows.begin(), result.rows.end(), [](const HeatmapRow& row) { return !row.clean.empty(); });
}

}  // namespace

Document to_json(const Session& session, const TextHeatmap& result) {
  Json json = begin_document(session, result.effect, &result.text);
  json["ids"] = result.text.ids;
  json["tokens"] = result.text.tokens;
  if (!result.targets.empty()) json["target"] = targets_json(result.targets);
  json["rows"] = Json::array();
  for (const HeatmapRow& row : result.rows) {
    Json each = {{"by", row.by}, {"label", row.label}, {"unit", row.unit}, {"values", row.values}};
    if (!row.clean.empty()) each["clean"] = row.clean;
    json["rows"].push_back(std::move(each));
  }
  return finish_document(json);
}

std::vector<NamedValues> arrays_of(const TextHeatmap& result) {
  std::vector<std::vector<double>> values, clean;
  for (const HeatmapRow& row : result.rows) {
    values.push_back(row.values);
    clean.push_back(row.clean.empty() ? row.values : row.clean);
  }
  std::vector<NamedValues> arrays = {named_values("values", values)};
  if (is_compared(result)) arrays.push_back(named_values("clean_values", clean));
  return arrays;
}

Figure figure_of(const TextHeatmap& result) {
  Figure figure;
  figure.title = result.rows.size() == 1 ? "" : "A text by token";
  figure.caption = "The background of a token has the colour of its number; a token without a number has none.";
  for (const HeatmapRow& row : result.rows) {
    const bool changes = !row.clean.empty();
    figure.panels.push_back(text_panel(changes ? row.label + ": change by the edits" : row.label, result.text.tokens,
                                       changes ? differences(row) : row.values, row.unit, changes || row.is_signed));
  }
  return figure;
}

}  // namespace stratoscope
