#include "stratoscope/experiments/predict.h"

#include <algorithm>
#include <cmath>

#include "stratoscope/base/error.h"
#include "stratoscope/experiments/common_fields.h"
#include "stratoscope/probe/indices.h"
#include "stratoscope/session/json_document.h"
#include "stratoscope/session/labels.h"

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

}  // namespace

template <class T>
std::vector<Prediction> likeliest(const Session& session, std::span<const T> logits, std::size_t top) {
  const double total = log_sum_exp(logits);
  std::vector<Prediction> predictions;
  for (const TokenId id : most_likely(logits, top)) {
    const auto logit = static_cast<double>(logits[static_cast<std::size_t>(id)]);
    predictions.push_back({id, session.token_text(id), logit, logit - total, std::exp(logit - total)});
  }
  return predictions;
}

template std::vector<Prediction> likeliest(const Session&, std::span<const float>, std::size_t);
template std::vector<Prediction> likeliest(const Session&, std::span<const double>, std::size_t);

void describe(PredictRequest& request, Fields& fields) {
  add_edits(fields, request.edits, request.text_options);
  add_top(fields, request.top, "number of tokens");
  fields.add("position", request.position, "the position before the predicted token (default: the last)").value("P");
  fields.add("all", request.all, "list also each token's surprisal and the mean loss");
  add_text(fields, request.text);
}

Predictions predict(const Session& session, const PredictRequest& request) {
  if (request.top == 0) throw Error("predict", "--top 0 asks for nothing", "give 1 or more");
  Predictions result;
  result.all = request.all;
  result.text = session.read(request.text, request.text_options);
  result.position = request.position.in(result.text.ids.size(), "position");
  RunRequest run_request;
  run_request.hidden_states = false;
  const bool last_is_enough = !request.all && result.position + 1 == result.text.ids.size();
  if (last_is_enough) run_request.logits = LogitRows::last;
  EditedRun edited =
      run_text(session, result.text, request.edits, std::move(run_request), request.text_options, result.position);
  result.effect = edited.effect;
  std::visit(
      [&](const auto& run) {
        const auto logits = run.logits.matrix();
        result.top = likeliest(session, logits.row_span(last_is_enough ? 0 : result.position), request.top);
        if (request.all) result.surprisals = surprisals(result.text, run.logits);
      },
      edited.run);
  for (const Surprisal& surprisal : result.surprisals)
    result.mean_loss += surprisal.nats / static_cast<double>(result.surprisals.size());
  return result;
}

Document to_json(const Session& session, const Predictions& result) {
  Json json = begin_document(session, result.effect, &result.text);
  json["position"] = result.position;
  json["predictions"] = Json::array();
  for (const Prediction& p : result.top)
    json["predictions"].push_back(
        {{"id", p.id}, {"token", p.token}, {"logit", p.logit}, {"log_prob", p.log_prob}, {"prob", p.prob}});
  if (!result.all) return finish_document(json);
  json["surprisals"] = Json::array();
  for (const Surprisal& s : result.surprisals)
    json["surprisals"].push_back({{"index", s.index}, {"id", s.id}, {"token", s.token}, {"surprisal", s.nats}});
  json["mean_loss"] = result.surprisals.empty() ? Json() : Json(result.mean_loss);
  return finish_document(json);
}

std::vector<NamedValues> arrays_of(const Predictions& result) {
  std::vector<std::int32_t> ids;
  std::vector<double> logits, log_probs, probs, surprisals;
  for (const Prediction& p : result.top) {
    ids.push_back(p.id);
    logits.push_back(p.logit);
    log_probs.push_back(p.log_prob);
    probs.push_back(p.prob);
  }
  const std::size_t count = ids.size();
  std::vector<NamedValues> arrays = {named_values("ids", {count}, std::move(ids)), named_values("logits", logits),
                                     named_values("log_probs", log_probs), named_values("probs", probs)};
  for (const Surprisal& s : result.surprisals) surprisals.push_back(s.nats);
  if (result.all) arrays.push_back(named_values("surprisals", surprisals));
  return arrays;
}

Figure figure_of(const Predictions& result) {
  Panel panel;
  Bars bars;
  if (!result.surprisals.empty()) {
    for (const Surprisal& s : result.surprisals) {
      panel.x.ticks.push_back(token_label(s.token));
      bars.values.push_back(s.nats);
    }
    panel.y.title = "surprisal (nats)";
    panel.marks = {bars, Reference{"mean " + short_number(result.mean_loss, 3), result.mean_loss}};
    return {"Surprisal of each token",
            "Surprisal is minus the log-probability of a token, given the tokens before it.",
            "",
            {panel},
            1,
            std::nullopt};
  }
  for (const Prediction& p : result.top) {
    panel.y.ticks.push_back(token_label(p.token));
    bars.values.push_back(p.prob);
  }
  bars.horizontal = true;
  panel.x.title = "probability";
  panel.marks = {bars};
  return {"Likeliest tokens after " + token_label(result.text.tokens[result.position]),
          "The " + std::to_string(result.top.size()) + " most likely tokens after position " +
              std::to_string(result.position) + ".",
          "",
          {panel},
          1,
          std::nullopt};
}

}  // namespace stratoscope
