#include <algorithm>
#include <cmath>

#include "apps/server/limits.h"
#include "apps/server/views.h"
#include "stratoscope/experiments/predict.h"
#include "stratoscope/probe/effect.h"
#include "stratoscope/probe/metrics.h"
#include "stratoscope/session/labels.h"

namespace stratoscope::server {
namespace {

struct Row {
  explicit Row(std::span<const float> of) : logits(of), log_probs(log_softmax<float>(of)) {}

  std::span<const float> logits;
  std::vector<double> log_probs;
};

double entropy_of(const Row& row) { return metric_value<float>(Metric::entropy, row.logits, {}, {}); }

Json number_or_null(double value) { return std::isfinite(value) ? Json(value) : Json(); }

Json of_token(const Row& row, TokenId id) {
  const auto i = static_cast<std::size_t>(id);
  return {{"logit", number_or_null(static_cast<double>(row.logits[i]))},
          {"log_prob", number_or_null(row.log_probs[i])},
          {"prob", number_or_null(std::exp(row.log_probs[i]))}};
}

void add_log_probs(JobResult& result, const char* name, const Row& row, const std::vector<TokenId>& ids) {
  std::transform(ids.begin(), ids.end(), result.add(name, {ids.size()}).values.begin(),
                 [&](TokenId id) { return static_cast<float>(row.log_probs[static_cast<std::size_t>(id)]); });
}

// The most likely tokens of both runs, those of the edited run first, then the followed ones.
std::vector<TokenId> shown_ids(const Row& clean, const Row* edited, std::size_t top,
                               const std::vector<long>& followed) {
  std::vector<TokenId> ids;
  const auto add = [&](TokenId id) {
    if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
  };
  for (const Row* row : {edited, &clean})
    if (row != nullptr)
      for (const TokenId id : most_likely<float>(row->logits, top)) add(id);
  for (const long id : followed)
    add(static_cast<TokenId>(checked_index("token id", static_cast<std::size_t>(id), clean.log_probs.size())));
  return ids;
}

}  // namespace

Job::Step predict_view(Fields& fields, const TextRequest& text_request) {
  const PositionField position = read_position(fields, "position", std::nullopt);
  const std::size_t top = std::max<std::size_t>(1, fields.count_or("top", kTop, 10));
  const std::vector<long> followed = fields.ids("follow", kTop);
  return [=](Job& job) {
    OpenText& text = text_request.open();
    const std::size_t at = position.in(text.positions());
    const Tensor logits = text.last_logits(at);
    const Row clean(logits.matrix().row_span(0));
    std::optional<Row> edited;
    if (text.has_edits()) edited.emplace(logits.matrix().row_span(1));
    JobResult result;
    result.json["position"] = at;
    result.json["token"] = text.text().tokens[at];
    result.json["entropy"] = number_or_null(entropy_of(clean));
    if (edited) {
      Effect effect;
      effect.include<float>(clean.logits, edited->logits);
      result.json["effect"] = {{"kl", number_or_null(effect.kl)}, {"max_change", number_or_null(effect.max_change)}};
      result.json["edited_entropy"] = number_or_null(entropy_of(*edited));
      result.json["warning"] =
          effect_warning(effect, text_request.model->session().config(), text_request.edits().expressions);
    }
    result.json["predictions"] = Json::array();
    const std::vector<TokenId> shown = shown_ids(clean, edited ? &*edited : nullptr, top, followed);
    std::transform(shown.begin(), shown.end(), result.add("ids", {shown.size()}).values.begin(),
                   [](TokenId id) { return static_cast<float>(id); });
    add_log_probs(result, "clean_log_probs", clean, shown);
    if (edited) add_log_probs(result, "edited_log_probs", *edited, shown);
    for (const TokenId id : shown) {
      Json token{{"id", id}, {"token", text_request.model->session().token_text(id)}, {"clean", of_token(clean, id)}};
      if (edited) token["edited"] = of_token(*edited, id);
      result.json["predictions"].push_back(std::move(token));
    }
    job.set_result(std::move(result));
    return true;
  };
}

Job::Step lens_cell_view(Fields& fields, const TextRequest& text_request) {
  const std::size_t position = fields.count_or("position", kTextBytes, 0);
  const std::size_t depth = fields.count_or("depth", kTextBytes, 0);
  const std::size_t top = std::max<std::size_t>(1, fields.count_or("top", kTop, 10));
  const Which which = read_which(fields);
  return [=](Job& job) {
    OpenText& text = text_request.open();
    const Session& session = text_request.model->session();
    checked_index("position", position, text.positions());
    checked_index("depth", depth, session.config().n_hidden_states());
    const std::vector positions{position};
    const Tensor logits = text.logits(which, depth, positions);
    const Row row(logits.values());
    Tensor clean_logits;
    std::optional<Row> clean;
    if (which == Which::edited && text.has_edits())
      clean.emplace((clean_logits = text.logits(Which::clean, depth, positions)).values());
    JobResult result;
    result.json = {{"position", position}, {"depth", depth}, {"label", depth_labels(session.config())[depth]}};
    result.json["entropy"] = number_or_null(entropy_of(row));
    result.json["predictions"] = Json::array();
    for (const Prediction& p : likeliest<float>(session, row.logits, top)) {
      Json token{{"id", p.id}, {"token", p.token}, {"prob", number_or_null(p.prob)}};
      if (clean) token["clean_prob"] = of_token(*clean, p.id)["prob"];
      result.json["predictions"].push_back(std::move(token));
    }
    job.set_result(std::move(result));
    return true;
  };
}

}  // namespace stratoscope::server
