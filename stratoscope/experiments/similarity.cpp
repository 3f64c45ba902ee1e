#include "stratoscope/experiments/similarity.h"

#include <utility>

#include "stratoscope/analysis/similarity.h"
#include "stratoscope/analysis/statistics.h"
#include "stratoscope/base/error.h"
#include "stratoscope/experiments/common_fields.h"
#include "stratoscope/figures/similarity_scale.h"
#include "stratoscope/probe/indices.h"
#include "stratoscope/session/json_document.h"
#include "stratoscope/session/labels.h"

namespace stratoscope {
namespace {

constexpr std::size_t kShown = 4;  // evenly spaced tokens or depths if none are chosen
// The colour ranges of the published notebook begin here and end at 1.
constexpr double kLowBetweenDepths = 0.8, kLowBetweenTokens = 0.5;

EditedRun hidden_states_of(const Session& session, const Text& text, const SimilarityRequest& request) {
  RunRequest run_request;
  run_request.logits = LogitRows::none;
  return run_text(session, text, request.edits, std::move(run_request), request.text_options);
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
  const auto with_effect = [](auto result) {
    std::optional<Effect> effect = result.effect;
    return Similarity{std::move(result), std::move(effect)};
  };
  if (request.profile) return with_effect(laminar_profile(session, request));
  if (request.across == SimilarityAcross::layers) return with_effect(similarity_across_layers(session, request));
  return with_effect(similarity_across_tokens(session, request));
}

Document to_json(const Session& session, const Similarity& result) {
  return std::visit([&](const auto& of) { return to_json(session, of); }, result.of);
}

std::vector<NamedValues> arrays_of(const Similarity& result) {
  return std::visit([](const auto& of) { return arrays_of(of); }, result.of);
}

Figure figure_of(const Similarity& result) {
  return std::visit([](const auto& of) { return figure_of(of); }, result.of);
}

SimilarityAcrossLayers similarity_across_layers(const Session& session, const SimilarityRequest& request) {
  SimilarityAcrossLayers result;
  result.text = session.read(request.text, request.text_options);
  result.tokens = chosen_or_spaced(request.tokens, result.text.ids.size(), "token");
  result.labels = depth_labels(session.config());
  const EditedRun edited = hidden_states_of(session, result.text, request);
  result.effect = edited.effect;
  std::visit(
      [&](const auto& run) {
        const auto states = run.hidden_states.matrix();
        const std::size_t rows = run.rows();
        for (const std::size_t token : result.tokens) {
          auto depths = states;  // every depth's row of this token
          depths.data = states.row(token);
          depths.rows = result.labels.size();
          depths.stride = states.stride * rows;
          result.matrices.push_back(cosine_matrix(depths));
        }
      },
      edited.run);
  return result;
}

SimilarityAcrossTokens similarity_across_tokens(const Session& session, const SimilarityRequest& request) {
  SimilarityAcrossTokens result;
  result.text = session.read(request.text, request.text_options);
  result.layers = chosen_or_spaced(request.layers, session.config().n_hidden_states(), "layer");
  const EditedRun edited = hidden_states_of(session, result.text, request);
  result.effect = edited.effect;
  std::visit(
      [&](const auto& run) {
        for (const std::size_t layer : result.layers)
          result.matrices.push_back(cosine_matrix(run.hidden_states.slice(layer)));
      },
      edited.run);
  return result;
}

LaminarProfile laminar_profile(const Session& session, const SimilarityRequest& request) {
  LaminarProfile result;
  result.text = session.read(request.text, request.text_options);
  result.labels = depth_labels(session.config());
  const EditedRun edited = hidden_states_of(session, result.text, request);
  result.effect = edited.effect;
  std::visit(
      [&](const auto& run) {
        for (std::size_t depth = 0; depth < result.labels.size(); ++depth) {
          result.values.push_back(upper_triangle(cosine_matrix(run.hidden_states.slice(depth))));
          result.means.push_back(mean(result.values.back()));
          result.medians.push_back(median(result.values.back()));
        }
      },
      edited.run);
  return result;
}

Document to_json(const Session& session, const SimilarityAcrossLayers& result) {
  Json json = begin_document(session, result.effect, &result.text);
  json["tokens"] = Json::array();
  for (const std::size_t token : result.tokens)
    json["tokens"].push_back({{"index", token}, {"token", result.text.tokens[token]}});
  json["labels"] = result.labels;
  json["matrices"] = result.matrices;
  return finish_document(json);
}

std::vector<NamedValues> arrays_of(const SimilarityAcrossLayers& result) {
  return {named_values("values", result.matrices)};
}

Document to_json(const Session& session, const SimilarityAcrossTokens& result) {
  Json json = begin_document(session, result.effect, &result.text);
  json["layers"] = Json::array();
  for (const std::size_t layer : result.layers)
    json["layers"].push_back({{"index", layer}, {"label", depth_label(layer)}});
  json["tokens"] = result.text.tokens;
  json["matrices"] = result.matrices;
  return finish_document(json);
}

std::vector<NamedValues> arrays_of(const SimilarityAcrossTokens& result) {
  return {named_values("values", result.matrices)};
}

Document to_json(const Session& session, const LaminarProfile& result) {
  Json json = begin_document(session, result.effect, &result.text);
  json["layers"] = Json::array();
  for (std::size_t depth = 0; depth < result.labels.size(); ++depth) {
    Json layer = {{"label", result.labels[depth]}, {"values", result.values[depth]}};
    const bool empty = result.values[depth].empty();
    layer["mean"] = empty ? Json() : Json(result.means[depth]);
    layer["median"] = empty ? Json() : Json(result.medians[depth]);
    json["layers"].push_back(std::move(layer));
  }
  return finish_document(json);
}

std::vector<NamedValues> arrays_of(const LaminarProfile& result) {
  return {named_values("values", result.values), named_values("means", result.means),
          named_values("medians", result.medians)};
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
                         {"", token_labels(result.text.tokens), std::nullopt, false}, result.matrices,
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
