#include "stratoscope/experiments/activations.h"

#include <algorithm>

#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"
#include "stratoscope/experiments/common_fields.h"
#include "stratoscope/probe/indices.h"
#include "stratoscope/session/json_document.h"
#include "stratoscope/session/labels.h"

namespace stratoscope {
void describe(ActivationsRequest& request, Fields& fields) {
  add_edits(fields, request.edits, request.text_options);
  fields.add("token", request.token, "an index, or a word of the text (default: 8, or the last)").value("T");
  add_text(fields, request.text);
}

Activations activations(const Session& session, const ActivationsRequest& request) {
  Activations result;
  result.text = session.read(request.text, request.text_options);
  result.token = choose_token(result.text, request.token);
  result.labels = depth_labels(session.config());
  RunRequest run_request;
  run_request.logits = LogitRows::none;
  const EditedRun edited = run_text(session, result.text, request.edits, std::move(run_request), request.text_options);
  result.effect = edited.effect;
  std::visit(
      [&](const auto& run) {
        for (std::size_t depth = 0; depth < result.labels.size(); ++depth) {
          const auto row = run.hidden_states.slice(depth).row_span(result.token);
          result.values.emplace_back(row.begin(), row.end());
          result.statistics.push_back(statistics(row));
        }
      },
      edited.run);
  return result;
}

Document to_json(const Session& session, const Activations& result) {
  Json json = begin_document(session, result.effect, &result.text);
  json["token"] = {{"index", result.token}, {"token", result.text.tokens[result.token]}};
  json["layers"] = Json::array();
  for (std::size_t depth = 0; depth < result.labels.size(); ++depth) {
    const Statistics& s = result.statistics[depth];
    json["layers"].push_back({{"label", result.labels[depth]},
                              {"variance", s.variance},
                              {"mean", s.mean},
                              {"min", s.min},
                              {"max", s.max},
                              {"norm", s.norm}});
  }
  return finish_document(json);
}

std::vector<NamedValues> arrays_of(const Activations& result) {
  std::vector<NamedValues> arrays = {named_values("values", result.values)};
  const auto add = [&](const char* name, double Statistics::*member) {
    std::vector<double> values;
    for (const Statistics& statistics : result.statistics) values.push_back(statistics.*member);
    arrays.push_back(named_values(name, values));
  };
  add("variance", &Statistics::variance);
  add("mean", &Statistics::mean);
  add("min", &Statistics::min);
  add("max", &Statistics::max);
  add("norm", &Statistics::norm);
  return arrays;
}

Figure figure_of(const Activations& result) {
  Panel scatter, variance;
  scatter.title = "Activations of " + token_label(result.text.tokens[result.token]);
  scatter.x = {"depth", result.labels, std::nullopt, false};
  scatter.y.title = "activation";
  scatter.marks = {JitteredPoints{result.values}};
  variance.title = "Their variance";
  variance.x = scatter.x;
  variance.y.title = "variance";
  Bars bars;
  for (const Statistics& s : result.statistics) bars.values.push_back(s.variance);
  bars.color_by_category = true;
  variance.marks = {bars};
  ColorScale color;
  color.title = "depth";
  color.high = static_cast<double>(result.labels.size() - 1);
  color.show_bar = false;
  return {"One token at every depth",
          "Each point is one dimension of the hidden state of " + token_label(result.text.tokens[result.token]) +
              " (token " + std::to_string(result.token) + ").",
          kLastDepthNote,
          {scatter, variance},
          2,
          color};
}

}  // namespace stratoscope
