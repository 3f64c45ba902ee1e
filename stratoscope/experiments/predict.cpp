#include "stratoscope/experiments/predict.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "stratoscope/base/error.h"
#include "stratoscope/experiments/common_fields.h"
#include "stratoscope/probe/indices.h"
#include "stratoscope/session/json_document.h"
#include "stratoscope/session/labels.h"
#include "stratoscope/session/open_text.h"

namespace stratoscope {
namespace {

template <class T>
std::vector<Surprisal> surprisals(const Text& text, const BasicTensor<T>& logits) {
  std::vector<Surprisal> list;
  for (std::size_t i = 1; i < text.ids.size(); ++i) {
    const std::span<const T> row = logits.matrix().row_span(i - 1);
    list.push_back({i, text.ids[i], text.tokens[i],
                    log_sum_exp(row) - static_cast<double>(row[static_cast<std::size_t>(text.ids[i])])});
  }
  return list;
}

template <class T>
Odds odds_of(std::span<const T> logits, double total, TokenId id) {
  const auto logit = static_cast<double>(logits[static_cast<std::size_t>(id)]);
  return {logit, logit - total, std::exp(logit - total)};
}

template <class T>
Prediction prediction_of(const Session& session, std::span<const T> logits, double total, TokenId id) {
  const Odds odds = odds_of(logits, total, id);
  return {id, session.token_text(id), odds.logit, odds.log_prob, odds.prob};
}

// The likeliest tokens with their ranks.
template <class T>
std::vector<Prediction> ranked_tokens(const Session& session, std::span<const T> logits, double total,
                                      std::size_t top) {
  std::vector<Prediction> predictions;
  for (const TokenId id : most_likely(logits, top)) {
    predictions.push_back(prediction_of(session, logits, total, id));
    predictions.back().rank = static_cast<double>(predictions.size() - 1);
  }
  return predictions;
}

constexpr double kUsualTemperatures[] = {0.5, 1, 2};

TemperedPredictions at_temperature(const Predictions& result, double temperature) {
  std::vector<double> scaled = result.logits;
  for (double& logit : scaled) logit /= temperature;
  const SoftmaxSums sums = softmax_sums(std::span<const double>(scaled));
  TemperedPredictions tempered{temperature, sums.entropy, {}, {}};
  const auto prob = [&](const Prediction& p) {
    return std::exp(scaled[static_cast<std::size_t>(p.id)] - sums.log_sum_exp);
  };
  for (const Prediction& p : result.top) tempered.top.push_back(prob(p));
  for (const Prediction& p : result.target_top) tempered.targets.push_back(prob(p));
  return tempered;
}

// What a row of logits says; `clean` is that of the clean run, or empty.
template <class T>
void read_row(const Session& session, const PredictRequest& request, std::span<const T> logits,
              std::span<const T> clean, Predictions& result) {
  const SoftmaxSums sums = softmax_sums(logits);
  const auto predict = [&](TokenId id) {
    Prediction prediction = prediction_of(session, logits, sums.log_sum_exp, id);
    prediction.rank = metric_value(Metric::rank, logits, sums, 0, std::span(&id, 1));
    return prediction;
  };
  result.top = ranked_tokens(session, logits, sums.log_sum_exp, request.top);
  result.targets = read_targets(session, request.targets);
  for (const Target& target : result.targets) result.target_top.push_back(predict(target.id));
  const bool draws_temperatures = request.draw == PredictionView::temperatures && request.temperatures.empty();
  if (request.draw != PredictionView::top || !request.temperatures.empty())
    result.logits.assign(logits.begin(), logits.end());
  const std::span<const double> temperatures =
      draws_temperatures ? std::span<const double>(kUsualTemperatures) : std::span<const double>(request.temperatures);
  for (const double temperature : temperatures) result.tempered.push_back(at_temperature(result, temperature));
  if (!request.compare) return;
  result.entropy = sums.entropy;
  if (clean.empty()) return;
  const SoftmaxSums clean_sums = softmax_sums(clean);
  result.clean_entropy = clean_sums.entropy;
  for (const TokenId id : most_likely(clean, request.top)) result.clean_top.push_back(predict(id));
  for (auto* const list : {&result.top, &result.target_top, &result.clean_top})
    for (Prediction& prediction : *list) prediction.clean = odds_of(clean, clean_sums.log_sum_exp, prediction.id);
}

void check_numbers(const PredictRequest& request) {
  if (request.top == 0) throw Error("predict", "--top 0 asks for nothing", "give 1 or more");
  for (const double temperature : request.temperatures)
    if (!(temperature > 0) || !std::isfinite(temperature))
      throw Error("predict", short_number(temperature) + " is not a temperature", "give numbers above 0: 0.5,1,2");
}

void add_mean_loss(Predictions& result) {
  for (const Surprisal& surprisal : result.surprisals)
    result.mean_loss += surprisal.nats / static_cast<double>(result.surprisals.size());
}

Json rank_json(double rank) { return std::isnan(rank) ? Json() : Json(static_cast<std::size_t>(rank)); }

Json prediction_json(const Prediction& p) {
  Json json = {{"id", p.id},     {"token", p.token},         {"logit", p.logit}, {"log_prob", p.log_prob},
               {"prob", p.prob}, {"rank", rank_json(p.rank)}};
  if (p.clean) json["clean"] = {{"logit", p.clean->logit}, {"log_prob", p.clean->log_prob}, {"prob", p.clean->prob}};
  return json;
}

Json predictions_json(const std::vector<Prediction>& predictions) {
  Json list = Json::array();
  for (const Prediction& prediction : predictions) list.push_back(prediction_json(prediction));
  return list;
}

Json tempered_json(const Predictions& result) {
  Json list = Json::array();
  for (const TemperedPredictions& tempered : result.tempered) {
    Json each = {{"temperature", tempered.temperature}, {"entropy", tempered.entropy}, {"probs", tempered.top}};
    if (!result.targets.empty()) each["target_probs"] = tempered.targets;
    list.push_back(std::move(each));
  }
  return list;
}

}  // namespace

template <class T>
std::vector<Prediction> likeliest(const Session& session, std::span<const T> logits, std::size_t top) {
  return likeliest(session, logits, top, log_sum_exp(logits));
}

template <class T>
std::vector<Prediction> likeliest(const Session& session, std::span<const T> logits, std::size_t top, double total) {
  return ranked_tokens(session, logits, total, top);
}

template std::vector<Prediction> likeliest(const Session&, std::span<const float>, std::size_t);
template std::vector<Prediction> likeliest(const Session&, std::span<const double>, std::size_t);
template std::vector<Prediction> likeliest(const Session&, std::span<const float>, std::size_t, double);
template std::vector<Prediction> likeliest(const Session&, std::span<const double>, std::size_t, double);

void describe(PredictRequest& request, Fields& fields) {
  add_edits(fields, request.edits, request.text_options);
  add_top(fields, request.top, "number of tokens");
  fields.add("position", request.position, "the position before the predicted token (default: the last)").value("P");
  fields.add("all", request.all, "list also each token's surprisal and the mean loss");
  add_targets(fields, request.targets, "list also this token, even if it is unlikely; may be repeated");
  add_compare(fields, request.compare);
  fields
      .add("temperatures", request.temperatures,
           "also the probabilities of the listed tokens at these temperatures, such as 0.5,1,2")
      .value("LIST");
  fields.add("draw", request.draw,
             "contents of a figure: the likeliest tokens, the whole distribution with the targets, or the likeliest "
             "tokens at several temperatures (default: 0.5,1,2)");
  add_text(fields, request.text);
}

bool can_open(const PredictRequest&) { return true; }

Predictions predict(const Session& session, const PredictRequest& request) {
  check_numbers(request);
  Predictions result;
  result.all = request.all;
  result.text = session.read(request.text, request.text_options);
  result.position = request.position.in(result.text.ids.size(), "position");
  RunRequest pass;
  pass.hidden_states = false;
  const bool last_is_enough = !request.all && result.position + 1 == result.text.ids.size();
  if (last_is_enough) pass.logits = LogitRows::last;
  const EditedRun edited = run_text(session, result.text, request.edits, pass, request.text_options, result.position);
  result.effect = edited.effect;
  std::optional<EditedRun> clean;
  if (request.compare && edited.effect) clean = run_text(session, result.text, {}, pass, request.text_options);
  const std::size_t row = last_is_enough ? 0 : result.position;
  std::visit(
      [&]<class T>(const Run<T>& run) {
        const std::span<const T> of_clean =
            clean ? std::get<Run<T>>(clean->run).logits.matrix().row_span(row) : std::span<const T>();
        read_row(session, request, run.logits.matrix().row_span(row), of_clean, result);
        if (request.all) result.surprisals = surprisals(result.text, run.logits);
      },
      edited.run);
  add_mean_loss(result);
  return result;
}

Predictions read_open(OpenText& open, const PredictRequest& request) {
  check_numbers(request);
  Predictions result;
  result.all = request.all;
  result.text = open.text();
  result.position = request.position.in(open.positions(), "position");
  const Tensor rows = open.last_logits(result.position);
  const std::span<const float> first = rows.matrix().row_span(0), last = rows.matrix().row_span(rows.shape()[0] - 1);
  result.effect = open.effect_of(first, last);
  read_row(open.session(), request, last, open.has_edits() ? first : std::span<const float>(), result);
  if (request.all) {
    std::vector<std::size_t> positions(open.positions());
    std::iota(positions.begin(), positions.end(), 0);
    result.surprisals =
        surprisals(result.text, open.logits(Which::edited, open.session().config().n_layers(), positions));
  }
  add_mean_loss(result);
  return result;
}

std::vector<std::string> warnings_of(const Predictions& result) { return cut_warnings(result.targets); }

Document to_json(const Session& session, const Predictions& result) {
  Json json = begin_document(session, result.effect, &result.text);
  json["position"] = result.position;
  json["predictions"] = predictions_json(result.top);
  if (!result.targets.empty()) json["targets"] = predictions_json(result.target_top);
  if (!result.tempered.empty()) json["temperatures"] = tempered_json(result);
  if (result.entropy) json["token"] = result.text.tokens[result.position], json["entropy"] = *result.entropy;
  if (result.clean_entropy)
    json["clean"] = {{"entropy", *result.clean_entropy}, {"predictions", predictions_json(result.clean_top)}};
  if (!result.all) return finish_document(json);
  json["surprisals"] = Json::array();
  for (const Surprisal& s : result.surprisals)
    json["surprisals"].push_back({{"index", s.index}, {"id", s.id}, {"token", s.token}, {"surprisal", s.nats}});
  json["mean_loss"] = result.surprisals.empty() ? Json() : Json(result.mean_loss);
  return finish_document(json);
}

std::vector<NamedValues> arrays_of(const Predictions& result) {
  std::vector<std::int32_t> ids;
  std::vector<double> logits, log_probs, probs, surprisals, clean_log_probs;
  for (const Prediction& p : result.top) {
    ids.push_back(p.id);
    logits.push_back(p.logit);
    log_probs.push_back(p.log_prob);
    probs.push_back(p.prob);
    if (p.clean) clean_log_probs.push_back(p.clean->log_prob);
  }
  const std::size_t count = ids.size();
  std::vector<NamedValues> arrays = {named_values("ids", {count}, std::move(ids)), named_values("logits", logits),
                                     named_values("log_probs", log_probs), named_values("probs", probs)};
  for (const Surprisal& s : result.surprisals) surprisals.push_back(s.nats);
  if (result.all) arrays.push_back(named_values("surprisals", surprisals));
  std::vector<std::vector<double>> tempered;
  for (const TemperedPredictions& each : result.tempered) tempered.push_back(each.top);
  if (!tempered.empty()) arrays.push_back(named_values("tempered_probs", tempered));
  if (!clean_log_probs.empty()) arrays.push_back(named_values("clean_log_probs", clean_log_probs));
  return arrays;
}

}  // namespace stratoscope
