// Embeddings as a document, as arrays and as figures.
#include <algorithm>
#include <cmath>
#include <utility>

#include "stratoscope/analysis/histogram.h"
#include "stratoscope/base/error.h"
#include "stratoscope/experiments/embeddings.h"
#include "stratoscope/experiments/near_tokens_json.h"
#include "stratoscope/figures/number_text.h"
#include "stratoscope/figures/similarity_scale.h"
#include "stratoscope/session/labels.h"

namespace stratoscope {
namespace {

constexpr double kLowCosine = 0;
constexpr const char* kNormNames[] = {"min", "q05", "median", "q95", "max"};

std::vector<std::string> labels_of(const Embeddings& result) {
  std::vector<std::string> labels;
  for (const Target& word : result.words) labels.push_back(token_label(word.token));
  return labels;
}

std::string table_name(const Embeddings& result) {
  return result.table == EmbeddingTable::embedding ? "embedding" : "unembedding";
}

Json word_json(const Embeddings& result, std::size_t i, DocumentParts parts) {
  Json json = target_json(result.words[i]);
  json["norm"] = result.norms[i];
  if (parts == DocumentParts::all) json["vector"] = result.vectors[i];
  json["nearest"] = near_tokens_json(result.nearest[i]);
  return json;
}

Json analogy_json(const Analogy& analogy) {
  Json json{{"expression", analogy.expression}, {"terms", Json::array()}};
  for (const Analogy::Term& term : analogy.terms) {
    json["terms"].push_back(target_json(term.word));
    json["terms"].back()["sign"] = term.sign;
  }
  json["nearest"] = near_tokens_json(analogy.nearest);
  json["nearest_with_words"] = near_tokens_json(analogy.with_words);
  return json;
}

Figure matrix_figure(const Embeddings& result) {
  Panel panel;
  panel.x.ticks = panel.y.ticks = labels_of(result);
  Heatmap map{result.cosines};
  std::vector<double> all;
  for (const auto& row : result.cosines) {
    auto& texts = map.texts.emplace_back();
    for (const double cosine : row) texts.push_back(fixed(cosine, 2));
    all.insert(all.end(), row.begin(), row.end());
  }
  panel.marks = {std::move(map)};
  Figure figure;
  figure.title = "Cosine similarity of the " + table_name(result) + "s";
  figure.caption = "The cosine of every two words' rows of the " + table_name(result) + ".";
  figure.panels = {panel};
  figure.color = similarity_scale(all, kLowCosine, &figure.note);
  return figure;
}

Figure vectors_figure(const Embeddings& result) {
  Panel panel;
  panel.x.title = "dimension";
  panel.y.ticks = labels_of(result);
  panel.marks = {Heatmap{result.vectors}};
  std::vector<double> all;
  for (const auto& vector : result.vectors) all.insert(all.end(), vector.begin(), vector.end());
  const auto [low, high] = robust_limits(all);
  const double end = std::max(std::abs(low), std::abs(high));
  const auto clipped = std::count_if(all.begin(), all.end(), [&](double value) { return std::abs(value) > end; });
  Figure figure;
  figure.title = "Vectors of the " + table_name(result);
  figure.caption = "Each row is a word's vector, number by number.";
  if (clipped > 0) figure.note = std::to_string(clipped) + " numbers lie outside of the range of colours.";
  figure.panels = {panel};
  figure.color = ColorScale{ColorMap::diverging, "value", -end, end};
  return figure;
}

Figure scatter_figure(const Embeddings& result) {
  const std::vector<std::string> labels = labels_of(result);
  Panel panel;
  panel.x.title = labels[0];
  panel.y.title = labels[1];
  panel.title = "cosine " + prose_number(result.cosines[0][1], 3);
  panel.marks = {Points{result.vectors[0], result.vectors[1], {}}};
  Figure figure;
  figure.title = labels[0] + " and " + labels[1] + " in the " + table_name(result);
  figure.caption = "Each point is one of the " + std::to_string(result.columns) + " dimensions of the two vectors.";
  figure.panels = {panel};
  return figure;
}

std::string component_axis(const Embeddings& result, std::size_t k) {
  return "principal component " + std::to_string(k + 1) + " (" + prose_number(result.explained[k] * 100, 3) +
         " % of the variance)";
}

Figure map_figure(const Embeddings& result) {
  Panel panel;
  panel.x.title = component_axis(result, 0);
  panel.y.title = component_axis(result, 1);
  Points points{{}, {}, labels_of(result)};
  for (const auto& point : result.map) points.x.push_back(point[0]), points.y.push_back(point[1]);
  panel.marks = {std::move(points)};
  Figure figure;
  figure.title = "Map of the words in the " + table_name(result);
  figure.caption = "The words' vectors along the two directions in which these words differ most.";
  figure.panels = {panel};
  return figure;
}

Figure near_words_figure(const Embeddings& result) {
  std::vector<std::string> labels = labels_of(result);
  std::vector<NearTokens> lists = result.nearest;
  for (const Analogy& analogy : result.analogies) {
    labels.push_back(analogy.expression);
    lists.push_back(analogy.nearest);
  }
  Figure figure;
  figure.title = "Nearest tokens in the " + table_name(result);
  figure.caption = "The tokens of the largest cosine with each word's vector, without the words themselves.";
  figure.panels = {nearest_panel(labels, lists)};
  figure.color = nearest_scale(lists);
  return figure;
}

}  // namespace

Document to_json(const Session& session, const Embeddings& result, DocumentParts parts) {
  Json json = begin_document(session);
  json["table"] = table_name(result);
  json["shape"] = {result.rows, result.columns};
  json["norms"] = Json::object();
  for (std::size_t i = 0; i < result.norm_quantiles.size(); ++i)
    json["norms"][kNormNames[i]] = result.norm_quantiles[i];
  json["words"] = Json::array();
  for (std::size_t i = 0; i < result.words.size(); ++i) json["words"].push_back(word_json(result, i, parts));
  if (parts == DocumentParts::all) json["cosines"] = result.cosines;
  json["analogies"] = Json::array();
  for (const Analogy& analogy : result.analogies) json["analogies"].push_back(analogy_json(analogy));
  if (!result.map.empty()) json["pca"] = {{"explained", result.explained}, {"points", result.map}};
  return finish_document(json);
}

std::vector<NamedValues> arrays_of(const Embeddings& result) {
  if (result.words.empty()) return {};
  std::vector<std::int32_t> ids;
  for (const Target& word : result.words) ids.push_back(word.id);
  std::vector<NamedValues> arrays = {named_values("ids", {ids.size()}, ids), named_values("vectors", result.vectors),
                                     named_values("norms", result.norms), named_values("cosines", result.cosines)};
  if (!result.map.empty()) arrays.push_back(named_values("map", result.map));
  return arrays;
}

Figure figure_of(const Embeddings& result, const EmbeddingsRequest& request) { return figure_of(result, request.draw); }

void check_words_drawn(EmbeddingsView view, std::size_t words) {
  const std::string name(choice_name(view)), count = std::to_string(words);
  if (view == EmbeddingsView::scatter && words != 2) throw Error("figure", name + " compares two words, not " + count);
  if (view == EmbeddingsView::map && words < 3) throw Error("figure", name + " needs three words, not " + count);
  if (view != EmbeddingsView::nearest && words == 0)
    throw Error("figure", name + " needs words", "--draw nearest shows analogies alone");
}

Figure figure_of(const Embeddings& result, EmbeddingsView view) {
  check_words_drawn(view, result.words.size());
  switch (view) {
    case EmbeddingsView::vectors: return vectors_figure(result);
    case EmbeddingsView::scatter: return scatter_figure(result);
    case EmbeddingsView::map: return map_figure(result);
    case EmbeddingsView::nearest: return near_words_figure(result);
    default: return matrix_figure(result);
  }
}

}  // namespace stratoscope
