#include "stratoscope/experiments/similarity.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "stratoscope/analysis/similarity.h"
#include "stratoscope/analysis/statistics.h"
#include "stratoscope/base/error.h"
#include "stratoscope/experiments/common_fields.h"
#include "stratoscope/figures/similarity_scale.h"
#include "stratoscope/probe/indices.h"
#include "stratoscope/session/json_document.h"
#include "stratoscope/session/labels.h"
#include "stratoscope/session/open_text.h"

namespace stratoscope {
namespace {

constexpr std::size_t kShown = 4;  // evenly spaced tokens or depths if none are chosen
// The colour ranges of the published notebook begin here and end at 1.
constexpr double kLowBetweenDepths = 0.8, kLowBetweenTokens = 0.5;

// The hidden states, [depth, pos, d_model], with the edits, and for a comparison without them.
template <class T>
struct HiddenStates {
  const BasicTensor<T>& edited;
  const BasicTensor<T>* clean = nullptr;
};

// Reads them from whole runs.
template <class Read>
void with_whole_runs(const Session& session, const SimilarityRequest& request, const Text& text,
                     std::optional<Effect>& effect, const Read& read) {
  RunRequest pass;
  pass.logits = LogitRows::none;
  const EditedRun edited = run_text(session, text, request.edits, pass, request.text_options);
  if (!request.no_effect) effect = edited.effect;
  std::optional<EditedRun> clean;
  if (request.compare && edited.effect) clean = run_text(session, text, {}, pass, request.text_options);
  std::visit(
      [&]<class T>(const Run<T>& run) {
        read(HiddenStates<T>{run.hidden_states, clean ? &std::get<Run<T>>(clean->run).hidden_states : nullptr});
      },
      edited.run);
}

// Reads those that an open text keeps.
template <class Read>
void with_open_text(OpenText& open, const SimilarityRequest& request, std::optional<Effect>& effect, const Read& read) {
  if (!request.no_effect) effect = open.effect();
  const bool compares = request.compare && open.has_edits();
  const Tensor* const clean = compares ? &open.run(Which::clean).hidden_states : nullptr;
  read(HiddenStates<float>{open.run(Which::edited).hidden_states, clean});
}

std::vector<std::string> tokens_at(const SimilarityAcrossTokens& result) {
  std::vector<std::string> tokens;
  for (const std::size_t position : result.positions) tokens.push_back(result.text.tokens[position]);
  return tokens;
}

template <class Result>
Similarity with_effect(Result result) {
  std::optional<Effect> effect = result.effect;
  return {std::move(result), std::move(effect)};
}

std::vector<std::size_t> chosen_or_spaced(const std::optional<IndexList>& chosen, std::size_t count, const char* what) {
  return chosen ? chosen->in(count, what) : evenly_spaced(count, kShown);
}

Figure matrices_figure(std::string title, const std::vector<std::string>& panel_titles, const Axis& axis,
                       const std::vector<SimilarityMatrix>& matrices, double preferred_low) {
  Figure figure;
  figure.title = std::move(title);
  figure.columns = matrices.size() > 1 ? 2 : 1;
  std::vector<double> all;
  for (const auto& matrix : matrices)
    for (const auto& row : matrix) all.insert(all.end(), row.begin(), row.end());
  figure.color = similarity_scale(all, preferred_low, &figure.note);
  figure.note = kLastDepthNote + (figure.note.empty() ? "" : " " + figure.note);
  for (std::size_t i = 0; i < matrices.size(); ++i)
    figure.panels.push_back({panel_titles[i], axis, axis, {Heatmap{matrices[i]}}});
  return figure;
}

}  // namespace

void describe(SimilarityRequest& request, Fields& fields) {
  add_edits(fields, request.edits, request.text_options);
  fields.add("across", request.across, "layers: depths of a token; tokens: tokens at a depth");
  fields.add("tokens", request.tokens, "with --across layers: the tokens (default: 4 evenly spaced)").value("I,J,…");
  fields.add("layers", request.layers, "with --across tokens: the hidden states, 0 is Emb (default: 4 evenly spaced)")
      .value("I,J,…");
  fields.add("profile", request.profile, "all pairs of tokens except the first, at every depth");
  fields.add("positions", request.positions, "the tokens that are compared (default: all)").value("I,J,…");
  fields
      .add("most_pairs", request.most_pairs,
           "with --profile: list at most about N pairs of each depth, evenly spaced (0: all)")
      .value("N");
  add_compare(fields, request.compare);
  add_no_effect(fields, request.no_effect);
  add_text(fields, request.text);
}

void check(const SimilarityRequest& request) {
  if (request.profile == request.across.has_value())
    throw UsageError("similarity", "one of --across layers, --across tokens, --profile is required");
  if (request.tokens && request.across != SimilarityAcross::layers)
    throw UsageError("similarity", "--tokens requires --across layers");
  if (request.layers && request.across != SimilarityAcross::tokens)
    throw UsageError("similarity", "--layers requires --across tokens");
}

Similarity similarity(const Session& session, const SimilarityRequest& request) {
  check(request);
  if (request.profile) return with_effect(laminar_profile(session, request));
  if (request.across == SimilarityAcross::layers) return with_effect(similarity_across_layers(session, request));
  return with_effect(similarity_across_tokens(session, request));
}

Document to_json(const Session& session, const Similarity& result, DocumentParts parts) {
  return std::visit([&](const auto& of) { return to_json(session, of, parts); }, result.of);
}

std::vector<NamedValues> arrays_of(const Similarity& result) {
  return std::visit([](const auto& of) { return arrays_of(of); }, result.of);
}

Figure figure_of(const Similarity& result) {
  return std::visit([](const auto& of) { return figure_of(of); }, result.of);
}

namespace {

// Every depth's row of one token.
template <class T>
MatrixView<const T> depths_of(const BasicTensor<T>& hidden_states, std::size_t token) {
  const MatrixView<const T> all = hidden_states.matrix();
  return {all.row(token), hidden_states.shape()[0], all.cols, all.stride * hidden_states.shape()[1]};
}

// The rows of chosen positions at one depth.
template <class T>
BasicTensor<T> rows_of(const BasicTensor<T>& hidden_states, std::size_t depth,
                       const std::vector<std::size_t>& positions) {
  const MatrixView<const T> all = hidden_states.slice(depth);
  BasicTensor<T> rows({positions.size(), all.cols});
  for (std::size_t i = 0; i < positions.size(); ++i) std::copy_n(all.row(positions[i]), all.cols, rows.matrix().row(i));
  return rows;
}

template <class T>
SimilarityMatrix matrix_of(const BasicTensor<T>& hidden_states, std::size_t depth,
                           const std::vector<std::size_t>& positions) {
  const BasicTensor<T> rows = rows_of(hidden_states, depth, positions);
  return cosine_matrix(std::as_const(rows).matrix());
}

SimilarityAcrossLayers begin_layers(const Session& session, const SimilarityRequest& request, Text text) {
  SimilarityAcrossLayers result;
  result.text = std::move(text);
  result.tokens = chosen_or_spaced(request.tokens, result.text.ids.size(), "token");
  result.labels = depth_labels(session.config());
  return result;
}

template <class T>
void read_layers(const HiddenStates<T>& states, SimilarityAcrossLayers& result) {
  for (const std::size_t token : result.tokens) {
    result.matrices.push_back(cosine_matrix(depths_of(states.edited, token)));
    if (states.clean != nullptr) result.clean.push_back(cosine_matrix(depths_of(*states.clean, token)));
  }
}

SimilarityAcrossTokens begin_tokens(const Session& session, const SimilarityRequest& request, Text text) {
  SimilarityAcrossTokens result;
  result.text = std::move(text);
  result.layers = chosen_or_spaced(request.layers, session.config().n_hidden_states(), "layer");
  result.positions = request.positions.set_in(result.text.ids.size(), "position");
  return result;
}

template <class T>
void read_tokens(const HiddenStates<T>& states, SimilarityAcrossTokens& result) {
  for (const std::size_t layer : result.layers) {
    result.matrices.push_back(matrix_of(states.edited, layer, result.positions));
    if (states.clean != nullptr) result.clean.push_back(matrix_of(*states.clean, layer, result.positions));
  }
}

LaminarProfile begin_profile(const Session& session, Text text) {
  LaminarProfile result;
  result.text = std::move(text);
  result.labels = depth_labels(session.config());
  return result;
}

// About every n-th value, so that `most` at most remain.
std::vector<double> thinned(const std::vector<double>& values, std::size_t most) {
  const std::size_t step = most == 0 ? 1 : values.size() / most + 1;
  std::vector<double> some;
  for (std::size_t i = 0; i < values.size(); i += step) some.push_back(values[i]);
  return some;
}

template <class T>
void read_profile(const HiddenStates<T>& states, const SimilarityRequest& request, LaminarProfile& result) {
  const std::vector<std::size_t> positions = request.positions.set_in(result.text.ids.size(), "position");
  const std::size_t first = !positions.empty() && positions[0] == 0 ? 1 : 0;
  for (std::size_t depth = 0; depth < result.labels.size(); ++depth) {
    const std::vector<double> values = upper_triangle(matrix_of(states.edited, depth, positions), first);
    result.pairs = values.size();
    result.means.push_back(mean(values));
    result.medians.push_back(median(values));
    result.values.push_back(thinned(values, request.most_pairs));
    result.is_part = result.values.back().size() < values.size();
    if (states.clean == nullptr) continue;
    const std::vector<double> clean = upper_triangle(matrix_of(*states.clean, depth, positions), first);
    result.clean_means.push_back(mean(clean));
    result.clean_medians.push_back(median(clean));
    result.clean_values.push_back(thinned(clean, request.most_pairs));
    std::vector<double> changes(values.size());
    std::transform(values.begin(), values.end(), clean.begin(), changes.begin(), std::minus<>());
    result.median_changes.push_back(median(changes));
  }
}

}  // namespace

SimilarityAcrossLayers similarity_across_layers(const Session& session, const SimilarityRequest& request) {
  auto result = begin_layers(session, request, session.read(request.text, request.text_options));
  with_whole_runs(session, request, result.text, result.effect,
                  [&](const auto& states) { read_layers(states, result); });
  return result;
}

SimilarityAcrossTokens similarity_across_tokens(const Session& session, const SimilarityRequest& request) {
  auto result = begin_tokens(session, request, session.read(request.text, request.text_options));
  with_whole_runs(session, request, result.text, result.effect,
                  [&](const auto& states) { read_tokens(states, result); });
  return result;
}

LaminarProfile laminar_profile(const Session& session, const SimilarityRequest& request) {
  auto result = begin_profile(session, session.read(request.text, request.text_options));
  with_whole_runs(session, request, result.text, result.effect,
                  [&](const auto& states) { read_profile(states, request, result); });
  return result;
}

bool can_open(const SimilarityRequest&) { return true; }

Similarity read_open(OpenText& open, const SimilarityRequest& request) {
  check(request);
  const Session& session = open.session();
  if (request.profile) {
    auto result = begin_profile(session, open.text());
    with_open_text(open, request, result.effect, [&](const auto& states) { read_profile(states, request, result); });
    return with_effect(std::move(result));
  }
  if (request.across == SimilarityAcross::layers) {
    auto result = begin_layers(session, request, open.text());
    with_open_text(open, request, result.effect, [&](const auto& states) { read_layers(states, result); });
    return with_effect(std::move(result));
  }
  auto result = begin_tokens(session, request, open.text());
  with_open_text(open, request, result.effect, [&](const auto& states) { read_tokens(states, result); });
  return with_effect(std::move(result));
}

namespace {

template <class Result>
void add_matrices(const Result& result, DocumentParts parts, Json& json) {
  if (parts == DocumentParts::beside_arrays) return;
  json["matrices"] = result.matrices;
  if (!result.clean.empty()) json["clean"] = {{"matrices", result.clean}};
}

// The statistics of each depth; `values` are empty where the document leaves them out.
Json depths_json(const LaminarProfile& result, const std::vector<double>& means, const std::vector<double>& medians,
                 const std::vector<std::vector<double>>& values) {
  Json layers = Json::array();
  for (std::size_t depth = 0; depth < result.labels.size(); ++depth) {
    Json layer = {{"label", result.labels[depth]}};
    if (!values.empty()) layer["values"] = values[depth];
    layer["mean"] = result.pairs == 0 ? Json() : Json(means[depth]);
    layer["median"] = result.pairs == 0 ? Json() : Json(medians[depth]);
    layers.push_back(std::move(layer));
  }
  return layers;
}

}  // namespace

Document to_json(const Session& session, const SimilarityAcrossLayers& result, DocumentParts parts) {
  Json json = begin_document(session, result.effect, &result.text);
  json["tokens"] = Json::array();
  for (const std::size_t token : result.tokens)
    json["tokens"].push_back({{"index", token}, {"token", result.text.tokens[token]}});
  json["labels"] = result.labels;
  add_matrices(result, parts, json);
  return finish_document(json);
}

Document to_json(const Session& session, const SimilarityAcrossTokens& result, DocumentParts parts) {
  Json json = begin_document(session, result.effect, &result.text);
  json["layers"] = Json::array();
  for (const std::size_t layer : result.layers)
    json["layers"].push_back({{"index", layer}, {"label", depth_label(layer)}});
  json["tokens"] = tokens_at(result);
  if (result.positions.size() < result.text.ids.size()) json["positions"] = result.positions;
  add_matrices(result, parts, json);
  return finish_document(json);
}

Document to_json(const Session& session, const LaminarProfile& result, DocumentParts parts) {
  const bool has_values = parts == DocumentParts::all;
  Json json = begin_document(session, result.effect, &result.text);
  json["layers"] = depths_json(result, result.means, result.medians,
                               has_values ? result.values : std::vector<std::vector<double>>());
  if (result.is_part || !has_values) json["pairs"] = result.pairs;
  if (result.clean_medians.empty()) return finish_document(json);
  json["clean"] = {{"layers", depths_json(result, result.clean_means, result.clean_medians,
                                          has_values ? result.clean_values : std::vector<std::vector<double>>())}};
  json["median_changes"] = result.pairs == 0 ? Json() : Json(result.median_changes);
  return finish_document(json);
}

namespace {

template <class Result>
std::vector<NamedValues> arrays_of_matrices(const Result& result) {
  std::vector<NamedValues> arrays = {named_values("values", result.matrices)};
  if (!result.clean.empty()) arrays.push_back(named_values("clean_values", result.clean));
  return arrays;
}

}  // namespace

std::vector<NamedValues> arrays_of(const SimilarityAcrossLayers& result) { return arrays_of_matrices(result); }

std::vector<NamedValues> arrays_of(const SimilarityAcrossTokens& result) { return arrays_of_matrices(result); }

std::vector<NamedValues> arrays_of(const LaminarProfile& result) {
  std::vector<NamedValues> arrays = {named_values("values", result.values), named_values("means", result.means),
                                     named_values("medians", result.medians)};
  if (!result.clean_values.empty()) arrays.push_back(named_values("clean_values", result.clean_values));
  return arrays;
}

Figure figure_of(const SimilarityAcrossLayers& result) {
  std::vector<std::string> titles;
  for (const std::size_t token : result.tokens)
    titles.push_back("Token " + std::to_string(token) + ": " + token_label(result.text.tokens[token]));
  return matrices_figure("Similarity between depths", titles, {"depth", result.labels, std::nullopt, false},
                         result.matrices, kLowBetweenDepths);
}

Figure figure_of(const SimilarityAcrossTokens& result) {
  std::vector<std::string> titles;
  for (const std::size_t layer : result.layers) titles.push_back("Depth " + depth_label(layer));
  return matrices_figure("Similarity between tokens", titles,
                         {"", token_labels(tokens_at(result)), std::nullopt, false}, result.matrices,
                         kLowBetweenTokens);
}

Figure figure_of(const LaminarProfile& result) {
  Panel panel;
  panel.x = {"depth", result.labels, std::nullopt, false};
  panel.y.title = "cosine similarity";
  Line medians{"median", {}, {}, true};
  for (std::size_t depth = 0; depth < result.labels.size(); ++depth) {
    if (result.values[depth].empty()) continue;
    medians.x.push_back(static_cast<double>(depth));
    medians.y.push_back(result.medians[depth]);
  }
  panel.marks = {JitteredPoints{result.values}, medians};
  ColorScale color;
  color.title = "depth";
  color.high = static_cast<double>(result.labels.size() - 1);
  color.show_bar = false;
  return {"Laminar profile",
          "Each point is the similarity of two tokens' hidden states at one depth, the first token left out; the line "
          "joins the medians.",
          kLastDepthNote,
          {panel},
          1,
          color};
}

}  // namespace stratoscope
