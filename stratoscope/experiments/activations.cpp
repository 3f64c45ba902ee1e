#include "stratoscope/experiments/activations.h"

#include <algorithm>
#include <utility>

#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"
#include "stratoscope/experiments/common_fields.h"
#include "stratoscope/probe/indices.h"
#include "stratoscope/session/json_document.h"
#include "stratoscope/session/labels.h"
#include "stratoscope/session/open_text.h"

namespace stratoscope {

void describe(ActivationsRequest& request, Fields& fields) {
  add_edits(fields, request.edits, request.text_options);
  fields.add("token", request.token, "an index, or a word of the text (default: 8, or the last)").value("T");
  add_compare(fields, request.compare);
  add_no_effect(fields, request.no_effect);
  add_text(fields, request.text);
}

namespace {

template <class T>
void read_token(const BasicTensor<T>& hidden_states, std::size_t token, std::vector<std::vector<double>>& values,
                std::vector<Statistics>& of) {
  for (std::size_t depth = 0; depth < hidden_states.shape()[0]; ++depth) {
    const auto row = hidden_states.slice(depth).row_span(token);
    values.emplace_back(row.begin(), row.end());
    of.push_back(statistics(row));
  }
}

Activations begin(const Session& session, const ActivationsRequest& request, Text text) {
  Activations result;
  result.text = std::move(text);
  result.token = choose_token(result.text, request.token);
  result.labels = depth_labels(session.config());
  return result;
}

Json layers_json(const std::vector<std::string>& labels, const std::vector<Statistics>& statistics) {
  Json layers = Json::array();
  for (std::size_t depth = 0; depth < labels.size(); ++depth) {
    const Statistics& s = statistics[depth];
    layers.push_back({{"label", labels[depth]},
                      {"variance", s.variance},
                      {"mean", s.mean},
                      {"min", s.min},
                      {"max", s.max},
                      {"norm", s.norm}});
  }
  return layers;
}

}  // namespace

Activations activations(const Session& session, const ActivationsRequest& request) {
  Activations result = begin(session, request, session.read(request.text, request.text_options));
  RunRequest pass;
  pass.logits = LogitRows::none;
  const EditedRun edited = run_text(session, result.text, request.edits, pass, request.text_options);
  if (!request.no_effect) result.effect = edited.effect;
  std::visit([&](const auto& run) { read_token(run.hidden_states, result.token, result.values, result.statistics); },
             edited.run);
  if (request.compare && edited.effect) {
    const EditedRun clean = run_text(session, result.text, {}, pass, request.text_options);
    std::visit(
        [&](const auto& run) {
          read_token(run.hidden_states, result.token, result.clean_values, result.clean_statistics);
        },
        clean.run);
  }
  return result;
}

bool can_open(const ActivationsRequest&) { return true; }

Activations read_open(OpenText& open, const ActivationsRequest& request) {
  Activations result = begin(open.session(), request, open.text());
  if (!request.no_effect) result.effect = open.effect();
  read_token(open.run(Which::edited).hidden_states, result.token, result.values, result.statistics);
  if (request.compare && open.has_edits())
    read_token(open.run(Which::clean).hidden_states, result.token, result.clean_values, result.clean_statistics);
  return result;
}

Document to_json(const Session& session, const Activations& result) {
  Json json = begin_document(session, result.effect, &result.text);
  json["token"] = {{"index", result.token}, {"token", result.text.tokens[result.token]}};
  json["layers"] = layers_json(result.labels, result.statistics);
  if (!result.clean_statistics.empty())
    json["clean"] = {{"layers", layers_json(result.labels, result.clean_statistics)}};
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
  if (!result.clean_values.empty()) arrays.push_back(named_values("clean_values", result.clean_values));
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
